# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of Git LFS, which have their content elsewhere. Private to the collection."""

from __future__ import annotations

import os
import stat

_POINTER = b"version https://git-lfs.github.com/spec/v1"
_LONGEST_POINTER = 1024


def pointers(folder: str) -> list[str]:
    """Return the files below a folder that stand for one of Git LFS, relative to it."""
    found = []
    for path, _folders, names in os.walk(folder):
        for full in (os.path.join(path, name) for name in names):
            info = os.lstat(full)
            if stat.S_ISREG(info.st_mode) and info.st_size <= _LONGEST_POINTER:
                with open(full, "rb") as file:
                    if file.read(len(_POINTER)) == _POINTER:
                        found.append(os.path.relpath(full, folder))
    return sorted(found)


def fault(folder: str) -> str | None:
    """Return what to do about such files in a folder that nobody fetches their content for, or None without any."""
    left = pointers(folder)
    if not left:
        return None
    return (
        f"it has files of Git LFS without their content, such as {left[0]}: run `git lfs pull` where it comes from, or name its "
        "repository by gunicorn_source.git, which fetches them"
    )
