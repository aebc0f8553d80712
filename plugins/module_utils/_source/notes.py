# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a source its user should know, since it does not do there what it did at home. Private to the collection."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import KEPT

_SQLITE = b"SQLite format 3\0"
_ENDINGS = (".db", ".sqlite", ".sqlite3")
# Deeper ones are a package's own, such as those of tests.
_DEPTH = 3


def notes(folder: str, added: Collection[str]) -> Iterator[str]:
    """Yield sentences about the sealed source in `folder`; `added` are the paths that the user put into it."""
    for path in _databases(folder):
        yield (
            f"The source brings the database {path}, which the app can't write there: if it is the app's own, list it in "
            "gunicorn_shared_paths, else leave it out of the source."
        )
    for path in sorted({*glob.glob(".env", root_dir=folder), *glob.glob("*/.env", root_dir=folder)} - {*added}):
        yield (
            f"The source brings a file {path}, which counts only if the app reads it itself: what the environment is to have "
            "belongs in gunicorn_env, and a file that no repository should have in gunicorn_source_files."
        )


def _databases(folder: str) -> Iterator[str]:
    """Yield the paths of SQLite's databases, relative to the folder."""
    for path, folders, names in os.walk(folder):
        place = os.path.relpath(path, folder)
        folders[:] = [] if place.count("/") + 1 >= _DEPTH else sorted({*folders} - {KEPT})
        for name in sorted(names):
            full = os.path.join(path, name)
            if name.endswith(_ENDINGS) and os.path.isfile(full) and not os.path.islink(full):
                with open(full, "rb") as file:
                    if file.read(len(_SQLITE)) == _SQLITE:
                        yield os.path.normpath(os.path.join(place, name))
