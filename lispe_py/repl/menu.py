"""The menu of completions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from lispe_py.assistance import complete

if TYPE_CHECKING:
    from lispe_py.interpreter import LispE

#: Entries of the menu, and letters from which on it opens by itself.
MOST, LETTERS = 200, 2
#: Kinds for which it opens by itself at once.
_NARROW = frozenset({"key", "attribute", "method"})


class Menu(Completer):
    """What may stand at the cursor, with signature and first line of documentation."""

    def __init__(self, lisp: LispE) -> None:
        self.lisp = lisp

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        cursor = document.cursor_position
        for found in islice(complete(self.lisp, document.text, cursor), MOST):
            written = cursor - found.start
            if event.text_inserted and written < LETTERS and found.kind not in _NARROW:
                continue
            about = "  ".join(filter(None, (found.signature, found.summary))) or found.kind
            yield Completion(found.text, start_position=-written, display_meta=about)
