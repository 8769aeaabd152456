"""The embedding API: an interpreter of its own, in a Python program.

>>> from lispe_py import LispE
>>> lisp = LispE()
>>> lisp.eval("(defun square(x) (* x x)) (square 7)")
49
>>> lisp.call("square", 5)
25
"""

from __future__ import annotations

import builtins
import itertools
import os
import random
import sys
import threading
from collections.abc import Callable, Sequence
from types import CodeType, FrameType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Literal, TextIO, Unpack

from lispe_py import libraries
from lispe_py.builtins.access import path_entry
from lispe_py.builtins.modify import over, replace_all
from lispe_py.builtins.ranges import EACH_OF
from lispe_py.builtins.reorder import flipped
from lispe_py.compiler.metering import count_steps
from lispe_py.compiler.unit import MAIN, Code, compile_unit, link, take_definitions
from lispe_py.embedding.compiled_files import CompiledFiles
from lispe_py.embedding.globals import Globals
from lispe_py.embedding.running import Running
from lispe_py.errors import LispError, StoppedError
from lispe_py.expander import Expander
from lispe_py.links import Links
from lispe_py.printer import display, show
from lispe_py.reader import read
from lispe_py.registry import CORE, Entry, registry
from lispe_py.runtime import calls, matching, objects, threads
from lispe_py.runtime.constants import CONSTANTS
from lispe_py.runtime.failures import translate
from lispe_py.runtime.frames import MADE, MARK, FrameMap, Variables
from lispe_py.runtime.limits import LimitOptions, Limits
from lispe_py.runtime.support import helpers
from lispe_py.runtime.threads import Threads
from lispe_py.values.functions import FORMS
from lispe_py.values.lists import List, Tail
from lispe_py.values.records import Caught
from lispe_py.values.symbol import Symbol
from lispe_py.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from lispe_py.embedding.compiled import Compiled

#: What a program may be allowed to do, besides computing.
CAPABILITIES = frozenset({"fs", "net", "process", "python"})

_HELPERS = {f".{name}": value for name, value in {**helpers(), **matching.helpers()}.items()}


