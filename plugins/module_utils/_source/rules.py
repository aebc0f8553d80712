# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source can be: `gunicorn_source` as a user writes it. Private to the collection; nothing here looks at a host."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._text import naming, urls

_PLAIN_PATH = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)*/?", re.ASCII)
_OF_A_FILE = {"content": str, "secret": bool, "replace": bool}
_KNOWN_HOST = re.compile(r"\s*(@\S+\s+)?\S+\s+(ssh|ecdsa|sk)-\S+\s+[A-Za-z0-9+/]+=*(\s|\Z)")


def faults(source: dict[str, Any]) -> Iterator[str | None]:
    """Yield what is wrong with a source, each the rest of a sentence that begins with its variable."""
    kinds = [kind for kind in _SOURCES if kind in source]
    if source and len(kinds) != 1:
        yield f"has {' and '.join(kinds) or 'none'}, but must have exactly one of git, archive, path and directory"
    for kind, (what, keys) in _SOURCES.items():
        value = source.get(kind)
        if kind not in kinds:
            yield from (
                f"has {key}, which only {kind} can have: leave it out" for key in keys if kinds and key in source
            )
        elif not isinstance(value, str) or not value or value.strip() != value or value.startswith("-"):
            yield f"has the {kind} {urls.without_secrets(repr(value))}, but it must be a {what}"
        elif urls.is_http(value) and urls.is_unclear(value):
            yield (
                f"has the {kind} of a URL in which a user or password can't be distinguished from the rest: write the characters @, "
                "/, ?, # and space in them in percent code, such as %2F for the slash, and an @ of the path as %40"
            )
        elif kind in _OF_A_SOURCE:
            yield from _OF_A_SOURCE[kind](value, source)


def file_faults(added: dict[Any, Any]) -> Iterator[str]:
    """Yield what is wrong with files to add to a source, each the rest of a sentence that begins with its variable."""
    for path, value in added.items():
        if not isinstance(path, str) or path.endswith("/") or path == "." or naming.relative_path(path):
            yield f"has the path {path!r}, but it must be that of a file inside the source, relative to its top and without '..'"
        elif isinstance(value, dict):
            unknown = sorted(str(name) for name in value.keys() - _OF_A_FILE.keys())
            if unknown:
                yield f"has {', '.join(unknown)} for {path!r}, but a file can have content, secret and replace"
            elif not isinstance(value.get("content"), str):
                yield f"has no text as content for {path!r}: set it"
            for name, kind in _OF_A_FILE.items():
                if name != "content" and not isinstance(value.get(name, False), kind):
                    yield f"has something else than true or false as {name} for {path!r}: set it to one of these"
        elif not isinstance(value, str):
            yield f"has something else than a text for {path!r}: let it be one, by the filter string or to_json, or a lookup"


def shared_faults(paths: list[Any]) -> Iterator[str]:
    """Yield what is wrong with shared paths, each the rest of a sentence that begins with its variable."""
    seen: list[str] = []
    for path in paths:
        # They stand in units, in which a space separates.
        if (
            not isinstance(path, str)
            or not _PLAIN_PATH.fullmatch(path)
            or ".." in path.split("/")
            or path in (".", "./")
        ):
            yield f"has {path!r}, but must list paths inside the source, of letters, digits and '._@+-', without '..'"
            continue
        place = posixpath.normpath(path)
        for other in seen:
            if f"{place}/".startswith(f"{other}/") or f"{other}/".startswith(f"{place}/"):
                yield f"has {path!r} and {other!r}, of which one is in the other: leave the inner one out"
        seen.append(place)


def include_faults(paths: list[Any]) -> Iterator[str]:
    """Yield what is wrong with paths that come along, each the rest of a sentence that begins with its variable."""
    for path in paths:
        if not isinstance(path, str) or path in (".", "./") or naming.relative_path(path):
            yield f"has {path!r}, but must list paths inside the source, relative to its top and without '..'"


def useless_include(paths: Any, source: Any) -> Iterator[str]:
    """Yield why paths would not come along with such a source, each the rest of a sentence that begins with their variable."""
    if isinstance(paths, list) and paths and isinstance(source, dict) and not source.keys() & {"directory", "path"}:
        yield (
            f"has {paths[0]!r}, but only with the directory or the path of gunicorn_source there is what git ignores: have it "
            "made by gunicorn_build, or leave it out"
        )


def _git(url: Any, source: dict[str, Any]) -> Iterator[str]:
    version = source.get("version", "HEAD")
    # git would take a leading dash for an option, and these characters are in no ref (git-check-ref-format(1)).
    if isinstance(version, (int, float)):
        yield f"has the version {version}, a number, of which 1.10 would be 1.1: put it in quotes"
    elif (
        not isinstance(version, str)
        or not version
        or version.startswith("-")
        or re.search(r"[\s~^:?*\[\\]|\.\.", version)
    ):
        yield f"has the version {version!r}, but it must be a branch, a tag or a commit of 40 digits"
    for key in ("ssh_key", "known_hosts"):
        if key in source and urls.is_http(url):
            yield (
                f"has {key}, which is of no use to the URL {urls.without_secrets(repr(url))}: name an ssh URL such as "
                "ssh://git@host/path, or leave it out"
            )
    if not urls.is_http(url) and urls.has_credentials(url):
        yield (
            f"has the git {urls.without_secrets(url)!r} with a password, which would be seen in the list of processes: "
            "only an http or https URL can have one, and by ssh there is ssh_key"
        )
    if urls.is_http(url) and "?" in url:
        yield (
            f"has the git {urls.shown(url)!r} with a query, which would be seen in the list of processes: a token goes before the "
            "host as a password does, https://oauth2:TOKEN@git.example.com/shop.git"
        )
    if not isinstance(source.get("ssh_key", "a path"), str) or not source.get("ssh_key", "a path").strip():
        yield f"has the ssh_key {source['ssh_key']!r}, but it must be the path of a private key on the controller"
    lines = [line for line in str(source.get("known_hosts", "")).splitlines() if line.strip() and line[0] != "#"]
    if "known_hosts" in source and not (lines and all(map(_KNOWN_HOST.match, lines))):
        yield "has known_hosts, but not as lines such as 'git.example.com ssh-ed25519 AAAA…', which ssh-keyscan prints"


def _archive(location: Any, source: dict[str, Any]) -> Iterator[str]:
    sha256 = source.get("sha256")
    if "://" in location and not re.match(r"https?://[^\s/]+/\S*\Z", location, re.IGNORECASE):
        yield f"has the archive {urls.shown(location)!r}, but it must be an http or https URL, or a path on the controller"
    elif "://" in location and "sha256" not in source:
        yield f"has the archive {urls.shown(location)!r} without sha256, by which a URL is known to bring what was meant: add it"
    if "sha256" in source and not re.fullmatch(r"[0-9a-fA-F]{64}", str(sha256)):
        yield f"has the sha256 {sha256!r}, but it must be 64 hexadecimal digits, as sha256sum prints them"


def _path(path: Any, _source: dict[str, Any]) -> Iterator[str]:
    if not path.startswith("/"):
        yield f"has the path {path!r}, but it must be an absolute one on the target; directory is one on the controller"


# What a source can be, and what else it can have then.
_SOURCES = {
    "git": ("URL", ("version", "ssh_key", "known_hosts", "submodules")),
    "archive": ("path or URL", ("sha256",)),
    "path": ("path", ()),
    "directory": ("path", ()),
}
_OF_A_SOURCE = {"git": _git, "archive": _archive, "path": _path}
