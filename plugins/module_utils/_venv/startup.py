# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every Python of an environment runs first: a file that the process's environment names. Private to the collection.

An environment is shared by releases, and a release decides what is run: the unit names a file in its folder. Without
that variable nothing happens, which costs a start of Python 0.1 ms.
"""

from __future__ import annotations

import glob
import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

# A line that begins with an import is run by the module `site`, before anything of the app, and in a virtual environment
# twice (Python 3.10 to 3.14).
_LINE = (
    f"import os, sys; p = os.environ.get({naming.START_VARIABLE!r}); p and not hasattr(sys, '_pyweb_stack') and "
    "(setattr(sys, '_pyweb_stack', p), exec(open(p, encoding='utf-8').read(), {'__file__': p}))\n"
)
_NAME = "pyweb_stack.pth"


def missing(venv: str) -> bool:
    """Say whether the environment does without, as those of earlier versions do."""
    return any(files.read(path) != _LINE for path in _paths(venv))


def install(venv: str) -> None:
    """Have every Python of the environment run that file. The name of the environment stays what it is."""
    for path in _paths(venv):
        files.replace(path, _LINE)


def _paths(venv: str) -> list[str]:
    return [os.path.join(folder, _NAME) for folder in glob.glob(f"{venv}/lib/python3*/site-packages")]
