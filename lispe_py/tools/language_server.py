"""``lispe lsp``: LispE in editors, by the Language Server Protocol over standard streams.

Diagnostics are those of ``lispe check``; completion, signatures and hovers come from
:mod:`lispe_py.assistance`; the layout is that of ``lispe format``. No document is ever run.
Source: Language Server Protocol 3.17, https://microsoft.github.io/language-server-protocol/
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from lispe_py import assistance, libraries
from lispe_py.errors import LispError
from lispe_py.interpreter import LispE
from lispe_py.reader import read
from lispe_py.tools.checking import check_text
from lispe_py.tools.documenting import DEFINITIONS, comment_above, title_of
from lispe_py.tools.formatting import format_text
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol
from lispe_py.version import __version__

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

_HINTS = frozenset({"unused-variable", "unused-parameter"})


class Definition(NamedTuple):
    """A definition of a document; lines count from 1, columns from 1."""

    name: str
    kind: str
    title: str
    comment: str
    line: int
    column: int
    end_line: int
    end_column: int


def definitions(text: str) -> list[Definition]:
    """The definitions at the top of a text, of as much of it as can be read."""
    try:
        forms = read(text)
    except LispError as error:
        # What stands above the fault: the text up to its last complete line of it.
        above = text.split("\n")[: max((error.line or 1) - 1, 0)]
        try:
            forms = read("\n".join(above))
        except LispError:
            return []
    lines = text.split("\n")
    found = []
    for form in forms:
        head = form[0] if isinstance(form, List) and len(form) > 2 else None
        named = form[1].__class__ is Symbol if head is not None else False
        if head.__class__ is Symbol and head.name in DEFINITIONS and named:
            comment = comment_above(lines, form.where.line)
            place = form.where[:4]
            found.append(Definition(form[1].name, head.name, title_of(form), comment, *place))
    return found


def description(lisp: LispE, text: str, name: str) -> str:
    """What a hover shows of a name, in Markdown; empty if nothing is known."""
    for definition in definitions(text):
        if definition.name == name:
            return f"```lisp\n{definition.title}\n```\n{definition.comment}".rstrip()
    if name in libraries.index():
        # Described from its source: torch is not loaded for a hover.
        known = {n: d for p in dict.fromkeys(libraries.LIBRARIES.values())
                 for n, d in libraries.described(p).items() if n == name}  # fmt: skip
        signature, summary = known[name]
        return f"```lisp\n{signature}\n```\n{summary}"
    found = assistance.describe(lisp, name)
    if found is None:
        return ""
    return found.markdown


def make_server() -> LanguageServer:
    """The server, with all it can do; ``start_io`` runs it.

    Raises:
        LispError: the package ``pygls`` is missing.
    """
    try:
        from lsprotocol import types as lsp
        from pygls.lsp.server import LanguageServer
    except ImportError as error:
        raise LispError(
            "the language server needs the package pygls", hint="pip install 'lispe-py[lsp]'"
        ) from error

    server = LanguageServer("lispe", __version__)
    lisp = LispE(allow=())

    def document(parameters: Any) -> Any:
        return server.workspace.get_text_document(parameters.text_document.uri)

    def position(found: Any, line: int, column: int) -> Any:
        """A place of ours, counted from 1, as the client counts."""
        inner = lsp.Position(line=line - 1, character=column - 1)
        return found.position_codec.position_to_client_units(found.lines, inner)

    def range_of(found: Any, start: tuple[int, int], end: tuple[int, int]) -> Any:
        return lsp.Range(start=position(found, *start), end=position(found, *end))

    def publish(parameters: Any) -> None:
        found = document(parameters)
        diagnostics = []
        for finding in check_text(found.source, found.path or found.uri):
            line = found.lines[finding.line - 1] if finding.line <= len(found.lines) else ""
            word = re.compile(r"[^\s()\[\]{}]+|.").match(line, finding.column - 1)
            end = (finding.line, (word.end() if word else finding.column) + 1)
            severity = lsp.DiagnosticSeverity.Error
            if finding.code in _HINTS:
                severity = lsp.DiagnosticSeverity.Warning
            diagnostics.append(
                lsp.Diagnostic(
                    range=range_of(found, (finding.line, finding.column), end),
                    message=finding.text,
                    code=finding.code,
                    source="lispe",
                    severity=severity,
                )  # fmt: skip
            )
        server.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri=found.uri, diagnostics=diagnostics)
        )

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(parameters: Any) -> None:
        publish(parameters)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(parameters: Any) -> None:
        publish(parameters)

    @server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["(", '"'])
    )
    def complete(parameters: Any) -> Any:
        found = document(parameters)
        offset = found.offset_at_position(parameters.position)
        items = []
        kinds = lsp.CompletionItemKind
        for candidate in assistance.complete(lisp, found.source, offset):
            kind = {
                "class": kinds.Class, "variable": kinds.Variable, "constant": kinds.Constant,
                "file": kinds.File, "folder": kinds.Folder, "key": kinds.Property,
                "name": kinds.Text,
            }.get(candidate.kind, kinds.Function)  # fmt: skip
            items.append(
                lsp.CompletionItem(
                    label=candidate.text,
                    kind=kind,
                    detail=candidate.signature or None,
                    documentation=candidate.summary or None,
                )  # fmt: skip
            )
        return lsp.CompletionList(is_incomplete=False, items=items)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(parameters: Any) -> Any:
        found = document(parameters)
        name = assistance.name_at(found.source, found.offset_at_position(parameters.position))
        text = description(lisp, found.source, name) if name else ""
        if not text:
            return None
        return lsp.Hover(contents=lsp.MarkupContent(kind=lsp.MarkupKind.Markdown, value=text))

    @server.feature(
        lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(trigger_characters=[" ", "("])
    )
    def signature(parameters: Any) -> Any:
        found = document(parameters)
        offset = found.offset_at_position(parameters.position)
        call = assistance.signature_at(lisp, found.source, offset)
        if call is None:
            return None
        label = lsp.SignatureInformation(label=call.text, documentation=call.summary or None)
        return lsp.SignatureHelp(
            signatures=[label], active_signature=0, active_parameter=call.argument
        )

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def definition(parameters: Any) -> Any:
        found = document(parameters)
        name = assistance.name_at(found.source, found.offset_at_position(parameters.position))
        return [
            lsp.Location(
                uri=found.uri,
                range=range_of(found, (one.line, one.column), (one.end_line, one.end_column)),
            )
            for one in definitions(found.source)
            if one.name == name
        ]

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(parameters: Any) -> Any:
        found = document(parameters)
        made = []
        for one in definitions(found.source):
            whole = range_of(found, (one.line, one.column), (one.end_line, one.end_column))
            kind = lsp.SymbolKind.Class if one.kind == "class@" else lsp.SymbolKind.Function
            made.append(
                lsp.DocumentSymbol(
                    name=one.name, detail=one.title, kind=kind, range=whole, selection_range=whole
                )
            )
        return made

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def layout(parameters: Any) -> Any:
        found = document(parameters)
        try:
            text = format_text(found.source)
        except LispError:
            return None  # a text that cannot be read has its diagnostic already
        last = max(len(found.lines), 1)
        end = lsp.Position(line=last, character=0)
        return [lsp.TextEdit(range=lsp.Range(start=lsp.Position(0, 0), end=end), new_text=text)]

    return server


def main(words: list[str]) -> int:
    """``lispe lsp``"""
    parser = argparse.ArgumentParser(
        prog="lispe lsp", description="Serve an editor on the standard streams."
    )
    parser.parse_args(words)
    try:
        server = make_server()
    except LispError as error:
        print(f"lispe lsp: {error.message}\n    {error.hint}", file=sys.stderr)
        return 1
    server.start_io()
    return 0
