"""``lispe doc``: documentation of names and of files, and the whole of it as pages of HTML."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from lispe_py import assistance
from lispe_py.errors import LispError
from lispe_py.interpreter import LispE
from lispe_py.printer import show
from lispe_py.reader import read
from lispe_py.tools.files import text_of
from lispe_py.values.lists import List
from lispe_py.values.symbol import Symbol

DEFINITIONS = frozenset({"defun", "defpat", "defpred", "defprol", "defmacro", "class@", "dethread"})


def document_name(name: str) -> str:
    """What is known of a name of the language or of a library.

    Raises:
        LispError: nothing has that name.

    >>> print(document_name("car").partition("\\n")[0])
    (car value)
    """
    lisp = LispE()
    found = assistance.describe(lisp, name)
    if found is None:
        near = lisp.eval(f"(apropos {show(name)})")
        hint = f"names with that word: {', '.join(near[:8])}" if near else None
        raise LispError(f"nothing is called '{name}'", hint=hint)
    return f"{found.signature}\n\n{found.documentation}".rstrip() + "\n"


def document_file(path: str) -> str:
    """The definitions of a file, each with the comment above it.

    Raises:
        LispError: the file cannot be read.
    """
    text = text_of(path)
    lines = text.split("\n")
    parts = [head] if (head := _comment(lines, _start(lines))) else []
    seen: set[str] = set()
    for form in read(text, path):
        head_ = form[0] if isinstance(form, List) and len(form) > 2 else None
        if head_.__class__ is not Symbol or head_.name not in DEFINITIONS:
            continue
        title = f"{title_of(form)}    {path}:{form.where.line}"
        name = show(form[1])
        comment = comment_above(lines, form.where.line)
        if parts and comment == parts[0]:
            comment = ""  # the comment that begins the file
        if name in seen and not comment:
            continue
        seen.add(name)
        parts.append(f"{title}\n\n{comment}".rstrip())
    return "\n\n\n".join(parts) + "\n"


def title_of(form: List) -> str:
    """How what a form defines is called."""
    parameters = form[2] if isinstance(form[2], List) else ()
    return f"({' '.join([show(form[1]), *map(show, parameters)])})"


def _start(lines: list[str]) -> int:
    return 1 if lines and lines[0].startswith("#!") else 0


def _comment(lines: list[str], start: int) -> str:
    """The lines of comment from a line on."""
    found = []
    for line in lines[start:]:
        if not line.startswith(";"):
            break
        found.append(line.lstrip(";").removeprefix(" ").rstrip())
    return "\n".join(found).strip()


def comment_above(lines: list[str], line: int) -> str:
    """The comment that ends right above a line (counted from 1)."""
    first = line - 1
    while first > 0 and lines[first - 1].startswith(";"):
        first -= 1
    return _comment(lines[: line - 1], first)


# ---------------------------------------------------------------- pages

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62em;
       padding: 0 1em 4em; }}
nav {{ border-bottom: 1px solid #ccc; padding: 1em 0; }} nav a {{ margin-right: 1em; }}
pre {{ background: #f6f6f3; padding: .7em 1em; overflow-x: auto; }}
code {{ font: 14px/1.45 ui-monospace, monospace; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #ccc; padding: .2em .6em; }}
img {{ max-width: 100%; }}
{style}
</style></head><body><nav>{links}</nav>
{body}
</body></html>
"""


