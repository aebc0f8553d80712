# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message tells how it began, whatever came after."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text import tracebacks

CHAINED = """
print("before", file=__import__("sys").stderr)
try:
    open("/nowhere/django.log")
except OSError as error:
    try:
        raise KeyError("in between\\n  of two lines")
    except KeyError:
        raise ValueError("Unable to configure handler 'file'") from error
"""


@pytest.mark.parametrize(
    ("code", "lines", "said"),
    [
        pytest.param("", 2, [], id="nothing"),
        pytest.param("import sys; sys.exit('a\\nb\\nc')", 2, ["b", "c"], id="no traceback"),
        pytest.param("1 / 0", 1, ["ZeroDivisionError: division by zero"], id="one exception"),
        pytest.param(
            CHAINED, 1,
            [
                "FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/django.log', and then:",
                "ValueError: Unable to configure handler 'file'",
            ],
            id="what led to it",
        ),
        pytest.param(
            CHAINED.replace("from error", ""), 1,
            [
                "FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/django.log', and then:",
                "KeyError: 'in between\\n  of two lines', and then:",
                "ValueError: Unable to configure handler 'file'",
            ],
            id="all that led to it",
        ),
    ],
)  # fmt: skip
def test_the_end_of_what_python_says(code, lines, said):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert tracebacks.end(done.stderr, lines).splitlines() == said
