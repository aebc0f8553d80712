# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Python program says when it fails, shortened to the cause and the app's own lines. Private to the collection.

A traceback ends with what came of it all, after pages of other people's code: the exception that began it is at the head of
the chain, and the app's own lines are somewhere in between.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator

# A logger can have put something of its own before it, as gunicorn and uvicorn do for what an app's lifespan raises.
_BEGIN = re.compile(r"(?:^|^\S.*[\]:] )(?:Exception Group )?Traceback \(most recent call last\):$")
_FRAME = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in (?P<function>.+))?$')
_LINKS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
# What Celery puts before each line of what a worker writes to its standard error.
_CELERYS = re.compile(r"^\[\d{4}-\d\d-\d\d [\d:,.]+: [A-Z]+/[\w-]+\] ", re.MULTILINE)
# Of an exception group, and what a logger puts before its lines.
_MARGIN = re.compile(r"^ *(?:[|+] ?|\+-\+-+.*)")
_NEXT = re.compile(r"^(?:\[\d{4}-|\d{4}-\d\d-\d\d|[A-Z]+:\s|\S+\.(?:service|socket): |St(?:art|opp)\w+ |$)")
# The app's own code, in its folder (see the room of releases).
_SOURCE = re.compile(r"(/\S*/sources/[0-9a-f]{12,64})/")
# Nobody looks for the fault of an app in these.
_OTHERS = re.compile(
    r"^<|/lib/python3[^/]*/(?!site-packages/)|/site-packages/(?:asgiref|django|fastapi|flask|gevent|gunicorn|starlette|uvicorn|werkzeug)/"
)
# So much of an exception's own words.
_WORDS = 4
_FRAMES = 3


@dataclasses.dataclass(frozen=True)
class Frame:
    """A place in a program: a `path` of a file, a `line` there, the name of its `function` and the `code`, if they are known."""

    path: str
    line: int
    function: str
    code: str


@dataclasses.dataclass(frozen=True)
class Raised:
    """One exception of a chain: its `words`, as Python prints them, and where it came through, the innermost last."""

    words: str
    frames: list[Frame]

    def text(self) -> str:
        """Return it as Python prints it, without what was said after it."""
        places = [f'  File "{frame.path}", line {frame.line}, in {frame.function}' for frame in self.frames]
        return "\n".join([*places, self.words])


@dataclasses.dataclass(frozen=True)
class Failure:
    """A chain of exceptions, the one that began it first, and its whole `text`."""

    chain: list[Raised]
    text: str

    def source(self) -> str:
        """Return the folder of the app's code, empty where none of it took part."""
        paths = [frame.path for raised in self.chain for frame in raised.frames]
        return next((match[1] for match in map(_SOURCE.match, paths) if match), "")

    def own(self) -> list[Frame]:
        """Return the innermost lines of the app's code, those next to the beginning; else of any package."""
        everything = [raised.frames for raised in self.chain]
        below = [[frame for frame in frames if _SOURCE.match(frame.path)] for frames in everything]
        others = [[frame for frame in frames if not _OTHERS.search(frame.path)] for frames in everything]
        return next(filter(None, [*below, *others]), [])[-_FRAMES:]

    def cause(self) -> str:
        """Return the exception that began it, what it became if that is another, and the app's own innermost lines."""
        began, became = self.chain[0].words, self.chain[-1].words
        lines = [began if began == became else f"{began}\nwhich became {became}"]
        for frame in self.own():
            path = re.sub(r"^.*/site-packages/", "", _SOURCE.sub("", frame.path))
            function = f", in {frame.function}" if frame.function else ""
            lines += [f"  at {path}, line {frame.line}{function}", *[f"    {frame.code}"] * bool(frame.code)]
        return "\n".join(lines)


def last(text: str) -> Failure | None:
    """Return the last chain of exceptions in what a program wrote, or None where there is none."""
    found = list(failures(text))
    return found[-1] if found else None


def failures(text: str) -> Iterator[Failure]:
    """Yield each chain of exceptions in what a program wrote, in their order."""
    text = _CELERYS.sub("", text)
    lines = [_MARGIN.sub("", line) if line.lstrip().startswith(("|", "+")) else line for line in text.splitlines()]
    begins = [number for number, line in enumerate(lines) if _BEGIN.match(line)]
    chain: list[Raised] = []
    first = 0
    for number, end in itertools.pairwise([*begins, len(lines)]):
        linked = [line for line in lines[first:number] if line][-1:]
        if not chain or not linked or linked[0] not in _LINKS:
            if chain:
                yield Failure(chain, "\n".join(lines[first:number]).strip())
            chain, first = [], number
        raised = _raised(lines[number + 1 : end])
        if raised:
            chain.append(raised)
    if chain:
        yield Failure(chain, "\n".join(lines[first:]).strip())


def _raised(lines: list[str]) -> Raised | None:
    frames: list[Frame] = []
    for number, line in enumerate(lines):
        match = _FRAME.match(line)
        if match:
            code = lines[number + 1].strip() if lines[number + 1 : number + 2] else ""
            known = code if not _FRAME.match(f"  {code}") and lines[number + 1].startswith("    ") else ""
            frames.append(Frame(match["path"], int(match["line"]), match["function"] or "", known))
        elif line and not line.startswith(" "):
            words = [line]
            for more in lines[number + 1 :][: _WORDS - 1]:
                if _NEXT.match(more) or more in _LINKS:
                    break
                words.append(more)
            return Raised("\n".join(words), frames)
    return None
