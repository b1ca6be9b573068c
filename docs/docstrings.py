"""Convert docstrings to Markdown: sections become lists, examples code blocks; the rest is Markdown already."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

TITLES = {"Args": "Arguments", "Attributes": "Attributes", "Returns": "Returns", "Raises": "Raises"}
SECTION = re.compile(r"(Args|Attributes|Returns|Raises)(?: \((.+)\))?:$")
ITEM = re.compile(r"(\S[^:]*?): (.*)")


def as_markdown(doc: str) -> str:
    '''Convert a docstring in this project's style to Markdown.

    >>> print(as_markdown("""Add.
    ...
    ...     Args:
    ...         a, b: numbers,
    ...             of any kind.
    ...     """))
    Add.
    <BLANKLINE>
    **Arguments**
    <BLANKLINE>
    - `a, b`: numbers,
      of any kind.
    '''
    lines = inspect.cleandoc(doc).splitlines()
    return "\n".join(_blocks(lines)).strip()


def _blocks(lines: list[str]) -> Iterator[str]:
    k = 0
    while k < len(lines):
        line = lines[k]
        if section := SECTION.match(line):
            end = _end_of_section(lines, k + 1)
            yield from _section(section, [text[4:] for text in lines[k + 1 : end]])
        elif line.startswith(">>> "):
            end = next((j for j in range(k, len(lines)) if not lines[j].strip()), len(lines))
            yield from ("```python", *lines[k:end], "```", "")
        elif line.startswith("    ") and (not lines[k - 1].strip() if k else True):
            end = next((j for j in range(k, len(lines)) if lines[j].strip() and lines[j][:4].strip()), len(lines))
            yield from ("```text", *(text[4:] for text in lines[k:end]), "```", "")
        else:
            end = k + 1
            yield _escaped(line)
        k = end


def _end_of_section(lines: list[str], start: int) -> int:
    return next((j for j in range(start, len(lines)) if lines[j].strip() and not lines[j].startswith(" ")), len(lines))


def _section(section: re.Match[str], body: list[str]) -> Iterator[str]:
    yield f"**{TITLES[section[1]]}**" + (f" ({section[2]})" if section[2] else "")
    yield ""
    for line in body:
        item = None if section[1] == "Returns" else ITEM.match(line)
        if item:
            yield f"- `{item[1]}`: {_escaped(item[2])}"
        elif line.startswith("    ") and section[1] != "Returns":
            yield f"  {_escaped(line.strip())}"
        else:
            yield _escaped(line)
    if body and body[-1].strip():
        yield ""


def _escaped(line: str) -> str:
    """Escape dollars and angle brackets outside of code."""
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(part if part.startswith("`") else re.sub(r"([$<])", r"\\\1", part) for part in parts)
