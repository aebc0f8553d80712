# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a program's output a message has room for. Private to the collection."""

from __future__ import annotations

import re

# How Python joins the tracebacks of a chain (traceback.py); the first of them began it.
_THEN = re.compile(
    r"\n(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):\n"
)


def end(text: str, lines: int) -> str:
    """Return the last lines, and before them the exceptions that led to that of a traceback there."""
    *before, last = _THEN.split(text.strip())
    causes = [_exception(traceback) for traceback in before]
    return "\n".join([*(f"{cause}, and then:" for cause in causes if cause), *last.strip().splitlines()[-lines:]])


def _exception(traceback: str) -> str:
    """Return the line that names the exception of a traceback; its text may go on below it."""
    named = [line for line in traceback.splitlines() if re.match(r"[A-Za-z_][\w.]*(?::\s|$)", line)]
    return named[-1] if named else ""