def write_site(folder: str, docs: str) -> list[str]:
    """Write the pages of a folder, and a reference made from the registry, as HTML.

    Nothing in them is fetched from elsewhere. The names of the files are given back.

    Raises:
        LispError: the package ``markdown`` is missing, or the folder has no pages.
    """
    try:
        import markdown
    except ImportError as error:
        raise LispError(
            "the pages need the package markdown", hint="pip install 'lispe-py[docs]'"
        ) from error
    from pygments.formatters import HtmlFormatter

    pages = _handwritten(docs)
    if not pages:
        raise LispError(f"there are no pages in {docs}")
    # The first page is the README beside the folder, where there is one.
    first = _handwritten(os.path.join(docs, os.pardir)).get("README")
    sources = ({"index": first} if first is not None else {}) | pages
    sources |= {f"reference-{topic}": text for topic, text in _reference()}
    names = list(sources)
    links = "".join(f'<a href="{name}.html">{_heading(sources[name])}</a>' for name in names)
    os.makedirs(folder, exist_ok=True)
    pictures = os.path.join(docs, "pictures")
    if os.path.isdir(pictures):
        shutil.copytree(pictures, os.path.join(folder, "pictures"), dirs_exist_ok=True)
    written = []
    for name, text in sources.items():
        extensions = ["tables", "fenced_code", "codehilite", "toc"]
        body = markdown.markdown(
            text, extensions=extensions, extension_configs={"codehilite": {"guess_lang": False}}
        )
        body = body.replace('="docs/', '="')
        for other in names:
            body = body.replace(f'href="{other}.md"', f'href="{other}.html"')
        page = _PAGE.format(
            title=_heading(text), style=HtmlFormatter().get_style_defs(".codehilite"),
            links=links, body=body,
        )  # fmt: skip
        path = os.path.join(folder, f"{name}.html")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(page)
        written.append(path)
    return written


def _handwritten(docs: str) -> dict[str, str]:
    pages = {}
    for name in sorted(os.listdir(docs)) if os.path.isdir(docs) else ():
        if name.endswith(".md"):
            with open(os.path.join(docs, name), encoding="utf-8") as stream:
                pages[name.removesuffix(".md")] = stream.read()
    return pages


def _heading(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ")


def _reference() -> Iterator[tuple[str, str]]:
    """A page for every topic: the primitives of one module, with their examples."""
    import importlib

    from lispe_py import builtins, libraries
    from lispe_py.registry import CORE, registry

    libraries.load_core()
    for path in libraries.sources(builtins.__name__):
        importlib.import_module(f"{builtins.__name__}.{path.stem}")
    for package in dict.fromkeys(libraries.LIBRARIES.values()):
        libraries.load(package)
    topics: dict[tuple[str, str], list[Any]] = {}
    for entry in registry.entries():
        module = entry.function.__module__.rpartition(".")[2].strip("_")
        library = "torch" if entry.library != CORE else "language"
        topics.setdefault((library, module), []).append(entry)
    for library in ("language", "torch"):
        parts = [f"# Reference: {library}\n"]
        for (owner, topic), entries in sorted(topics.items()):
            if owner == library:
                parts.append(f"## {topic.replace('_', ' ')}\n")
                parts += [_entry(entry) for entry in sorted(entries, key=lambda e: e.name)]
        yield library, "\n".join(parts)


def _entry(entry: Any) -> str:
    text = entry.documentation.removesuffix(entry.example).rstrip()
    lines = [f"### `{entry.signature}`\n", text, ""]
    if entry.aliases:
        lines += ["Also: " + ", ".join(f"`{alias}`" for alias in entry.aliases), ""]
    if entry.example:
        lines += ["```lisp", entry.example, "```", ""]
    return "\n".join(lines)


def main(words: list[str]) -> int:
    """``lispe doc NAME|FILE ...`` or ``lispe doc --site FOLDER``"""
    parser = argparse.ArgumentParser(
        prog="lispe doc", description="Show the documentation of names and files."
    )
    parser.add_argument("names", nargs="*", metavar="NAME|FILE")
    parser.add_argument("--site", metavar="FOLDER", help="write all pages as HTML into a folder")
    parser.add_argument("--docs", metavar="FOLDER", default="docs", help="handwritten pages")
    options = parser.parse_args(words)
    if not options.names and not options.site:
        parser.error("the name of a function or a file is missing")
    status = 0
    try:
        for name in options.names:
            is_file = name.endswith(".lisp") or os.path.isfile(name)
            sys.stdout.write(document_file(name) if is_file else document_name(name))
        if options.site:
            print(f"{len(write_site(options.site, options.docs))} pages in {options.site}")
    except LispError as error:
        hint = f"\n    {error.hint}" if error.hint else ""
        print(f"lispe doc: {error.message}{hint}", file=sys.stderr)
        status = 1
    return status
