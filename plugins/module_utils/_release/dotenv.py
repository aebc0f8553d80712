# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of variables as people write it, such as `.env`, of which each line means one thing alone. Private to the collection.

python-dotenv and systemd read such files, and differ in what a backslash, a dollar, and a number sign do, and where. What
they take for the same is taken here, and anything else is refused by its line: no value is ever another than was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._release import env_file
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

_LINE = re.compile(
    r"""[ \t]*(?:
    (?P<nothing>(?:\#[^\n]*)?)
    |(?P<key>[^=\n]*?)[ \t]*=[ \t]*(?:
        '(?P<single>[^']*)'(?P<rest>[^\n]*)
        |"(?P<double>(?:[^"\\]|\\.)*)"(?P<more>[^\n]*)
        |(?P<plain>[^\n]*))
    |(?P<junk>[^\n]*)
    )(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
# Of these one takes the backslash away, or makes a line break or another character of the two.
_ESCAPES_THAT_DIFFER = re.compile(r"\\['abfnrtv$`\n]")


def parse(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the variables of a file, and the faults of its lines, which show no value."""
    # Some editors begin a file with a mark that nobody sees.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    variables: dict[str, str] = {}
    lines: dict[str, int] = {}
    faults = []
    position = 0
    while position < len(text):
        match = _LINE.match(text, position)
        if not match:
            break
        number = text.count("\n", 0, position) + 1
        position = match.end()
        if match["nothing"] is not None:
            continue
        key, value, fault = _variable(match)
        fault = fault or env_file.fault(key, value)
        if not fault and key in lines:
            fault = f"sets {key} again, which line {lines[key]} has set: remove one of them"
        if fault:
            faults.append(f"line {number} {fault}")
        lines.setdefault(key, number)
        variables[key] = value
    return variables, faults


def _variable(match: re.Match[str]) -> tuple[str, str, str | None]:
    """Return the name and the value of a line, and what is wrong with it or None."""
    quoted, double, plain = match["single"], match["double"], match["plain"] or ""
    if double is not None:
        quoted = re.sub(r'\\(["\\])', r"\1", double)
    value = plain.rstrip(" \t") if quoted is None else quoted
    return match["key"] or "", value, next(_faults(match), None)


def _faults(match: re.Match[str]) -> Iterator[str]:
    key, single, double, plain = (match[name] for name in ("key", "single", "double", "plain"))
    # What stands before an equals sign may be a part of a secret as well, so it is not shown.
    if key is None:
        yield "has no NAME=value: put a value of several lines in quotes"
    elif key.startswith(("export ", "export\t")):
        yield "begins with 'export', which is a shell's: leave it out"
    elif naming.env_key(key):
        yield "has a name that is none: names are letters, digits and underscores, not beginning with a digit"
    if "${" in (single or double or plain or ""):
        yield f"has '${{' in the value of {key}, which some put another value for: set it by gunicorn_env"
    if single is not None and re.search(r"\\(?:\\|'|\Z)", single):
        yield f"has a backslash before a quote or another backslash in the value of {key}: put it in double quotes, each backslash twice"
    if double is not None and _ESCAPES_THAT_DIFFER.search(double):
        yield (
            f"has a backslash in the value of {key} that not all read alike: put it in single quotes, a line break as it is, "
            "or write two backslashes for one"
        )
    if (match["rest"] or match["more"] or "").strip(" \t"):
        yield f"has something behind the quoted value of {key}: put a comment into a line of its own"
    if plain is not None:
        yield from _plain_faults(key, plain)


def _plain_faults(key: str, value: str) -> Iterator[str]:
    if value.startswith(("'", '"')):
        yield f"opens a quote for the value of {key} that nothing closes"
    elif "\\" in value:
        yield f"has a backslash in the value of {key}: put it in single quotes"
    elif re.search(r"(?:\A|[ \t])#", value):
        yield (
            f"has '#' behind a blank, or first, in the value of {key}: put the value in quotes, or the comment into a line of "
            "its own"
        )
    elif any(not character.isprintable() and character != "\t" for character in value):
        # Some of these end a line, or count as blanks at its end.
        yield f"has a character in the value of {key} that can't be seen: put the value in quotes"
