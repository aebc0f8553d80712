# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A source's bytecode, so that no start of the app has to make it. Private to the collection."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes, sealing

_SECONDS = 900
# Writes the bytecode of all below one folder into another, where each file has the place that it is to have in the first.
_COMPILE = """
import importlib.util, os, py_compile, sys
source, out = sys.argv[1:]
for folder, _folders, names in os.walk(source):
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(".py") and os.path.isfile(path):
            made = os.path.join(out, os.path.relpath(importlib.util.cache_from_source(path), source))
            # What does not compile is not of this Python, such as a template: the app's import decides, later.
            try:
                py_compile.compile(path, made, quiet=2)
            except (OSError, ValueError, RecursionError, MemoryError):
                pass
"""


def add(app: str, source: str, place: str, python: str) -> None:
    """Compile what is in the folder `source` of `app`, which is to be renamed to `place`, with the interpreter `python`.

    Raises sealing.SealError or OSError.
    """
    with tempfile.TemporaryDirectory(prefix=".stage-", dir=os.path.dirname(source)) as work:
        made, inside = os.path.join(work, "bytecode"), os.path.join(work, "made")
        os.mkdir(made)
        os.chmod(made, 0o777)
        reads = {path: path for path in sandboxes.interpreter(python) if os.path.exists(path)}
        sandbox = sandboxes.Sandbox(app, "compile the source", reads={**reads, place: source}, writes={inside: made})
        sandbox.run([python, "-I", "-S", "-c", _COMPILE, place, inside], _SECONDS)
        sealing.seal(made)
        _move(made, source)


def _move(made: str, source: str) -> None:
    """Put the bytecode beside what it was made of; where the source has its own, that goes."""
    for folder, _folders, _names in os.walk(source):
        ours = os.path.join(made, os.path.relpath(folder, source), "__pycache__")
        cache = os.path.join(folder, "__pycache__")
        if not os.path.isdir(ours) or os.path.islink(cache):
            continue
        os.makedirs(cache, exist_ok=True)
        for name in os.listdir(ours):
            os.replace(os.path.join(ours, name), os.path.join(cache, name))
