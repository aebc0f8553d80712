# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders for what is of use as long as this process lives. Private to the collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator

_PREFIX = "pyweb-stack-scratch-"
# In memory, as there may be secrets in it.
_FOLDER = "/run"


@contextlib.contextmanager
def folder(beside: str | None = None) -> Iterator[str]:
    """Yield a new folder, root's alone, that is gone when this ends, unless it has got another name by then.

    It is in memory, or `beside` what it is to become. Those of processes that were killed are removed first.
    """
    where = beside or (_FOLDER if os.access(_FOLDER, os.W_OK) else tempfile.gettempdir())
    _clear(where)
    path, lock = _made(where)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _made(where: str) -> tuple[str, int]:
    """Make a folder; return it, and what says as long as it is open that it is of use."""
    while True:
        path = tempfile.mkdtemp(prefix=_PREFIX, dir=where)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another process may have taken it for one that nobody needs, in the moment before.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.lstat(path)):
                return path, lock
        os.close(lock)


def _clear(where: str) -> None:
    for entry in os.scandir(where):
        # Another run may be removing it as well.
        with contextlib.suppress(OSError):
            if not entry.name.startswith(_PREFIX) or entry.stat(follow_symlinks=False).st_uid != os.geteuid():
                continue
            lock = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry.path)
            finally:
                os.close(lock)