class LispE(Running):
    """A LispE interpreter. Several may live side by side; they share nothing.

    Args:
        stdout, stderr, stdin: text streams; the process's own by default.
        promote: mixed arithmetic such as ``(+ 1 2.5)`` gives a number instead
            of following its first operand.
        allow: the capabilities a program has, among ``fs net process python``;
            all of them by default.
        search_path: folders in which ``load`` looks, besides that of the script.
        limits: ``max_seconds``, ``max_steps``, ``max_depth`` and ``max_memory``
            (bytes) of every evaluation; docs/embedding.md tells what each can hold.
        cache: files are compiled once, and their code kept in the user's cache folder.

    >>> LispE(promote=True).eval("(+ 1 2.5)")
    3.5
    """

    def __init__(
        self,
        *,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        stdin: TextIO | None = None,
        promote: bool = False,
        allow: Sequence[str] | None = None,
        search_path: Sequence[str] = (),
        cache: bool = True,
        **limits: Unpack[LimitOptions],
    ) -> None:
        self._streams = (stdin, stdout, stderr)
        self.promote = promote
        self.log_level = "info"
        self.allowed = CAPABILITIES if allow is None else frozenset(allow)
        unknown = self.allowed - CAPABILITIES
        if unknown:
            raise ValueError(f"unknown capability: {', '.join(sorted(unknown))}")
        super().__init__(Limits(**limits).checked())
        #: Held while a text is compiled and its definitions installed.
        self.lock = threading.RLock()
        self.random = random.Random()
        self.args = List()
        self.search_path = [str(p) for p in search_path]
        #: Functions may be defined again, as a prompt needs it.
        self.interactive = False
        self._for_reading = False
        #: Texts that are no files, by the names under which they were run: entries of a
        #: prompt, the text of ``-e``. Errors show their lines, ``source`` their forms.
        self.texts: dict[str, str] = {}
        #: Called with the path of every picture (a PNG file) that a program has written.
        self.on_picture: Callable[[str], None] | None = None
        #: The files that were run, and which of them were not compiled anew.
        self.files = CompiledFiles(self, cache)
        self.expander = Expander()
        self.links = Links()
        self.classes: dict[str, Any] = {}
        #: structures of ``data@``: number of fields; and their groups
        self.data: dict[str, int] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        self.spaces: set[str] = set()
        self.constants: frozenset[str] = frozenset()
        self._numbers = itertools.count()
        self._tracing = False
        self._compiled: dict[Any, FunctionType] = {}
        # Helpers and primitives stand among the globals, where torch.compile finds
        # them from any frame; a "__name__" would make it look for such a module.
        self._globals: dict[str, Any] = {
            "__builtins__": vars(builtins),
            **_HELPERS,
            MARK: True,
            FORMS: {},
            "_args": self.args,
            "_version": f"lispe_py {__version__}",
            "_sep": os.sep,
            **CONSTANTS,
        }
        self.globals = Globals(self)
        self.threads = Threads()
        variables = Variables(self._globals)
        self._add_helpers(variables.helpers())
        self._add_helpers(calls.helpers(self))
        self._add_helpers(objects.helpers(self))
        self._add_helpers(threads.helpers(self))
        self._add_helpers(EACH_OF)
        self._add_helpers(
            {"flipped": flipped, "replace_all": replace_all, "over": MethodType(over, self)}
        )
        if promote:
            from lispe_py.runtime import arithmetic

            self._add_helpers(arithmetic.helpers(True))
        self.meter = self.new_meter(self._globals)
        if self.meter is not None:
            self._add_helpers({"step": self.meter.step})
        libraries.load_core()

    def _add_helpers(self, table: dict[str, Any]) -> None:
        self._globals.update({f".{name}": value for name, value in table.items()})

    # ------------------------------------------------------------ streams

    @property
    def stdin(self) -> TextIO:
        return self._streams[0] or sys.stdin

    @property
    def stdout(self) -> TextIO:
        return self._streams[1] or sys.stdout

    @property
    def stderr(self) -> TextIO:
        return self._streams[2] or sys.stderr

    # ------------------------------------------------------------ running

    def eval(self, text: str, file: str = "main", **limits: Unpack[LimitOptions]) -> Any:
        """Run a text; the value of its last form.

        Raises:
            LispError: for every error of the program, with its place.
            StoppedError: one of these, if a limit was reached or it was interrupted.

        >>> LispE().eval("(+ 1 2)")
        3
        """
        return self.evaluated(lambda: plain(self.evaluate_text(text, file)), limits)

    def execute(
        self,
        path: str | os.PathLike[str],
        args: Sequence[str] = (),
        **limits: Unpack[LimitOptions],
    ) -> Any:
        """Run a file; ``args`` become ``_args``. The value of its last form."""

        def run() -> Any:
            self.args[:] = [str(a) for a in args]
            folder = os.path.dirname(os.path.abspath(path))
            self._globals["_current"] = os.path.join(folder, "")
            if folder not in self.search_path:
                self.search_path.insert(0, folder)
            return plain(self.evaluate_file(path))

        return self.evaluated(run, limits)

    def call(self, function: str, *args: Any, **limits: Unpack[LimitOptions]) -> Any:
        """Call a function of the program, or a primitive, with Python values.

        >>> LispE().call("+", 1, 2)
        3
        """
        from lispe_py.runtime.interop import from_python

        def run() -> Any:
            values = [from_python(a) for a in args]
            return plain(self.callable(Symbol(function))(*values))

        return self.evaluated(run, limits)

    async def eval_async(
        self, text: str, file: str = "main", **limits: Unpack[LimitOptions]
    ) -> Any:
        """Like :meth:`eval`, in a thread, so that other tasks go on.

        Cancelling the task interrupts the program, and returns when it has ended.
        """
        from lispe_py.embedding.asynchronous import in_thread

        return await in_thread(self, lambda: self.eval(text, file, **limits))

    def compile(
        self, text: str, parameters: Sequence[str] | None = None, file: str = "main"
    ) -> Compiled:
        """A text as a function: compiled once, to be run many times.

        Its parameters are the names given, or else those in the text that mean
        nothing yet, in order of appearance. Definitions in the text are installed
        at once; variables that it sets are globals.

        >>> area = LispE().compile("(* width height)")
        >>> area(width=3, height=4)
        12
        """
        from lispe_py.embedding.compiled import Compiled, compile_text

        compiled: Compiled = self.evaluated(
            lambda: Compiled(self, text, *compile_text(self, text, parameters, file))
        )
        return compiled

    def apply(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        """Call a compiled function with values of the language."""
        return self.evaluated(lambda: plain(function(*values)))

    def define(self, name: str, value: Any) -> None:
        """Give a global variable, or a function if the value is callable.

        A Python function gets and gives Python's values; see :meth:`function`.

        >>> lisp = LispE()
        >>> lisp.define("twice", lambda x: 2 * x)
        >>> lisp.eval("(twice 21)")
        42
        """
        from lispe_py.embedding.functions import hosted, is_python_function
        from lispe_py.runtime.interop import from_python

        if is_python_function(value):
            value = hosted(value, name)
        if callable(value):
            self._globals[f"{name}()"] = value
        else:
            value = from_python(value)
        self._globals[name] = value

    def function(self, name: Any = None, *, convert: bool = True) -> Any:
        """Decorator: let programs call a Python function, by its name or another one.

        >>> lisp = LispE()
        >>> @lisp.function
        ... def mean(values, default=0):
        ...     "The arithmetic mean."
        ...     return sum(values) / len(values) if values else default
        >>> lisp.eval("(mean '(1 2 6))")
        3.0

        Arguments are converted, so that the function sees lists, dictionaries and
        texts; ``convert=False`` leaves them as they are. The function itself is
        returned unchanged.
        """
        from lispe_py.embedding.functions import hosted

        if callable(name):
            self.define(name.__name__, hosted(name, name.__name__, convert))
            return name

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            title = name or function.__name__
            self.define(title, hosted(function, title, convert))
            return function

        return decorate

    def share(self, data: Any) -> Tensor:
        """A value for programs on the very memory of an array: a tensor, nothing copied.

        Args:
            data: a numpy array of any shape, an ``array.array``, ``bytearray`` or writable
                ``memoryview``, an object with ``__dlpack__``, a typed list or matrix of
                a program; of integers, numbers or truth values that torch knows.

        What either side writes, the other reads. While the tensor lives, what has a
        length of its own cannot change it.

        Raises:
            LispError: for memory that may only be read, or that is none.

        >>> import numpy
        >>> lisp, prices = LispE(), numpy.array([1.0, 2.0])
        >>> lisp.globals["prices"] = lisp.share(prices)
        >>> _ = lisp.eval("(set@ prices 0 5)")
        >>> float(prices[0])
        5.0
        """
        from lispe_py.embedding.sharing import share

        return share(data)

    def fork(self, **options: Any) -> LispE:
        """An interpreter with a copy of all definitions and values of this one.

        What either of them changes, the other does not see. Objects that are not
        the language's own (tensors, open files, modules) are shared. ``options``
        are those of the class; those that are not given are this one's.

        >>> lisp = LispE()
        >>> lisp.define("l", [1])
        >>> lisp.fork().eval("(push l 2)"), lisp.eval("l")
        (List([1, 2]), List([1]))
        """
        from lispe_py.embedding.forks import fill

        stdin, stdout, stderr = self._streams
        own = {
            "stdin": stdin, "stdout": stdout, "stderr": stderr, "promote": self.promote,
            "allow": tuple(self.allowed), "cache": self.files.on, **self.limits._asdict(),
        }  # fmt: skip
        child = type(self)(**{**own, **options})
        with self.lock:
            fill(child, self)
        return child

    def dumps(self, value: Any, protocol: int | None = None) -> bytes:
        """A value as bytes, instances of classes and functions with a name included.

        Classes and functions are kept by their names: an interpreter that loads
        the bytes, here or in another process, has definitions of its own.

        Raises:
            LispError: for a value that cannot be kept, such as a lambda or an open file.

        >>> lisp = LispE()
        >>> point = lisp.eval("(class@ Point (x y)) (Point 1 2)")
        >>> lisp.fork().loads(lisp.dumps(point)).y
        2
        """
        from lispe_py.embedding.pickling import dumps

        data: bytes = self.evaluated(lambda: dumps(self, value, protocol))
        return data

    def loads(self, data: bytes) -> Any:
        """The value that :meth:`dumps` made bytes of. As with pickle, trust the bytes first.

        Raises:
            LispError: for bytes that are no value, or name a class that is not defined.
        """
        from lispe_py.embedding.pickling import loads

        return self.evaluated(lambda: loads(self, data))

    def show(self, value: Any) -> str:
        """The text that the prompt prints for a value."""
        return display(value)

    def python_source(self, text: str, file: str = "main") -> str:
        """The Python that a text compiles to, to be read (``--show-python``)."""
        source: str = self.evaluated(lambda: self.python_of(read(text, file), file))
        return source

    def python_of(self, forms: Sequence[Any], file: str = "main") -> str:
        """The Python that forms compile to. It is not installed: they may define anew.

        >>> lisp = LispE()
        >>> print(lisp.python_of([lisp.eval("'(defun half(x) (/ x 2))")]).partition(":")[0])
        def half()(x)
        """
        import ast

        with self.lock:
            self._for_reading = True
            try:
                return ast.unparse(self._compile(self.read_expanded(forms), file).module)
            finally:
                self._for_reading = False

    # ------------------------------------------------------------ compiling

    def read_expanded(self, forms: Sequence[Any]) -> List:
        expanded = List()
        where = getattr(forms, "where", None)
        places = []
        for index, form in enumerate(forms):
            form = self.links.read(form)
            if isinstance(form, list) and form and form[0] is Symbol("defmacro"):
                self.expander.define_macro(form)
                continue
            expanded.append(self.expander.expand(form))
            if where is not None:
                places.append(where.members[index])
        if where is not None:
            expanded.where = where._replace(members=tuple(places))
        return expanded

    def _compile(self, forms: List, file: str, **options: Any) -> Code:
        code = compile_unit(self, forms, file, **options)
        if self.meter is not None:
            count_steps(code.module)
        return code

    def _main(self, code: Code) -> FunctionType:
        return self._installed(code.compiled(), code.constants)

    def _installed(self, code: CodeType, constants: Sequence[Any]) -> FunctionType:
        """Install the definitions of a text; the function that runs its forms."""
        scope = self._globals
        linked = link(code, constants)
        with self.lock:
            exec(linked, scope)
            main: FunctionType = scope.pop(MAIN)
        return main

    def run_forms(self, forms: list[Any], file: str) -> Any:
        """Compile expanded forms as a text of their own, and run it."""
        with self.lock:
            main = self._main(self._compile(List(forms), file))
        return main()

    def evaluate_text(
        self,
        text: str,
        file: str = "main",
        *,
        space: str | None = None,
        frame: FrameMap | None = None,
    ) -> Any:
        """Read, compile and run a whole text (inside a running program too).

        Definitions go into the name space ``space`` if one is given; ``frame``
        holds the variables of the function that runs the text.
        """
        forms = read(text, file)
        with self.lock:
            code = self.compile_forms(forms, file, space=space, mapping=frame is not None)
            main = self._main(code)
        return main() if frame is None else main(frame)

    def evaluate_file(self, path: str | os.PathLike[str], space: str | None = None) -> Any:
        """Run a file (inside a running program too), compiled now or in an earlier run.

        Definitions go into the name space ``space`` if one is given.
        """
        text = calls.read_source(path)
        with self.lock:
            main = self._installed(*self.files.compiled(text, os.fspath(path), space))
        return main()

    def compile_forms(
        self, forms: List, file: str, *, space: str | None, mapping: bool = False, mark: str = ""
    ) -> Code:
        """Compile the forms of a whole text; it is the one that ``_root`` holds."""
        self.enter_text(forms, space)
        spaces = [space] if space else []
        expanded = self.read_expanded(forms)
        return self._compile(expanded, file, mapping=mapping, spaces=spaces, mark=mark)

    def enter_text(self, forms: List, space: str | None) -> None:
        """Note what a text is made of, and the name space that it defines into."""
        self._globals["_root"] = List([Symbol("__root__"), *forms])
        if space:
            self.spaces.add(space)

    def evaluate(self, form: Any, frame: FrameMap | None = None) -> Any:
        """Compile a form and run it, with the variables of ``frame`` if given.

        The same form is compiled once: code is kept by the text of the form.
        """
        if not isinstance(form, (list, Tail)):
            return form
        form = form if isinstance(form, list) else List(form)
        key = (frame is not None, calls.frozen(form), tuple(self.classes))
        main = self._compiled.get(key)
        if main is None:
            where = getattr(form, "where", None)
            file = where.file if where else MADE
            with self.lock:
                forms = self.read_expanded([form])
                main = self._main(self._compile(forms, file, mapping=frame is not None))
            if len(self._compiled) > 2_000:
                self._compiled.clear()
            if not take_definitions(forms)[1]:
                self._compiled[key] = main
        return main(frame) if frame is not None else main()

    # ------------------------------------------------------------ what the compiler asks

    def entry(self, name: str) -> Entry | None:
        found = registry.get(name)
        if found is not None and found.library == CORE:
            return found
        if name.startswith("c") and name.endswith("r"):
            return path_entry(name)
        return libraries.find(name)

    def bind(self, entry: Entry) -> str:
        key = f":{entry.name}"
        if key not in self._globals:
            function = entry.function
            bound = MethodType(function, self) if entry.interpreter else function
            if any(need not in self.allowed for need in entry.needs):
                bound = self._refusal(entry)
            self._globals[key] = bound
        return key

    def _refusal(self, entry: Entry) -> Callable[..., Any]:
        """What stands for a primitive whose capabilities are not allowed."""

        def refused(*_: Any) -> Any:
            for need in entry.needs:
                self.require(need)

        return refused

    def number(self) -> int:
        return next(self._numbers)

    def number_from(self, first: int) -> None:
        """Give numbers from a first one on."""
        self._numbers = itertools.count(first)

    def may_redefine(self, name: str) -> bool:
        return self.interactive or self._for_reading

    # ------------------------------------------------------------ what built-ins ask

    def callable(
        self, function: Any, slot: Literal["first", "last"] = "last"
    ) -> Callable[..., Any]:
        """A Python callable for anything that may stand for a function."""
        if function.__class__ is FunctionType:
            found: Callable[..., Any] = function
            return found
        return calls.resolve(self, function, slot)

    def variable(self, name: str) -> Any:
        """A variable as the running function sees it: its own, or a global."""
        return calls.caller_value(self, name)

    def require(self, capability: str) -> None:
        if capability not in self.allowed:
            raise LispError(
                f"this program is not allowed to use: {capability}",
                hint=f"allow it with LispE(allow={{{capability!r}, ...}})",
            )

    def set_trace(self, on: bool) -> bool | None:
        """Write the name of every function of the program that is called; was it on?"""
        before = self._tracing
        self._tracing = on
        sys.setprofile(self._trace if on else None)
        return True if before else None

    def _trace(self, frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_name
        if event == "call" and frame.f_globals is self._globals and name != MAIN:
            self.stderr.write(f"call: {name}\n")

    def caught(self, error: Exception) -> Caught:
        """The error object for an exception being handled; internal errors go on."""
        translated = translate(error)
        if translated is None or isinstance(translated, StoppedError):
            raise error
        return Caught(translated)

    @property
    def scope(self) -> dict[str, Any]:
        """The globals of compiled code, the names of the compiler included."""
        return self._globals


def plain(value: Any) -> Any:
    """A value as Python users expect it: a window on a list becomes a list."""
    return List(value) if value.__class__ is Tail else value


__all__ = ["CAPABILITIES", "Globals", "LispE", "plain", "show"]
