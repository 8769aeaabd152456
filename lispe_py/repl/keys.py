"""The keys of the editor: Enter, Tab, brackets and quotes that come in pairs."""

from __future__ import annotations

from prompt_toolkit.application.current import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from lispe_py.indentation import indent_of
from lispe_py.reader import is_incomplete
from lispe_py.surface import COMMENTS, UNFINISHED_STRING, open_brackets, tokens

PAIRS = {"(": ")", "[": "]", "{": "}"}
QUOTE = '"'


def bindings() -> KeyBindings:
    """The bindings that are ours; all others are those of Emacs."""
    keys = KeyBindings()
    editing = has_focus(DEFAULT_BUFFER) & ~is_searching

    @keys.add("enter", filter=editing)
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        state = buffer.complete_state
        if state is not None and state.current_completion is not None:
            # The choice is already in the text.
            buffer.complete_state = None
        elif _is_ready(buffer):
            buffer.validate_and_handle()
        else:
            new_line(buffer)

    @keys.add("escape", "enter", filter=editing)
    def force(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("tab", filter=editing & Condition(_at_margin))
    def tab(event: KeyPressEvent) -> None:
        indent(event.current_buffer)

    @keys.add("backspace", filter=editing & Condition(_in_empty_pair))
    def backspace(event: KeyPressEvent) -> None:
        event.current_buffer.delete_before_cursor()
        event.current_buffer.delete()

    for opening in PAIRS:
        keys.add(opening, filter=editing)(_opens)
    for closing in PAIRS.values():
        keys.add(closing, filter=editing)(_closes)
    keys.add(QUOTE, filter=editing)(_quotes)
    return keys


def _is_ready(buffer: Buffer) -> bool:
    """Is the text an entry? Brackets that wait behind the cursor say that it goes on."""
    after = buffer.document.text_after_cursor
    return not after.strip() and not is_incomplete(buffer.text)


def new_line(buffer: Buffer) -> None:
    """Begin a line where the conventions want it."""
    buffer.delete(len(_blanks(buffer.document.current_line_after_cursor)))
    before = buffer.document.text_before_cursor
    buffer.insert_text("\n" + " " * indent_of(before))


def indent(buffer: Buffer) -> None:
    """Put the line of the cursor where the conventions want it."""
    document = buffer.document
    before = document.text_before_cursor[: -document.cursor_position_col or None]
    buffer.delete_before_cursor(document.cursor_position_col)
    buffer.delete(len(_blanks(document.current_line_after_cursor)))
    buffer.insert_text(" " * (indent_of(before) if before else 0))


def _blanks(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _at_margin() -> bool:
    return not get_app().current_buffer.document.current_line_before_cursor.strip()


def _in_empty_pair() -> bool:
    document = get_app().current_buffer.document
    before, after = document.char_before_cursor, document.current_char
    return bool(before) and (PAIRS.get(before) == after or before == after == QUOTE)


def _is_text(buffer: Buffer) -> bool:
    """Is the cursor within a string or a comment?"""
    before = tokens(buffer.document.text_before_cursor)
    return bool(before) and (before[-1].kind == UNFINISHED_STRING or before[-1].kind in COMMENTS)


def _has_room(buffer: Buffer) -> bool:
    """Does nothing follow that a new pair would be glued to?"""
    after = buffer.document.current_char
    return not after or after.isspace() or after in PAIRS.values()


def _opens(event: KeyPressEvent) -> None:
    buffer, opening = event.current_buffer, event.data
    paired = _has_room(buffer) and not _is_text(buffer)
    buffer.insert_text(opening)
    if paired:
        buffer.insert_text(PAIRS[opening], move_cursor=False)


def _closes(event: KeyPressEvent) -> None:
    """Step over a bracket that was put there, where one more would be one too many."""
    buffer, closing = event.current_buffer, event.data
    if (
        buffer.document.current_char == closing
        and not _is_text(buffer)
        and not open_brackets(tokens(buffer.text))
    ):
        buffer.cursor_right()
    else:
        buffer.insert_text(closing)


def _quotes(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    document = buffer.document
    if not _is_text(buffer):
        paired = _has_room(buffer)
        buffer.insert_text(QUOTE)
        if paired:
            buffer.insert_text(QUOTE, move_cursor=False)
    elif document.current_char == QUOTE and document.char_before_cursor != "\\":
        buffer.cursor_right()
    else:
        buffer.insert_text(QUOTE)
