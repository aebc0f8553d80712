# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is added to a source before it is sealed: files that it lacks, and places for what its app writes.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._source import parents
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests

# Below it lies what a source has at the places of shared files; those are links to where the app writes.
KEPT = ".shared"


class AdditionError(Exception):
    """Something can't be added; the message names the variable."""


class Source(Protocol):
    """What a source does."""

    def digest(self, sources: str, /) -> str | None:
        """Return what it is named by, among the `sources` that are there; None if only a fetch can tell."""

    def fetch(self, work: str, /) -> str:
        """Fetch it into the folder `work`."""

    def export(self, folder: str, /) -> None:
        """Write its files to an empty folder."""


class Plain(Source, Protocol):
    """A source of one of the kinds there are, without additions."""

    def identity(self) -> str:
        """Return what distinguishes it from others, before it is fetched."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file to add: its text, whether that is a secret, and whether it may take the place of one of the source."""

    content: str
    secret: bool = False
    replace: bool = False


def file_of(value: str | Mapping[str, Any]) -> File:
    """Return a file as a user wrote it, a text alone or with what else is to be said of it."""
    return File(value) if isinstance(value, str) else File(**value)


def is_folder(path: str) -> bool:
    """Return whether a shared path that the source has nothing at is a folder's: a file has an ending."""
    return path.endswith("/") or not os.path.splitext(path)[1]


class Additions:
    """Files by their paths in the source, and the paths that its app shares with other releases, kept in `state`."""

    def __init__(self, added: Mapping[str, str | Mapping[str, Any]], shared: list[str], state: str):
        self.files = {os.path.normpath(path): file_of(value) for path, value in added.items()}
        self._shared = shared
        self._state = state
        for path in self.files:
            for place in map(os.path.normpath, shared):
                if f"{path}/".startswith(f"{place}/"):
                    raise AdditionError(
                        f"gunicorn_source_files has {path!r}, which gunicorn_shared_paths has the app write: "
                        "leave it out of one of them"
                    )

    def any(self) -> bool:
        """Return whether there is anything to add."""
        return bool(self.files or self._shared)

    def name(self, identity: str, key: bytes) -> str:
        """Return the name of a source with all of this added; nobody without `key` can check a guess of a text by it."""
        added = {path: dataclasses.asdict(file) for path, file in self.files.items()}
        return digests.keyed(key, {"source": identity, "files": added, "shared": self._shared})[: digests.LENGTH]

    def add(self, folder: str) -> None:
        """Add it to the files in `folder`. Raises AdditionError where something is in its place, or on the way."""
        for path, file in self.files.items():
            self._add_file(folder, path, file)
        for path in self._shared:
            self._share(folder, path)

    def diff(self, before: str) -> list[dict[str, str]]:
        """Return what changes against the files in the folder `before`, as Ansible shows it, secrets hidden."""
        found = []
        for path, file in self.files.items():
            old, new = files.brought_text(before, path) if before else "", file.content
            if file.secret and old != new:
                old, new = ("(hidden)\n", "(hidden, changed)\n") if old else ("", "(hidden)\n")
            found += [files.diff(path, old, new)] if old != new else []
        return found

    def _add_file(self, folder: str, path: str, file: File) -> None:
        with _parent("gunicorn_source_files", folder, path) as (parent, name):
            there = _kind(parent, name)
            if there == "folder":
                raise AdditionError(f"gunicorn_source_files has {path!r}, but that is a folder of the source")
            if there and not file.replace:
                raise AdditionError(
                    f"gunicorn_source_files has {path!r}, which the source has itself: leave it out, or add "
                    "replace: true to have this one in its place"
                )
            if there:
                os.unlink(name, dir_fd=parent)
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=parent)
            with open(descriptor, "w", encoding="utf-8") as opened:
                opened.write(file.content)

    def _share(self, folder: str, path: str) -> None:
        place = os.path.normpath(path)
        with _parent("gunicorn_shared_paths", folder, place) as (parent, name):
            there = _kind(parent, name)
            if there == "link":
                raise AdditionError(
                    f"gunicorn_shared_paths has {path!r}, which is a link in the source: name its target"
                )
            if there == "folder" or (not there and is_folder(path)):
                with contextlib.suppress(FileExistsError):
                    # The app's own folder is mounted here.
                    os.mkdir(name, dir_fd=parent)
                return
            if there:
                with _parent("gunicorn_shared_paths", folder, os.path.join(KEPT, place)) as (kept, _name):
                    os.rename(name, name, src_dir_fd=parent, dst_dir_fd=kept)
            # A file can't be mounted: SQLite has its journal beside it, by the way of a link where the link leads to.
            os.symlink(os.path.join(self._state, place), name, dir_fd=parent)


class Completed:
    """A source with additions, as a source."""

    def __init__(self, source: Plain, additions: Additions, key: bytes):
        self._source = source
        self._additions = additions
        self._key = key

    def digest(self, _sources: str = "") -> str:
        """Return what it is named by."""
        return self._additions.name(self._source.identity(), self._key)

    def fetch(self, work: str) -> str:
        """Fetch it into the folder `work` and return what it is named by."""
        self._source.fetch(work)
        return self.digest()

    def export(self, folder: str) -> None:
        """Write its files to an empty folder."""
        self._source.export(folder)
        self._additions.add(folder)


@contextlib.contextmanager
def _parent(variable: str, folder: str, path: str) -> Iterator[tuple[int, str]]:
    """Yield a descriptor of the folder that `path` is in, below `folder`, and its name; what is missing is made.

    Raises AdditionError where the way leads over a link, which could leave the source, or over a file.
    """
    with contextlib.ExitStack() as stack:
        try:
            parent = stack.enter_context(parents.of(folder, path, make=True))
        except NotADirectoryError as error:
            raise AdditionError(
                f"{variable} has {path!r}, but {error.filename!r} on its way is a link or a file in the source"
            ) from error
        yield parent


def _kind(parent: int, name: str) -> str:
    """Return what is there of that name, nothing where there is none."""
    try:
        mode = os.lstat(name, dir_fd=parent).st_mode
    except FileNotFoundError:
        return ""
    if stat.S_ISLNK(mode):
        return "link"
    return "folder" if stat.S_ISDIR(mode) else "file"
