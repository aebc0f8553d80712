# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script tells that runs in an environment, whose packages may print something of their own. Private to the collection."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done

_MARK = "pyweb-stack:"
# The head of a script: its `tell` writes to what is stdout here. No dollar in it: systemd would take it for a variable.
TELL = f"""
import json, os
told = os.dup(1)

def tell(**what):
    os.write(told, ("\\n{_MARK}%s\\n" % json.dumps(what, default=repr)).encode())
"""


def last_words(done: Done) -> str:
    """Return what a script ended with that told nothing."""
    return (done.stderr.strip() or "it ended without an answer").splitlines()[-1]


def told(stdout: str) -> list[dict[str, Any]]:
    """Return what a script told, in its order."""
    found = []
    for line in stdout.splitlines():
        if line.startswith(_MARK):
            with contextlib.suppress(ValueError):
                found.append(json.loads(line.removeprefix(_MARK)))
    return found
