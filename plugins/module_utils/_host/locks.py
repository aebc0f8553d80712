# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks between runs, which say who holds them. Private to the collection."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import time
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files

# Seconds between two looks at a lock that is taken.
_TICK = 0.1
# The locks that this process shares, by their paths.
_shared: dict[str, int] = {}


class Busy(Exception):
    """The lock stayed taken; the message says who holds it."""


@contextlib.contextmanager
def held(path: str, purpose: str, patience: float) -> Iterator[int]:
    """Hold the lock at `path`, a file for root alone in a folder where nobody else may make one; yield its descriptor.

    It says that this process holds it, and for what `purpose`. Waits up to `patience` seconds for another process, whose
    death frees it. Raises Busy, and OSError where the file can't be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _taken(descriptor):
            if time.monotonic() > deadline:
                raise Busy(os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "an unknown process")
            time.sleep(_TICK)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}, {purpose}, since {since}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def of_process(pid: str) -> set[str]:
    """Return what a process has of locks of flock(2): `FLOCK` for one that it holds, `->` for one that it waits for."""
    return {row[0] for row in _rows() if pid in row[3:5]}


def in_line(pid: str) -> bool:
    """Say whether a process is flock(1) that waits for its turn; what it becomes then may wait for locks of its own."""
    # Not by its program, at which in a container root may not look either.
    return "->" in of_process(pid) and files.read(f"/proc/{pid}/comm") == "flock\n"


def holders(path: str) -> set[str]:
    """Return the processes, by their pids, that have a lock of flock(2) on what is at `path`: whoever took it, and its heirs."""
    there = os.stat(path)
    file = f"{os.major(there.st_dev):02x}:{os.minor(there.st_dev):02x}:{there.st_ino}"
    # In a container root may not look at the files of others; and who took it may have ended.
    found = {row[3] for row in _rows() if row[0] == "FLOCK" and row[4] == file}
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        # A process may end meanwhile.
        with contextlib.suppress(OSError):
            if "FLOCK" in files.read(link.replace("/fd/", "/fdinfo/")) and os.path.samestat(os.stat(link), there):
                found.add(link.split("/")[2])
    return found


def _rows() -> list[list[str]]:
    """Return the kernel's table of locks of flock(2), by its columns (proc_locks(5)); `->` begins those of who waits."""
    with open("/proc/locks", encoding="utf-8") as table:
        rows = [row.split()[1:] for row in table]
    return [row for row in rows if "FLOCK" in row[:2]]


@contextlib.contextmanager
def share(path: str) -> Iterator[bool]:
    """Have the lock at `path` together with others until this process ends; its folder is made.

    Yields whether nobody else has it, and as long as that is being used nobody else gets it, and it may be removed.
    """
    if path not in _shared:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _shared[path] = _shared_anew(path)
    alone = _taken(_shared[path])
    try:
        yield alone
    finally:
        if os.path.lexists(path):
            fcntl.flock(_shared[path], fcntl.LOCK_SH)
        else:
            os.close(_shared.pop(path))


def _shared_anew(path: str) -> int:
    """Open the lock at `path` and have it with others; whoever had it alone may just have removed it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return descriptor
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
