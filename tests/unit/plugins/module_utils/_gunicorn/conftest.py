# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment that says something of its own."""

from __future__ import annotations

import sysconfig
import venv

import pytest


@pytest.fixture
def talkative(tmp_path) -> str:
    """Return a Python with the packages of the one that runs the tests, and one that prints wherever it starts."""
    venv.create(tmp_path / "talkative", symlinks=True)
    (packages,) = (tmp_path / "talkative").glob("lib/python3*/site-packages")
    prints = "import sys; sys.stdout.write('[] hello\\\\n and a line without an end'); sys.stdout.flush()"
    (packages / "talkative.pth").write_text(f"{sysconfig.get_path('purelib')}\n{prints}\n")
    return str(tmp_path / "talkative/bin/python")
