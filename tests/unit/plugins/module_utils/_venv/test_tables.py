# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of TOML, whichever Python reads them."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import tables
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError


@pytest.fixture(params=["tomllib", "the code that pip brings"])
def _reader(request, monkeypatch):
    """Read by the one or the other."""
    if request.param != "tomllib":
        monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    tables._reader.cache_clear()
    yield
    tables._reader.cache_clear()


@pytest.mark.usefixtures("_reader")
def test_a_table_is_read_and_what_is_none_is_named():
    found = tables.load("pyproject.toml", '[tool.poetry]\nname = "shop"\n')
    assert tables.part(found, "tool", "poetry") == {"name": "shop"}
    assert tables.part(found, "tool", "uv") == tables.part(found, "tool", "poetry", "name") == {}
    with pytest.raises(RequirementsError, match=r"pyproject\.toml is no valid TOML: "):
        tables.load("pyproject.toml", "[tool")
