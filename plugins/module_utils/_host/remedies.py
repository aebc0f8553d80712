# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps where an app failed, by what it said. Private to the collection."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

# SQLite says the first two without the path that it means; who asks it adds that, where it can.
_WRITES = r"Read-only file system|unable to open database file|attempt to write a readonly database"
_IN_SOURCE = re.compile(rf"(?:{_WRITES}).*?(/\S*/sources/[0-9a-f]{{40}})/([^'\"\s:,)]+)")
_DATABASE = re.compile(r"unable to open database file|attempt to write a readonly database")
_UNMAPPED = re.compile(r"(/\S+/)[^/\s]+: failed to map segment from shared object")


def _holds_code(folder: str) -> bool:
    """Return whether a folder has Python in it, for which it can't be the app's to write."""
    try:
        return any(name.endswith(".py") for name in os.listdir(folder))
    except OSError:
        return False


def remedy(text: str, holds_code: Callable[[str], bool] = _holds_code) -> str | None:
    """Return a sentence on what helps against what `text` says, an app's traceback for instance; None where that is unknown.

    `holds_code` says of a folder whether it has code in it.
    """
    found = _IN_SOURCE.search(text)
    if found:
        source, path = found.groups()
        parent = os.path.dirname(path)
        place = parent if parent and not holds_code(os.path.join(source, parent)) else path
        return (
            f"The app writes to {path} in its source, which nothing can change: add gunicorn_shared_paths: [{place}], or have "
            "it write below $STATE_DIRECTORY."
        )
    if _DATABASE.search(text):
        return (
            "A database in the app's source can't be written: name it in gunicorn_shared_paths, as in "
            "gunicorn_shared_paths: [db.sqlite3], or have it below $STATE_DIRECTORY."
        )
    found = _UNMAPPED.search(text)
    if found:
        return (
            f"The sandbox executes nothing there: add gunicorn_unit: {{ExecPaths: {found[1].rstrip('/')}}}, unless the app "
            "may write to it."
        )
    return None


def advised(text: str) -> str:
    """Return a message, with what helps below it where that is known."""
    advice = remedy(text)
    return f"{text}\n{advice}" if advice else text
