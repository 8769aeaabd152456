"""The Jupyter kernel, driven by clients over its sockets."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipykernel")
pytest.importorskip("nbclient")

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager, start_new_kernel

#: Seconds that anything may take on a busy machine.
PATIENCE = 60

PNG = b"\x89PNG\r\n\x1a\n"


class Cell:
    """What came of a cell: its reply, and what it has shown, in order."""

    def __init__(self) -> None:
        self.reply: dict[str, Any] = {}
        self.shown: list[tuple[str, dict[str, Any]]] = []

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [content for name, content in self.shown if name == kind]

    def text(self, stream: str = "stdout") -> str:
        return "".join(c["text"] for c in self.of("stream") if c["name"] == stream)

    @property
    def value(self) -> str:
        [result] = self.of("execute_result")
        return result["data"]["text/plain"]


class Client:
    """A front end of one kernel."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, **options: Any) -> Cell:
        cell = Cell()

        def take(message: dict[str, Any]) -> None:
            cell.shown.append((message["msg_type"], message["content"]))

        answer = self.client.execute_interactive(
            code, output_hook=take, timeout=PATIENCE, stop_on_error=False, **options
        )
        cell.reply = answer["content"]
        return cell

    def ask(self, request: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        number = getattr(self.client, request)(*arguments, **options)
        return self.reply(number)

    def reply(self, number: str) -> dict[str, Any]:
        """The reply to a request, which may have been sent long ago."""
        while True:
            message = self.client.get_shell_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == number:
                return message["content"]

    def begin(self, code: str) -> str:
        """Start a cell that writes a line, and wait until it has done so."""
        number = self.client.execute(code, stop_on_error=False)
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["msg_type"] == "stream" and message["parent_header"]["msg_id"] == number:
                return number


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Jupyter with nothing of this machine's, and the kernel installed in it."""
    root = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATA_DIR", "CONFIG_DIR", "RUNTIME_DIR"):
            patch.setenv(f"JUPYTER_{name}", str(root / name.lower()))
        patch.setenv("JUPYTER_PATH", "")
        patch.setenv("IPYTHONDIR", str(root / "ipython"))
        patch.setenv("XDG_STATE_HOME", str(root / "state"))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        done = command("install", "--user")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.strip() == str(root / "data_dir" / "kernels" / "lispe")
        yield root


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lispe_py.jupyter", *words], capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def kernel(folders: Path) -> Iterator[Client]:
    manager, client = start_new_kernel(kernel_name="lispe", startup_timeout=PATIENCE)
    try:
        yield Client(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# ---------------------------------------------------------------- installed


def test_jupyter_finds_the_kernel(folders: Path) -> None:
    found = KernelSpecManager().get_kernel_spec("lispe")
    assert (found.display_name, found.language, found.interrupt_mode) == (
        "LispE",
        "lispe",
        "message",
    )
    assert found.argv == [sys.executable, "-m", "lispe_py.jupyter", "-f", "{connection_file}"]


def test_installed_below_a_prefix(folders: Path, tmp_path: Path) -> None:
    done = command("install", "--prefix", str(tmp_path))
    folder = tmp_path / "share" / "jupyter" / "kernels" / "lispe"
    assert (done.returncode, done.stdout.strip()) == (0, str(folder))
    assert json.loads((folder / "kernel.json").read_text())["display_name"] == "LispE"
    (tmp_path / "file").write_text("")
    done = command("install", "--prefix", str(tmp_path / "file"))
    assert done.returncode == 1 and done.stderr.startswith("cannot install the kernel: ")


def test_a_command_line_without_sense() -> None:
    done = command()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("error: give install, or -f CONNECTION")


def test_what_it_says_of_itself(kernel: Client) -> None:
    info = kernel.ask("kernel_info")
    assert info["implementation"] == "lispe_py"
    assert info["language_info"]["name"] == "lispe"
    assert info["language_info"]["file_extension"] == ".lisp"
    assert info["supported_features"] == []


# ---------------------------------------------------------------- cells


def test_values_are_shown_as_at_the_prompt(kernel: Client) -> None:
    cell = kernel.run("(+ 1 2)")
    assert (cell.reply["status"], cell.value) == ("ok", "3")
    assert cell.of("execute_result")[0]["execution_count"] == cell.reply["execution_count"]
    assert kernel.run("(* 2 *1)").value == "6"
    assert kernel.run("(list *1 *2)").value == "(6 3)"
    assert kernel.run("nil").value == "nil"
    assert kernel.run("(println)").of("execute_result") == []
    assert kernel.run("").reply["status"] == "ok"


def test_output_comes_as_it_is_written(kernel: Client) -> None:
    cell = kernel.run('(println "one") (printerrln "two") (println "three")')
    assert (cell.text(), cell.text("stderr")) == ("one\nthree\n", "two\n")
    # The first line is there while the cell still runs.
    number = kernel.begin('(println "begun") (sleep 1000000)')
    kernel.manager.interrupt_kernel()
    assert kernel.reply(number)["ename"] == "LispInterrupt"


def test_output_stands_before_the_value(kernel: Client) -> None:
    cell = kernel.run('(println "first") 2')
    kinds = [kind for kind, _ in cell.shown if kind in ("stream", "execute_result")]
    assert kinds == ["stream", "execute_result"]


def test_silent_cells_show_no_value(kernel: Client) -> None:
    cell = kernel.run("(setq quiet 7)", silent=True)
    assert cell.reply["status"] == "ok" and not cell.of("execute_result")
    assert kernel.run("quiet").value == "7"


def test_an_error_shows_its_line_and_a_caret(kernel: Client) -> None:
    number = kernel.run("(defun broken(x)\n   (car x))").reply["execution_count"]
    cell = kernel.run("(+ 1\n   (broken 5))")
    [error] = cell.of("error")
    assert cell.reply["status"] == "error"
    assert error["ename"] == "LispError" == cell.reply["ename"]
    assert error["evalue"] == "You cannot apply 'car' to: '5'"
    # The cell in which the function was defined, not the one that called it.
    assert error["traceback"] == [
        f"In[{number}]:2:4: Error: You cannot apply 'car' to: '5'",
        "       (car x))",
        "       ^",
        f"  in broken, In[{number}]:2:4",
        f"  in the program, In[{number + 1}]:2:4",
    ]
    assert kernel.run("(+ 1 1)").value == "2"


def test_a_text_that_cannot_be_read(kernel: Client) -> None:
    cell = kernel.run("(println 1))")
    assert cell.reply["ename"] == "LispSyntaxError"
    assert cell.text() == "" and "    (println 1))" in cell.reply["traceback"]


def test_expressions_of_the_front_end(kernel: Client) -> None:
    cell = kernel.run("(setq n 20)", user_expressions={"twice": "(* 2 n)", "bad": "(car n)"})
    found = cell.reply["user_expressions"]
    assert found["twice"] == {"status": "ok", "data": {"text/plain": "40"}, "metadata": {}}
    assert (found["bad"]["status"], found["bad"]["ename"]) == ("error", "LispError")


def test_input_is_asked_of_the_front_end(kernel: Client) -> None:
    asked: list[str] = []

    def answer(message: dict[str, Any]) -> None:
        asked.append(message["content"]["prompt"])
        kernel.client.input("Ada")

    cell = kernel.run('(println (+ "Hello " (input)))', stdin_hook=answer, allow_stdin=True)
    assert (cell.text(), asked) == ("Hello Ada\n", [""])
    kernel.run(
        "(setq answer (input))", stdin_hook=lambda _: kernel.client.input("\x04"), allow_stdin=True
    )
    assert kernel.run("answer").value == "nil", "the end of the input"
    cell = kernel.run("(input)", allow_stdin=False)
    assert cell.reply["evalue"] == "this front end takes no input"


# ---------------------------------------------------------------- asking


def test_completion(kernel: Client) -> None:
    found = kernel.ask("complete", "(+ 1 (torch_matm", 16)
    assert found["matches"] == ["torch_matmul"]
    assert (found["cursor_start"], found["cursor_end"]) == (6, 16)
    [kind] = found["metadata"]["_jupyter_types_experimental"]
    assert (kind["type"], kind["signature"]) == ("primitive", "(torch_matmul tensor1 tensor2)")
    kernel.run('(setq prices (dictionary "apple" 1 "apricot" 2))')
    found = kernel.ask("complete", '(println "é") (@ prices "apr', 28)
    assert (found["matches"], found["cursor_start"]) == (["apricot"], 25)
    found = kernel.ask("complete", "(nosuchname", 11)
    assert (found["matches"], found["cursor_start"], found["cursor_end"]) == ([], 11, 11)


def test_inspection(kernel: Client) -> None:
    kernel.run("(defun area(width height) (* width height))")
    found = kernel.ask("inspect", "(println (area 2 3))", 12)
    assert found["found"]
    assert found["data"]["text/plain"].startswith("(area width height)\n(defun area ")
    # Behind a call that is being written, the call.
    found = kernel.ask("inspect", "(torch_matmul a ", 16)
    assert "The matrix product" in found["data"]["text/plain"]
    assert found["data"]["text/markdown"].startswith(
        "```lisp\n(torch_matmul tensor1 tensor2)\n```\n"
    )
    assert kernel.ask("inspect", "nosuchname", 3)["found"] is False


def test_whether_a_cell_is_complete(kernel: Client) -> None:
    assert kernel.ask("is_complete", "(+ 1 *1)") == {"status": "complete"}
    assert kernel.ask("is_complete", "(defun f(x)") == {"status": "incomplete", "indent": "   "}
    assert kernel.ask("is_complete", '(println "a') == {"status": "incomplete", "indent": ""}
    assert kernel.ask("is_complete", "(+ 1))") == {"status": "invalid"}


def test_history(kernel: Client, folders: Path) -> None:
    first = kernel.run("(+ 100 1)").reply["execution_count"]
    kernel.run("(setq hidden 1)", store_history=False)
    kernel.run("(+ 100 2)")
    kernel.run("(car 7)")
    last = kernel.run("(+ 100 2)").reply["execution_count"]
    tail = kernel.ask("history", hist_access_type="tail", n=4)["history"]
    [number] = {session for session, _, _ in tail}
    texts = ["(+ 100 1)", "(+ 100 2)", "(car 7)", "(+ 100 2)"]
    assert [text for _, _, text in tail] == texts
    assert (tail[0][1], tail[-1][1]) == (first, last)
    found = kernel.ask(
        "history", hist_access_type="search", pattern="(+ 100*", unique=True, output=True
    )["history"]
    assert [pair for _, _, pair in found] == [["(+ 100 1)", "101"], ["(+ 100 2)", "102"]]
    for session in (0, number):
        found = kernel.ask(
            "history", hist_access_type="range", session=session, start=first, stop=last
        )["history"]
        assert [text for _, _, text in found] == texts[:3]
    path = folders / "state/lispe/jupyter.sqlite"
    assert path.stat().st_mode & 0o777 == 0o600


def test_history_of_earlier_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lispe_py.jupyter.history import History

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    earlier = History()
    earlier.add(1, "(+ 1 2)", "3")
    earlier.close()
    later = History()
    later.add(1, "(+ 3 4)", None)
    assert [text for _, _, text in later.asked("tail", output=False)] == ["(+ 1 2)", "(+ 3 4)"]
    assert later.asked("range", output=True, session=-1) == [(1, 1, ("(+ 1 2)", "3"))]
    # A file that has become unwritable, or is shut: the session goes on.
    later.close()
    later.add(2, "(+ 5 6)", None)
    # Where there can be no file, in memory.
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    nowhere = History()
    nowhere.add(1, "(+ 7 8)", None)
    assert nowhere.asked("tail", output=False) == [(1, 1, "(+ 7 8)")]


# ---------------------------------------------------------------- the end of a cell


def test_an_endless_loop_is_interrupted(kernel: Client) -> None:
    number = kernel.begin('(println "begun")\n(while true (maybe (car 1) nil))')
    kernel.manager.interrupt_kernel()
    reply = kernel.reply(number)
    assert (reply["status"], reply["ename"], reply["evalue"]) == (
        "error", "LispInterrupt", "interrupted",
    )  # fmt: skip
    assert kernel.run("(+ 20 1)").value == "21"


def shows_itself(methods: str) -> str:
    """A form whose value is an object of Python with such methods."""
    return f"""(py_eval "type('Frame', (), {{{methods}}})()")"""


def test_showing_a_value_is_interrupted(kernel: Client) -> None:
    endless = "print(1) or sum(0 for _ in iter(int, 1))"
    number = kernel.begin(shows_itself(f"'_repr_html_': lambda self: {endless}"))
    kernel.manager.interrupt_kernel()
    assert kernel.reply(number)["ename"] == "LispInterrupt"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_signal_interrupts_too(kernel: Client) -> None:
    number = kernel.begin('(println "begun") (while true nil)')
    os.kill(kernel.manager.provisioner.pid, signal.SIGINT)
    assert kernel.reply(number)["evalue"] == "interrupted"
    # Between cells it does nothing.
    os.kill(kernel.manager.provisioner.pid, signal.SIGINT)
    assert kernel.run("(+ 20 2)").value == "22"


# ---------------------------------------------------------------- shown richly


def test_objects_that_show_themselves(kernel: Client) -> None:
    methods = "'_repr_html_': lambda self: '<b>1</b>', '_repr_png_': lambda self: b'point'"
    [result] = kernel.run(shows_itself(methods)).of("execute_result")
    data = result["data"]
    assert (data["text/html"], base64.b64decode(data["image/png"])) == ("<b>1</b>", b"point")
    assert "Frame" in data["text/plain"]


def test_a_tensor_is_a_table(kernel: Client) -> None:
    [result] = kernel.run("(torch_tensor '((1.0 2.5) (3 -4)))").of("execute_result")
    assert result["data"] == {
        "text/plain": "((1 2.5) (3 -4))",
        "text/html": "<table><caption>tensor 2 x 2 float32 cpu</caption>"
        "<tr><td>1</td><td>2.5</td></tr><tr><td>3</td><td>-4</td></tr></table>",
    }
    [result] = kernel.run("(torch_zeros (list 20 30))").of("execute_result")
    assert result["data"]["text/plain"] == "tensor 20 x 30 float32 cpu (0 0 0 0 0 0 ...)"
    table = result["data"]["text/html"]
    assert (table.count("<tr>"), table.count("<td>0</td>")) == (11, 100)
    assert (table.count("…"), table.count("⋮")) == (10, 11)
    for code in ("(torch_zeros (list 2 2 2))", "(torch_sum (torch_zeros (list 2)))"):
        [result] = kernel.run(code).of("execute_result")
        assert list(result["data"]) == ["text/plain"], code


def test_a_plot_is_shown_where_it_is_drawn(kernel: Client, tmp_path: Path) -> None:
    path = tmp_path / "loss.png"
    cell = kernel.run(f'(println 1) (torch_plot_loss (floats 4 2 1) "{path}") (println 2) nil')
    kinds = [kind for kind, _ in cell.shown if kind in ("stream", "display_data")]
    assert kinds == ["stream", "display_data", "stream"]
    [shown] = cell.of("display_data")
    data = base64.b64decode(shown["data"]["image/png"])
    assert data.startswith(PNG) and data == path.read_bytes()
    assert shown["data"]["text/plain"] == str(path)
    # One for the terminal is a text, as it is there.
    cell = kernel.run("(torch_plot_loss (floats 4 2 1))")
    assert not cell.of("display_data") and cell.value.startswith("4 |*")


# ---------------------------------------------------------------- whole kernels


def test_a_notebook_is_executed(folders: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    notebook = new_notebook(
        cells=[
            new_markdown_cell("Squares"),
            new_code_cell("(defun square(x) (* x x))"),
            new_code_cell("(println (square 4))\n(map 'square (iota 3))"),
        ],
        metadata={"kernelspec": {"name": "lispe", "display_name": "LispE", "language": "lispe"}},
    )
    NotebookClient(notebook, timeout=PATIENCE, startup_timeout=PATIENCE).execute()
    nbformat.validate(notebook)
    stream, result = notebook.cells[2].outputs
    assert (stream["name"], stream["text"]) == ("stdout", "16\n")
    assert result["data"]["text/plain"] == "(1 4 9)"
    assert notebook.metadata["language_info"]["name"] == "lispe"


def test_exit_ends_the_kernel(folders: Path) -> None:
    manager, client = start_new_kernel(kernel_name="lispe", startup_timeout=PATIENCE)
    try:
        reply = Client(manager, client).run("(exit)").reply
        assert reply["payload"] == [{"source": "ask_exit", "keepkernel": False}]
        end = time.monotonic() + PATIENCE
        while manager.is_alive() and time.monotonic() < end:
            time.sleep(0.05)
        assert not manager.is_alive()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
