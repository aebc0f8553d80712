# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has a name keeps it: what an earlier version deployed is found again, and a second run changes nothing.

`names.json` was recorded with the first version, 0.1.0, of inputs of every kind. Another name of the same inputs means
that each app is released anew when its host gets the next version of this collection. Where that is wanted, the new names
are recorded, and why:

- every release, as the sandbox lets it execute what lies in `/opt` or came with its source, and nothing that the app wrote;
- every release, as the sandbox no longer lets it write to what is mounted at `/run` and below.
"""

from __future__ import annotations

import json
import pathlib

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import releases
from ansible_collections.pyweb.stack.plugins.module_utils._release.releases import Inputs, Release
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests
from ansible_collections.pyweb.stack.plugins.module_utils._venv import builder, inputs

RECORDED = json.loads(pathlib.Path(__file__).with_name("names.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def source(tmp_path_factory, write):
    """Return the recorded files as a sealed source, whose folder has the recorded name."""
    return str(write(tmp_path_factory.mktemp("sources") / RECORDED["source"]["name"], RECORDED["source"]["files"]))


@pytest.mark.parametrize("release", RECORDED["releases"], ids=lambda release: release["what"])
def test_a_release(release, monkeypatch):
    options, host = dict(release["options"]), release["host"]
    monkeypatch.setattr(server, "user", lambda: host["nginx_user"])
    monkeypatch.setattr(builder, "foreign_python", lambda _venv: host["foreign_python"])
    monkeypatch.setattr(releases, "_group", lambda _user: host["group"])
    store = Store(options.pop("root"), options["name"], options["user"])
    assert Release(store, Inputs(**options, plan={}), host["key"].encode()).id == release["id"]


@pytest.mark.parametrize("venv", RECORDED["venvs"], ids=lambda venv: f"{venv['file']} {venv['requirements']}")
def test_a_virtual_environment(venv, source, monkeypatch):
    monkeypatch.setattr(inputs, "_identity", lambda _python: RECORDED["python"]["identity"])
    needs_source = venv["file"] or venv["requirements"] == ["."]
    made_of = inputs.Inputs(
        RECORDED["python"]["path"],
        source if needs_source else None,
        venv["file"],
        venv["requirements"],
        venv["gunicorn"],
        venv["chdir"],
    )
    assert made_of.digest() == venv["digest"]


def test_a_source(source):
    assert digests.of_tree(source, sorted(RECORDED["source"]["files"])) == RECORDED["source"]["digest"]
