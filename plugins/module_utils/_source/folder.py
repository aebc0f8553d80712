# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder as a source: which of its files belong to it, and how they travel. Private to the collection."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, NoReturn

from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts, sealing, shell
from ansible_collections.pyweb.stack.plugins.module_utils._source import large_files, parents, streams
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests

_NEVER = {".git", "__pycache__"}


class TreeError(Exception):
    """The folder is no source; the message says why, as the rest of a sentence that begins with the variable."""


_LISTED_BY = 600
# Seconds until a folder that can't be read to its end, such as one on a server that is gone, is given up.
_SECONDS = 1800


class Tree:
    """The folder `path` on `host`, as people call it, as a source; `include` comes along though git ignores it.

    It is read with the rights of its owner where this is root, so nobody gets to read by it what they can't read, nor to
    have root run what the configuration of a work tree names.
    """

    def __init__(self, path: str, host: str, include: Sequence[str] = ()):
        self.path = path
        if not os.path.isdir(path):
            raise TreeError(f"there is no folder {path} on {host}")
        try:
            self._reader = accounts.owner(path)
            told = self._looked_at(host, include)
        except (accounts.AccountError, OSError, ValueError) as error:
            raise TreeError(str(error)) from error
        self._files: list[str] = [os.fsdecode(bytes.fromhex(name)) for name in told["files"]]
        if not self._files:
            raise TreeError(f"{path} on {host} holds no file that git doesn't ignore")
        self._digest: str = told["digest"]

    def files(self) -> list[str]:
        """Return the files and links that belong to it, relative to it."""
        return sorted(self._files)

    def digest(self, _sources: str = "") -> str:
        """Return what it is named by."""
        return self._digest

    def identity(self) -> str:
        """Return what distinguishes it from others."""
        return self._digest

    def fetch(self, _work: str) -> str:
        """Return what it is named by: all is there."""
        return self._digest

    def pack(self, archive: IO[bytes]) -> None:
        """Write all to an open file, as `Packed` reads it."""
        with gzip.GzipFile(fileobj=archive, mode="wb", compresslevel=1) as packed:
            if self._reader:
                with self._packed() as plain:
                    shutil.copyfileobj(plain, packed)
            else:
                _pack(packed, self.path, self.files())
        archive.flush()

    def export(self, folder: str) -> None:
        """Copy all to an empty folder."""
        with self._packed() as packed:
            streams.unpack(packed, folder)
        _verify(folder, self._files, self._digest)

    def _looked_at(self, host: str, include: Sequence[str]) -> dict[str, Any]:
        if not self._reader:
            told = io.BytesIO()
            _look(told, self.path, host, include)
            return json.loads(told.getvalue())
        with accounts.written(self._reader, lambda file: _look(file, self.path, host, include), _SECONDS) as file:
            return json.load(file)

    @contextlib.contextmanager
    def _packed(self) -> Iterator[IO[bytes]]:
        try:
            with accounts.written(self._reader, lambda file: _pack(file, self.path, self.files()), _SECONDS) as file:
                yield file
        except (accounts.AccountError, streams.StreamError, sealing.ExcessError, tarfile.TarError) as error:
            raise TreeError(f"{self.path} can't be read: {error}") from error


class Packed:
    """What `Tree.pack` wrote to the file `archive`, None if it has not arrived, as a source."""

    def __init__(self, archive: str | None, digest: str):
        self._archive = archive or ""
        self._digest = digest

    def digest(self, _sources: str) -> str:
        """Return what it is named by."""
        return self._digest

    def identity(self) -> str:
        """Return what distinguishes it from others."""
        return self._digest

    def fetch(self, _work: str) -> str:
        """Return what it is named by: all is there."""
        return self._digest

    def export(self, folder: str) -> None:
        """Write its files to an empty folder."""
        try:
            with open(self._archive, "rb") as archive:
                names = streams.unpack(archive, folder)
        except (streams.StreamError, sealing.ExcessError, tarfile.TarError) as error:
            raise TreeError(f"what was sent of it can't be unpacked: {error}") from error
        _verify(folder, names, self._digest)


def _look(told: IO[bytes], path: str, host: str, include: Sequence[str]) -> None:
    """Write to an open file which files a folder has, and what they are named by, as JSON."""
    files = _listed(path, host)
    files += sorted({file for each in include for file in _included(path, host, each)} - set(files))
    # JSON has no names that are no text.
    names = [os.fsencode(name).hex() for name in files]
    told.write(json.dumps({"files": names, "digest": _name(path, files) if files else ""}).encode())


