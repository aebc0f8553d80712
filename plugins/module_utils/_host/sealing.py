# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at what others made, and make it root's. Private to the collection."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection

# What code, or what is made of it, may come to: more is there to fill a disk.
MOST_FILES = 200_000
MOST_BYTES = 4 << 30


class SealError(Exception):
    """There is something that must not be there; the message says where and what."""


class ExcessError(SealError):
    """There is more than any app has."""


def refuse_excess(entries: int, size: int) -> None:
    """Raise ExcessError for so many files and folders, or for so many bytes in them, if no app has as many."""
    if entries > MOST_FILES:
        raise ExcessError(f"it holds more than {MOST_FILES} files and folders")
    if size > MOST_BYTES:
        raise ExcessError(f"it holds more than {MOST_BYTES >> 20} MiB")


def seal(folder: str, leads_out: Collection[str] | None = (), bounded: bool = True) -> None:
    """Give all to root, readable for whoever can reach it, as the folder above decides, and writable for none else.

    The folder above `folder` must be root's. Raises SealError unless there are plain files, folders, and links within
    `folder` or to one of the places `leads_out`; None is any place. If `bounded`, there may not be more than any app has.
    """
    links, ahead, number, size = [], [folder], 0, 0
    while ahead:
        path = ahead.pop()
        # From here on nobody else changes which names are in it, so what is seen of them stays true.
        os.chown(path, 0, 0, follow_symlinks=False)
        os.chmod(path, 0o755)
        with os.scandir(path) as entries:
            for entry in entries:
                info, name = entry.stat(follow_symlinks=False), os.path.relpath(entry.path, folder)
                number, size = number + 1, size + info.st_size
                if bounded:
                    refuse_excess(number, size)
                if stat.S_ISDIR(info.st_mode):
                    ahead.append(entry.path)
                elif stat.S_ISLNK(info.st_mode):
                    os.chown(entry.path, 0, 0, follow_symlinks=False)
                    links.append(entry.path)
                elif not stat.S_ISREG(info.st_mode):
                    raise SealError(f"{name} is a device, a pipe or a socket")
                elif info.st_mode & (stat.S_ISUID | stat.S_ISGID):
                    raise SealError(f"{name} would run with the rights of its owner (setuid or setgid)")
                elif info.st_nlink > 1:
                    # Under the other name it could be changed.
                    raise SealError(f"{name} is a hard link")
                else:
                    os.chown(entry.path, 0, 0)
                    os.chmod(entry.path, 0o755 if info.st_mode & stat.S_IXUSR else 0o644)
    top = os.path.realpath(folder)
    for path in links:
        target = os.path.realpath(path)
        if leads_out is not None and os.path.commonpath([top, target]) != top and target not in leads_out:
            raise SealError(f"{os.path.relpath(path, folder)} is a link that leads out, to {os.readlink(path)}")


def files_for_links(folder: str) -> None:
    """Put a copy of its file in the place of each link in a sealed folder. Raises SealError for a link to anything else."""
    paths = [os.path.join(path, name) for path, folders, names in os.walk(folder) for name in [*folders, *names]]
    # All targets first: a link may lead to a link.
    targets = {path: os.path.realpath(path) for path in paths if os.path.islink(path)}
    for path, target in targets.items():
        if not os.path.isfile(target):
            raise SealError(f"{os.path.relpath(path, folder)} is a link to {os.readlink(path)}, which is no file")
    for path, target in targets.items():
        os.unlink(path)
        shutil.copyfile(target, path, follow_symlinks=False)
