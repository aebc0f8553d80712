# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source that commands made of another one: a copy of it, with what they left there. Private to the collection.

It is sealed under a name of its own among the sources, and says which one it was made of, which stays as long as it does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, sealing
from ansible_collections.pyweb.stack.plugins.module_utils._source import bytecode
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests

# In the top of a source that was made so: the name of the one that it was made of.
ORIGIN = ".made-of"


class DerivedError(Exception):
    """What the commands left can't be a source; the message says why, as the rest of a sentence."""


def name(source: str, how: Mapping[str, object]) -> str:
    """Return the name of a source made of the one in the folder `source`; `how` is all that decides what it comes to."""
    return digests.of({"source": os.path.basename(source), **how})[: digests.LENGTH]


def copy(source: str, folder: str) -> list[str]:
    """Return the command that copies a source into an empty folder, for whoever is to write there."""
    return ["/usr/bin/cp", "--recursive", "--no-dereference", f"{source}/.", folder]


def seal(app: str, folder: str, place: str, source: str, python: str) -> None:
    """Look at what commands made of the folder `source`, make it root's, and compile it for `place`, where it is to be.

    Raises DerivedError, or OSError.
    """
    try:
        sealing.seal(folder, leads_out=None)
        _note_origin(folder, source)
        bytecode.add(app, folder, place, python)
    except sealing.ExcessError as error:
        raise DerivedError(
            f"left more than an app has: {error}: remove what it doesn't need to run by a last command, such as "
            "[rm, -rf, node_modules]"
        ) from error
    except sealing.SealError as error:
        raise DerivedError(f"left what no source may have: {error}") from error


def origin(source: str) -> str | None:
    """Return the name of the source that this one, a folder, was made of; None for one that was fetched."""
    try:
        return files.read_brought(source, ORIGIN).decode().partition("\n")[0].strip()
    except (OSError, ValueError):
        return None


def weight(folder: str) -> int:
    """Return how many bytes the files in a folder have."""
    found = 0
    for path, _folders, names in os.walk(folder):
        found += sum(os.lstat(os.path.join(path, each)).st_size for each in names)
    return found


def _note_origin(folder: str, source: str) -> None:
    path = os.path.join(folder, ORIGIN)
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, "x", encoding="utf-8") as file:
        file.write(f"{os.path.basename(source)}\n")
