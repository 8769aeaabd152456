"""The language server, driven by a client over its pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pygls")

URI = "file:///somewhere/area.lisp"
TEXT = """\
; The area
; of a field.
(defun area(width height)
   (* width height))
(println (area 2 3))
"""


class Client:
    """A client that speaks the protocol by hand: headers, a blank line, JSON."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lispe_py", "lsp"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.number = 0
        self.told: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        length = 0
        while (line := stream.readline().strip()) != b"":
            if line.lower().startswith(b"content-length"):
                length = int(line.split(b":")[1])
        return json.loads(stream.read(length))

    def request(self, method: str, parameters: Any) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": parameters})
        while True:
            answer = self.receive()
            if answer.get("id") == self.number and "method" not in answer:
                assert "error" not in answer, answer
                return answer["result"]
            self.told.append(answer)

    def notify(self, method: str, parameters: Any) -> None:
        self.send({"method": method, "params": parameters})

    def diagnostics(self) -> list[dict[str, Any]]:
        while True:
            message = self.told.pop(0) if self.told else self.receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                return message["params"]["diagnostics"]

    def change(self, text: str, version: int) -> list[dict[str, Any]]:
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": URI, "version": version}, "contentChanges": [{"text": text}]},
        )
        return self.diagnostics()

    def at(self, method: str, line: int, character: int) -> Any:
        place = {"line": line, "character": character}
        return self.request(
            f"textDocument/{method}", {"textDocument": {"uri": URI}, "position": place}
        )


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    found = Client()
    answer = found.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert answer["serverInfo"]["name"] == "lispe"
    found.notify("initialized", {})
    item = {"uri": URI, "languageId": "lisp", "version": 1, "text": TEXT}
    found.notify("textDocument/didOpen", {"textDocument": item})
    assert found.diagnostics() == []
    yield found
    found.request("shutdown", None)
    found.notify("exit", None)
    assert found.process.wait(20) == 0


def test_diagnostics(client: Client) -> None:
    told = client.change(TEXT + '(println "é𝄞" (aera 2))\n', 2)
    assert [(d["code"], d["message"], d["severity"]) for d in told] == [
        ("unknown-name", "nothing is called 'aera'", 1)
    ]
    # The clef counts as two: positions are in units of UTF-16.
    assert told[0]["range"] == {
        "start": {"line": 5, "character": 16}, "end": {"line": 5, "character": 20}
    }  # fmt: skip
    told = client.change("(defun area(w h)\n   (* w 2)", 3)
    assert told[0]["message"].startswith("parentheses do not balance")
    told = client.change("(defun area(w h)\n   (* w 2))", 4)
    assert [(d["code"], d["severity"]) for d in told] == [("unused-parameter", 2)]
    assert client.change(TEXT, 5) == []


def test_hovers(client: Client) -> None:
    text = client.at("hover", 4, 11)["contents"]["value"]
    assert text == "```lisp\n(area width height)\n```\nThe area\nof a field."
    assert "(println" in client.at("hover", 4, 3)["contents"]["value"]
    assert client.at("hover", 4, 15) is None


def test_completion_and_signatures(client: Client) -> None:
    client.change(TEXT + "(torch_rel", 6)
    items = client.at("completion", 5, 10)["items"]
    assert [i["label"] for i in items][:1] == ["torch_relu"]
    client.change(TEXT + "(car ", 7)
    found = client.at("signatureHelp", 5, 5)
    assert (found["signatures"][0]["label"], found["activeParameter"]) == ("(car value)", 0)
    client.change(TEXT, 8)


def test_definitions_and_outline(client: Client) -> None:
    place = {"start": {"line": 2, "character": 0}, "end": {"line": 3, "character": 20}}
    assert client.at("definition", 4, 11) == [{"uri": URI, "range": place}]
    symbols = client.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}})
    assert [(s["name"], s["detail"], s["range"]) for s in symbols] == [
        ("area", "(area width height)", place)
    ]


def test_layout(client: Client) -> None:
    client.change("(defun f(x)\n(* x\n2))", 9)
    options = {"tabSize": 3, "insertSpaces": True}
    edits = client.request(
        "textDocument/formatting", {"textDocument": {"uri": URI}, "options": options}
    )
    assert edits[0]["newText"] == "(defun f(x)\n   (* x\n      2))\n"
    client.change("(defun f(x", 10)
    assert not client.request(
        "textDocument/formatting", {"textDocument": {"uri": URI}, "options": options}
    )
    client.change(TEXT, 11)


def test_broken_documents_do_no_harm(client: Client) -> None:
    for number, text in enumerate(("(((((", '"', ")", ";;", "\x00(", "(defmacro", "{a:")):
        client.change(text, 20 + number)
        client.at("hover", 0, 1)
        client.at("completion", 0, 1)
        client.at("signatureHelp", 0, 1)
    assert client.change(TEXT, 40) == []
