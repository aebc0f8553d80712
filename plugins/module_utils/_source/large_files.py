# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of Git LFS, which have their content elsewhere. Private to the collection."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files

# How a file begins that stands for one of Git LFS, and how long it can be; see its specification.
_POINTER = b"version https://git-lfs.github.com/spec/v1"
_LONGEST_POINTER = 1024


def _pointers(folder: str) -> list[str]:
    """Return the files below a folder that stand for one of Git LFS, or look so, relative to it."""
    found = []
    for path, _folders, names in os.walk(folder):
        for full in (os.path.join(path, name) for name in names):
            info = os.lstat(full)
            if stat.S_ISREG(info.st_mode) and info.st_size <= _LONGEST_POINTER:
                with open(full, "rb") as file:
                    if file.read(len(_POINTER)) == _POINTER:
                        found.append(os.path.relpath(full, folder))
    return sorted(found)


def tracked(folder: str) -> list[str]:
    """Return those of the pointers that .gitattributes gives to Git LFS, where there may be no git to ask, nor a repository.

    Another that looks so is what it is, such as what a test reads.
    """
    found = _pointers(folder)
    # A folder comes before those in it.
    places = [path for path, _folders, names in os.walk(folder) if ".gitattributes" in names] if found else []
    given = [(path, *rule) for path in places for rule in _rules(folder, path)]
    return [path for path in found if _is_given(os.path.join(folder, path), given)]


def _is_given(file: str, given: list[tuple[str, str, bool]]) -> bool:
    """Return whether the last rule that is of a file gives it to Git LFS."""
    said = [of_lfs for path, pattern, of_lfs in given if _fits(file, path, pattern)]
    return bool(said) and said[-1]


def _rules(folder: str, path: str) -> Iterator[tuple[str, bool]]:
    """Yield what the attributes in the folder `path` below `folder` say of filters: a pattern, and whether it is Git LFS."""
    for line in files.brought_text(folder, os.path.relpath(os.path.join(path, ".gitattributes"), folder)).splitlines():
        pattern, *attributes = line.split() or [""]
        filters = [each for each in attributes if each.lstrip("-!").partition("=")[0] == "filter"]
        if filters:
            # So `git lfs track` writes a blank.
            yield pattern.replace("[[:space:]]", "?"), filters[-1] == "filter=lfs"


def _fits(file: str, path: str, pattern: str) -> bool:
    """Return whether a pattern of the attributes in the folder `path` is of a file; a star may stand for folders, too."""
    below = os.path.relpath(file, path)
    if below.startswith("../"):
        return False
    if "/" not in pattern:
        return fnmatch.fnmatchcase(os.path.basename(below), pattern)
    return any(fnmatch.fnmatchcase(below, each) for each in (pattern.lstrip("/"), pattern.removeprefix("**/")))


def fault(folder: str) -> str | None:
    """Return what to do about such files in a folder that nobody fetches their content for, or None without any."""
    left = tracked(folder)
    if not left:
        return None
    return (
        f"it has files of Git LFS without their content, such as {left[0]}: run `git lfs pull` where it comes from, or name its "
        "repository by gunicorn_source.git, which fetches them"
    )
