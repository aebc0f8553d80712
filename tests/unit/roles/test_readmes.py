# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the READMEs of the roles say of their variables is what the roles take."""

from __future__ import annotations

import pathlib
import runpy

import pytest

ROOT = pathlib.Path(__file__).parents[3]
README = runpy.run_path(str(ROOT / "tools/tables.py"))["readme"]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())


@pytest.mark.parametrize("role", ROLES, ids=[path.name for path in ROLES])
def test_the_table_of_variables_is_that_of_the_argument_specs(role):
    readme = role / "README.md"
    text = readme.read_text(encoding="utf-8")
    assert f"| `{role.name}_" in text
    assert text == README(readme), "run ./dev tables"