def _pack(archive: IO[bytes] | gzip.GzipFile, folder: str, files: list[str]) -> None:
    """Write files of a folder to an open file, as `streams.unpack` reads it."""
    with tarfile.open(fileobj=archive, mode="w|") as tar:
        for path in files:
            member = tarfile.TarInfo(path)
            # It was a file or a link a moment ago, and no link was on the way.
            with parents.of(folder, path) as (parent, name):
                if stat.S_ISLNK(os.lstat(name, dir_fd=parent).st_mode):
                    member.type, member.linkname = tarfile.SYMTYPE, os.readlink(name, dir_fd=parent)
                    tar.addfile(member)
                    continue
                with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent), "rb") as content:
                    info = os.fstat(content.fileno())
                    if not stat.S_ISREG(info.st_mode):
                        raise TreeError(f"{path!r} is no file")
                    member.mode, member.size = stat.S_IMODE(info.st_mode), info.st_size
                    tar.addfile(member, content)


def _name(folder: str, files: list[str]) -> str:
    return digests.of_tree(folder, files)[: digests.LENGTH]


def _verify(folder: str, files: list[str], digest: str) -> None:
    if _name(folder, files) != digest:
        raise TreeError("its files changed while they were copied: run again")
    fault = large_files.fault(folder)
    if fault:
        raise TreeError(fault)


def _listed(folder: str, host: str) -> list[str]:
    """Return the files and links below a folder, relative to it: in a git work tree those that git doesn't ignore."""
    names = _listed_by_git(folder, host) if _in_work_tree(folder) else _walk(folder)
    paths = []
    for name in names:
        _refuse_behind_link(folder, name)
        full = os.path.join(folder, name)
        if os.path.islink(full) or os.path.isfile(full):
            paths.append(name)
        elif os.path.lexists(os.path.join(full, ".git")):
            # A submodule is a work tree of its own.
            paths += [os.path.join(name, inner) for inner in _listed(full, host)]
    return paths


def _refuse_behind_link(folder: str, name: str) -> None:
    """Raise TreeError where a name that git has in its index leads over a link by now: what is there is no part of it."""
    above = os.path.dirname(name)
    while above:
        if os.path.islink(os.path.join(folder, above)):
            raise TreeError(
                f"git has {name!r} in {folder}, but {above!r} is a link there: commit that, or put it right"
            )
        above = os.path.dirname(above)


def _included(folder: str, host: str, path: str) -> list[str]:
    """Return the files and links of a path that comes along in any case, relative to the folder."""
    path = os.path.normpath(path)
    full = os.path.join(folder, path)
    # What is behind a link is not in the folder.
    if os.path.lexists(full) and os.path.realpath(os.path.dirname(full)) == os.path.dirname(
        os.path.join(os.path.realpath(folder), path)
    ):
        if os.path.islink(full) or os.path.isfile(full):
            return [path]
        if os.path.isdir(full):
            return [os.path.join(path, name) for name in _walk(full)]
    raise TreeError(f"gunicorn_include has {path!r}, but there is no such file or folder in {folder} on {host}")


def _in_work_tree(folder: str) -> bool:
    folder = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(folder, ".git")):
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)
    return True


def _listed_by_git(folder: str, host: str) -> set[str]:
    """Return what git tracks or would add."""
    # Listing fetches nothing, and runs nothing that the configuration of the work tree names.
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"]
    command += ["-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # A hook that runs the playbook has these set for its own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_NO_LAZY_FETCH"] = "1"
    try:
        done = shell.run(
            command, identity=shell.CALLER, sandbox=None, seconds=_LISTED_BY, env=environment, errors="surrogateescape"
        )
        said = done.stderr.strip() if done.returncode else None
    except FileNotFoundError:
        said = f"git is not installed on {host}"
    if said is not None:
        # Without git's word, what is ignored for a good reason, such as a file of secrets, would be taken.
        raise TreeError(f"{folder} is in a git work tree, whose files can't be listed: {said}")
    return {name.rstrip("/") for name in done.stdout.split("\0") if name}


def _raise(error: OSError) -> NoReturn:
    raise error


def _walk(folder: str) -> list[str]:
    """Return all below a folder but what Python and git make, relative to it."""
    found = []
    for path, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if os.path.islink(os.path.join(path, name))]
        folders[:] = [name for name in folders if name not in _NEVER]
        found += [os.path.relpath(os.path.join(path, name), folder) for name in files + links]
    return [name for name in found if not name.endswith(".pyc") and os.path.basename(name) != ".git"]
