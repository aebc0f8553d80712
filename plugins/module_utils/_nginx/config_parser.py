# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's configuration as nginx itself reads it: words, blocks, and the files that are included.

Private to the collection.
"""

from __future__ import annotations

import dataclasses
import glob
import ipaddress
import os
import re
from collections.abc import Iterable, Iterator

# As ngx_conf_read_token reads: a quote or a # inside a word is a part of it, and so is a brace after a $.
_TOKEN = re.compile(
    r"""
    (?P<nothing>[ \t\r\n]+|\#[^\n]*)
    |(?P<mark>[;{}])
    |(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)')(?=[ \t\r\n;{)])
    |(?P<word>(?:\\.|\$\{|[^ \t\r\n;{}"'\#\\])(?:\\.|\$\{|[^ \t\r\n;{\\])*)
    """,
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = {'"': '"', "'": "'", "\\": "\\", "t": "\t", "r": "\r", "n": "\n"}
# What can hold a brace in the one language that has blocks of its own here.
_LUA = re.compile(
    r"""
    --\[(?P<comment>=*)\[.*?\](?P=comment)\]
    |--[^\n]*
    |\[(?P<long>=*)\[.*?\](?P=long)\]
    |"(?:[^"\\]|\\.)*"
    |'(?:[^'\\]|\\.)*'
    |(?P<brace>[{}])
    """,
    re.DOTALL | re.VERBOSE,
)


class ConfError(Exception):
    """The text is not in nginx's syntax; the message has the file and the line."""


@dataclasses.dataclass
class Directive:
    """One directive, with what is in its braces; an `include` has what is in its files."""

    name: str
    arguments: list[str]
    path: str
    line: int
    block: list[Directive] = dataclasses.field(default_factory=list)

    @property
    def where(self) -> str:
        """Return the place as nginx writes it."""
        return f"{self.path}:{self.line}"


def parse(text: str, path: str = "") -> list[Directive]:
    """Return the directives of `text`, the file `path`. Raises ConfError."""
    top: list[Directive] = []
    words: list[str] = []
    open_blocks, line, begun, position = [top], 1, 1, 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if not token:
            raise ConfError(f"{path}:{line}: a quote or a backslash has no end")
        kind, position = token.lastgroup, token.end()
        if kind in ("double", "single", "word"):
            begun = begun if words else line
            words.append(re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[0]), token[kind], flags=re.DOTALL))
        elif token["mark"] == "}":
            if words or len(open_blocks) == 1:
                raise ConfError(f"{path}:{line}: unexpected }}")
            open_blocks.pop()
        elif kind == "mark":
            if not words:
                raise ConfError(f"{path}:{line}: unexpected {token['mark']}")
            directive = Directive(words[0], words[1:], path, begun)
            open_blocks[-1].append(directive)
            words = []
            if token["mark"] == "{" and directive.name.endswith("_by_lua_block"):
                position = _end_of_lua(text, position)
            elif token["mark"] == "{":
                open_blocks.append(directive.block)
        line += text.count("\n", token.start(), position)
    if words or len(open_blocks) > 1:
        raise ConfError(f"{path}:{line}: unexpected end")
    return top


def load(etc: str, without: Iterable[str] = ()) -> list[Directive]:
    """Return the directives of the tree in the folder `etc`, nothing where there is no such tree.

    The files `without` are left out, and those that can't be read: what is wrong with them, nginx itself says better.
    """
    return _load(etc, os.path.join(etc, "nginx.conf"), {os.path.realpath(path) for path in without})


def inside(directives: Iterable[Directive], name: str) -> Iterator[Directive]:
    """Yield the directives of that name, those of included files too, but not those of blocks."""
    for directive in directives:
        if directive.name == name:
            yield directive
        if directive.name == "include":
            yield from inside(directive.block, name)


def blocks(directives: Iterable[Directive], *names: str) -> list[Directive]:
    """Return what is in the blocks of these names."""
    return [inner for name in names for block in inside(directives, name) for inner in block.block]


def listens(server: Directive) -> dict[str, Directive]:
    """Return where a server listens for TCP, by its addresses (`0.0.0.0:80`, `[::]:80`).

    Addresses that are host names, ranges of ports and sockets of unix are left out.
    """
    found = list(inside(server.block, "listen")) or [Directive("listen", ["80"], server.path, server.line)]
    tcp = [each for each in found if each.arguments and not {"udp", "quic"} & set(each.arguments)]
    return {address: each for each in tcp if (address := _address(each.arguments[0]))}


def is_default(listen: Directive) -> bool:
    """Say whether a server gets what has no other server's name, at that address."""
    return bool({"default_server", "default"} & set(listen.arguments[1:]))


def names(server: Directive) -> dict[str, Directive]:
    """Return the names of a server as nginx compares them, without regular expressions."""
    found = {}
    for directive in inside(server.block, "server_name"):
        for name in directive.arguments:
            plain = name.lower()
            if plain.startswith("."):
                found.update({plain[1:]: directive, f"*{plain}": directive})
            elif not plain.startswith("~"):
                found[plain] = directive
    return found


def _load(etc: str, path: str, without: set[str]) -> list[Directive]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            directives = parse(file.read(), path)
    except (OSError, ConfError):
        return []
    # No file is inside itself.
    _include(etc, directives, {*without, os.path.realpath(path)})
    return directives


def _include(etc: str, directives: list[Directive], without: set[str]) -> None:
    for directive in directives:
        if directive.name == "include" and directive.arguments:
            paths = sorted(glob.glob(os.path.normpath(os.path.join(etc, directive.arguments[0]))))
            wanted = [path for path in paths if os.path.realpath(path) not in without]
            directive.block = [each for path in wanted for each in _load(etc, path, without)]
        else:
            _include(etc, directive.block, without)


def _address(word: str) -> str | None:
    match = re.fullmatch(r"(?:(\[[^]]*\]|[^:]*):)?([0-9]+)|(\[[^]]*\]|[0-9.]+|\*)", word)
    if not match:
        return None
    host, port = match[1] or match[3] or "*", int(match[2] or 80)
    try:
        ip = ipaddress.ip_address("0.0.0.0" if host == "*" else host.strip("[]"))
    except ValueError:
        return None
    return f"{ip}:{port}" if ip.version == 4 else f"[{ip}]:{port}"


def _end_of_lua(text: str, position: int) -> int:
    depth = 1
    for found in _LUA.finditer(text, position):
        depth += {"{": 1, "}": -1}.get(found["brace"], 0)
        if not depth:
            return found.end()
    return len(text)
