# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a source names another Python than the one that it gets, and may do without. Private to the collection."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files

# Of pyenv and uv, of platforms, and of asdf and mise.
_NAMED = {
    ".python-version": r"^(?:cpython[@-]|python-?)?(\d+\.\d+)",
    "runtime.txt": r"^python-(\d+\.\d+)",
    ".tool-versions": r"^python\s+(\d+\.\d+)",
}
_BELOW = re.compile(r"<(=?)\s*(\d+)\.(\d+)")


def named(version: tuple[int, int], asked: str, source: str | None, chdir: str) -> str:
    """Return a sentence on what is named instead of this major and minor version, nothing where nothing is.

    `asked` is what the file with the requirements says of Pythons, `chdir` the folder in the source where the app runs.
    """
    says, fitting = next(_other(version, asked, source, chdir), ("", ""))
    if not says:
        return ""
    return f'{says}, and it gets Python {version[0]}.{version[1]}: set gunicorn_python: "{fitting}" if it doesn\'t work with that.'


def _other(version: tuple[int, int], asked: str, source: str | None, chdir: str) -> Iterator[tuple[str, str]]:
    """Yield what names another Python, as the beginning of a sentence, and the newest version that it allows."""
    for included, major, minor in _BELOW.findall(asked):
        if version > (int(major), int(minor)) or (version == (int(major), int(minor)) and not included):
            fitting = f"{major}.{int(minor) - (not included)}"
            yield f"What says which packages the app needs asks for Python <{included}{major}.{minor}", fitting
    for folder in dict.fromkeys([chdir, "."]) if source else ():
        for name, pattern in _NAMED.items():
            path = os.path.normpath(os.path.join(folder, name))
            match = re.search(pattern, files.brought_text(source or "", path), re.MULTILINE)
            if match and match[1] != f"{version[0]}.{version[1]}":
                yield f"The source's {path} names Python {match[1]}", match[1]
