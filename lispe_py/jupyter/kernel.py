"""The kernel: a session of the prompt that a notebook talks to.

What it can do is what the prompt can: the same session runs the cells, and completion,
descriptions and indentation come from the same modules.
Source: "Messaging in Jupyter", https://jupyter-client.readthedocs.io/en/stable/messaging.html
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, TextIO, cast

from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

from lispe_py import assistance
from lispe_py.errors import LispError, LispSyntaxError
from lispe_py.indentation import indent_of
from lispe_py.interpreter import LispE
from lispe_py.jupyter.display import Bundle, bundle, picture
from lispe_py.jupyter.history import History
from lispe_py.reader import read
from lispe_py.repl.session import Session, starred
from lispe_py.reporting import coloured, text_of
from lispe_py.version import __version__

#: Seconds until the process ends after ``(exit)``, so that its reply is on its way.
LEAVE = 0.1


class LispEKernel(Kernel):  # type: ignore[misc]
    """One interpreter, its cells run one after another."""

    implementation = "lispe_py"
    implementation_version = __version__
    banner = f"lispe_py {__version__}"
    language_info = {
        "name": "lispe",
        "version": __version__,
        "mimetype": "text/x-lispe",
        "file_extension": ".lisp",
        "pygments_lexer": "lispe",
        "codemirror_mode": "commonlisp",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Its other streams are the process's, which are the notebook's here.
        self.lisp = LispE(stdin=cast(TextIO, Questions(self)))
        self.lisp.on_picture = self._show_picture
        self._failure: dict[str, Any] | None = None
        self._cells = Session(self.lisp, self._tell)
        self._history = History()

    def start(self) -> None:
        super().start()
        # The first completion need not wait for all that there is to read.
        threading.Thread(target=assistance.prepare, name="lispe:names", daemon=True).start()

    @property
    def kernel_info(self) -> dict[str, Any]:
        # No debugger of Python, and no cells that run beside each other.
        return {**super().kernel_info, "supported_features": []}

    def set_parent(self, ident: Any, parent: Any, channel: str = "shell") -> None:
        """A request begins: what is written from here on is its output."""
        super().set_parent(ident, parent, channel)
        if channel == "shell":
            for stream in (sys.stdout, sys.stderr):
                if isinstance(stream, OutStream):
                    stream.set_parent(parent)

    # ------------------------------------------------------------ cells

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: Mapping[str, str] | None = None,
        allow_stdin: bool = False,
    ) -> dict[str, Any]:
        self._allow_stdin = allow_stdin
        shown: str | None = None

        def show(made: Bundle) -> None:
            nonlocal shown
            shown = made["text/plain"]
            if not silent:
                self._publish(
                    "execute_result",
                    {"execution_count": self.execution_count, "data": made, "metadata": {}},
                )

        # A silent cell has no number of its own.
        name = "silent" if silent else f"In[{self.execution_count}]"
        failure, status = self._run(name, code, show)
        if store_history and not silent and code.strip():
            self._history.add(self.execution_count, code, shown)
        if failure is not None:
            self._publish("error", failure)
            return {"status": "error", "execution_count": self.execution_count, **failure}
        asked = [] if status is None else [self._leave()]
        return {
            "status": "ok",
            "execution_count": self.execution_count,
            "payload": asked,
            "user_expressions": {
                name: self._expression(text) for name, text in (user_expressions or {}).items()
            },
        }

    def _run(
        self, name: str, text: str, show: Callable[[Bundle], None]
    ) -> tuple[dict[str, Any] | None, int | None]:
        """Run a text; the error it ended with, and a status if it ends the session."""
        self._failure = None
        try:
            status = self._cells.enter_as(name, text, self._bundle, show)
        finally:
            failure, self._failure = self._failure, None
        return failure, status

    def _bundle(self, value: Any) -> Bundle:
        # As a part of the program, so that an interrupt ends it.
        made: Bundle = self.lisp.evaluated(lambda: bundle(value))
        return made

    def _expression(self, text: str) -> dict[str, Any]:
        found: list[Bundle] = []
        failure, _ = self._run("expression", text, found.append)
        if failure is not None:
            return {"status": "error", **failure}
        return {"status": "ok", "data": found[0] if found else {}, "metadata": {}}

    def _tell(self, error: BaseException, sources: Mapping[str, str]) -> None:
        text = text_of(error, sources)
        if not os.environ.get("NO_COLOR"):
            text = coloured(text)
        message = error.message if isinstance(error, LispError) else str(error)
        self._failure = {
            "ename": type(error).__name__, "evalue": message, "traceback": text.split("\n"),
        }  # fmt: skip

    def _show_picture(self, path: str) -> None:
        self._publish("display_data", {"data": picture(path), "metadata": {}})

    def _publish(self, kind: str, content: dict[str, Any]) -> None:
        """Send something to show, after what has been written before it."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.send_response(self.iopub_socket, kind, content)

    def _leave(self) -> dict[str, Any]:
        """End the process after ``(exit)``; what tells the front end so."""
        self.io_loop.call_later(LEAVE, self.io_loop.stop)
        return {"source": "ask_exit", "keepkernel": False}

    # ------------------------------------------------------------ what front ends ask

    async def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        found = assistance.complete(self.lisp, code, cursor_pos)
        start = found[0].start if found else cursor_pos
        kinds = [
            {
                "start": start, "end": cursor_pos, "text": c.text, "type": c.kind,
                "signature": c.signature,
            }
            for c in found
        ]  # fmt: skip
        return {
            "status": "ok",
            "matches": [candidate.text for candidate in found],
            "cursor_start": start,
            "cursor_end": cursor_pos,
            # JupyterLab and IPython know it by this name.
            "metadata": {"_jupyter_types_experimental": kinds},
        }

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
    ) -> dict[str, Any]:
        """The name at the cursor, else the call around it."""
        found = assistance.describe(self.lisp, assistance.name_at(code, cursor_pos))
        if found is None:
            call = assistance.signature_at(self.lisp, code, cursor_pos)
            found = assistance.describe(self.lisp, call.name) if call is not None else None
        data = {}
        if found is not None:
            plain = f"{found.signature or found.name}\n{found.documentation}".rstrip()
            data = {"text/plain": plain, "text/markdown": found.markdown}
        return {"status": "ok", "found": found is not None, "data": data, "metadata": {}}

    async def do_history(
        self,
        hist_access_type: str,
        output: bool,
        raw: bool,
        session: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        n: int | None = None,
        pattern: str | None = None,
        unique: bool = False,
    ) -> dict[str, Any]:
        found = self._history.asked(
            hist_access_type, output=output, session=session, start=start, stop=stop,
            n=n, pattern=pattern, unique=unique,
        )  # fmt: skip
        return {"status": "ok", "history": found}

    async def do_is_complete(self, code: str) -> dict[str, Any]:
        try:
            read(starred(code))
        except LispSyntaxError as error:
            if error.incomplete:
                return {"status": "incomplete", "indent": " " * indent_of(code)}
            return {"status": "invalid"}
        return {"status": "complete"}

    # ------------------------------------------------------------ the end of things

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """End what runs, and nothing of the kernel: it comes on a thread of its own."""
        self.lisp.interrupt()
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        self.lisp.interrupt()
        self._history.close()
        return {"status": "ok", "restart": restart}


class Questions(io.TextIOBase):
    """The standard input of a cell: a line is asked of the front end."""

    def __init__(self, kernel: LispEKernel) -> None:
        self._kernel = kernel
        self._left = ""

    def readable(self) -> bool:
        return True

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return self._taken(self._line(), size)

    def read(self, size: int | None = -1, /) -> str:
        return self._taken(self._line(), -1 if size is None else size)

    def _line(self) -> str:
        if not self._left:
            if not self._kernel._allow_stdin:
                raise LispError("this front end takes no input")
            try:
                self._left = self._kernel.raw_input("") + "\n"
            except EOFError:
                return ""
        return self._left

    def _taken(self, line: str, size: int) -> str:
        end = len(line) if size < 0 else size
        self._left = line[end:]
        return line[:end]


def run(connection: str) -> None:
    """Serve the front ends of a connection file until one of them ends it."""
    IPKernelApp.launch_instance(argv=["-f", connection], kernel_class=LispEKernel)
