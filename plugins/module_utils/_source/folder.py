# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder as a source: which of its files belong to it, and how they travel. Private to the collection."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Sequence
from typing import IO

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests

_NEVER = {".git", "__pycache__"}


class TreeError(Exception):
    """The folder is no source; the message says why, as the rest of a sentence that begins with the variable."""


class Tree:
    """The folder `path` on `host`, as people call it, as a source; `include` comes along though git ignores it."""

    def __init__(self, path: str, host: str, include: Sequence[str] = ()):
        self.path = path
        if not os.path.isdir(path):
            raise TreeError(f"there is no folder {path} on {host}")
        self._files = _listed(path, host)
        self._files += sorted({file for each in include for file in _included(path, host, each)} - set(self._files))
        if not self._files:
            raise TreeError(f"{path} on {host} holds no file that git doesn't ignore")
        self._digest = _name(path, self._files)

    def files(self) -> list[str]:
        """Return the files and links that belong to it, relative to it."""
        return sorted(self._files)

    def digest(self, _sources: str = "") -> str:
        """Return what it is named by."""
        return self._digest

    def identity(self) -> str:
        """Return what it is told from others by."""
        return self._digest

    def fetch(self, _work: str) -> str:
        """Return what it is named by: all is there."""
        return self._digest

    def pack(self, archive: IO[bytes]) -> None:
        """Write all to an open file, as `unpack` reads it."""
        with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
            for path in self.files():
                tar.add(os.path.join(self.path, path), arcname=path, recursive=False)
        archive.flush()

    def export(self, folder: str) -> None:
        """Copy all to an empty folder."""
        for path in self._files:
            copied = os.path.join(folder, path)
            os.makedirs(os.path.dirname(copied), exist_ok=True)
            shutil.copy(os.path.join(self.path, path), copied, follow_symlinks=False)
        _verify(folder, self._files, self._digest)


class Packed:
    """What `Tree.pack` wrote to the file `archive`, None if it has not arrived, as a source."""

    def __init__(self, archive: str | None, digest: str):
        self._archive = archive
        self._digest = digest

    def digest(self, _sources: str) -> str:
        """Return what it is named by."""
        return self._digest

    def identity(self) -> str:
        """Return what it is told from others by."""
        return self._digest

    def fetch(self, _work: str) -> str:
        """Return what it is named by: all is there."""
        return self._digest

    def export(self, folder: str) -> None:
        """Write its files to an empty folder."""
        with tarfile.open(self._archive) as tar:
            # The archive is our own; the filter, where this Python has it, keeps newer ones from warning.
            if hasattr(tarfile, "tar_filter"):
                tar.extractall(folder, filter="tar")
            else:
                tar.extractall(folder)
            _verify(folder, tar.getnames(), self._digest)


def _name(folder: str, files: list[str]) -> str:
    return digests.of_tree(folder, files)[: digests.LENGTH]


def _verify(folder: str, files: list[str], digest: str) -> None:
    if _name(folder, files) != digest:
        raise TreeError("its files changed while they were copied: run again")


def _listed(folder: str, host: str) -> list[str]:
    """Return the files and links below a folder, relative to it: in a git work tree those that git doesn't ignore."""
    names = _listed_by_git(folder, host) if _in_work_tree(folder) else _walk(folder)
    paths = []
    for name in names:
        full = os.path.join(folder, name)
        if os.path.islink(full) or os.path.isfile(full):
            paths.append(name)
        elif os.path.lexists(os.path.join(full, ".git")):
            # A submodule is a work tree of its own.
            paths += [os.path.join(name, inner) for inner in _listed(full, host)]
    return paths


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
    # The work tree may be somebody else's: list it, but run nothing that its configuration names.
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", folder]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # A hook that runs the playbook has these set for its own repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = shell.run(
            command, identity=shell.CALLER, sandbox=None, seconds=600, env=environment, errors="surrogateescape"
        )
        said = done.stderr.strip() if done.returncode else None
    except FileNotFoundError:
        said = f"git is not installed on {host}"
    if said is not None:
        # Without git's word, what is ignored for a good reason, such as a file of secrets, would be taken.
        raise TreeError(f"{folder} is in a git work tree, whose files can't be listed: {said}")
    return {name.rstrip("/") for name in done.stdout.split("\0") if name}


def _walk(folder: str) -> list[str]:
    """Return all below a folder but what Python and git make, relative to it."""
    found = []
    for path, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(path, name))]
        folders[:] = [name for name in folders if name not in _NEVER]
        found += [os.path.relpath(os.path.join(path, name), folder) for name in files + links]
    return [name for name in found if not name.endswith(".pyc") and os.path.basename(name) != ".git"]
