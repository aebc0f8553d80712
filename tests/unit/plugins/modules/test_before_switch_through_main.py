# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module gunicorn_before_switch from its options to its result, with commands that run, but in no unit."""

from __future__ import annotations

import json
import os
import stat
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release import once
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

OLD, NEW = "0b1a2f3e4d5c", "4f6a7d8e9c0b"


@pytest.fixture
def store(tmp_path, monkeypatch, as_root, write):
    """Return the store of an app with two releases, the older one of which is active."""
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    monkeypatch.setattr(systemd, "commands", lambda _app: [])
    monkeypatch.setattr(command_line.Release, "properties", lambda _release: [("WorkingDirectory", str(tmp_path))])

    def run(_app, _properties, argv, _seconds):
        words = [word.replace("$$", "$") for word in argv]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    monkeypatch.setattr(systemd, "run", run)
    store = Store(str(tmp_path), "shop")
    with store.locked("making it"):
        pass
    for release in (OLD, NEW):
        record = {"in_force": {}, "version": release, "built": "2026-01-01"}
        write(
            store.item("releases", release), {"release.json": json.dumps(record), "env": 'TOKEN="hunter2-and-more"\n'}
        )
        os.makedirs(f"{store.item('releases', release)}/venv/bin")
    store.history.record("serves", OLD, by="bob")
    store.switch(OLD)
    return store


@pytest.fixture
def upgrade(store, play):
    """Play the module with these commands as steps with C(once), beside one that makes something of the release."""

    def upgrade(*scripts: str, check=False, release=NEW, **given) -> dict:
        steps = [{"command": ["/bin/sh", "-c", script], "once": True} for script in scripts]
        steps.insert(0, {"command": ["/bin/false"]})
        root = os.path.dirname(store.path)
        return play(
            "gunicorn_before_switch", check, name="shop", root=root, release=release, before_switch=steps, **given
        )

    return upgrade


def test_each_is_done_once_for_a_release_and_check_mode_says_so_before(upgrade, store, tmp_path):
    scripts = ("echo $$ $0 >> one", "echo >> two")
    foretold = upgrade(*scripts, check=True)
    assert (foretold["changed"], (tmp_path / "one").exists()) == (True, False)
    done = upgrade(*scripts)
    assert (done["changed"], done["commands"], done["diff"]) == (True, foretold["commands"], foretold["diff"])
    # Of what is in its folder, and others may read, the next run sees that the app's account can.
    assert stat.S_IMODE(os.stat(f"{store.item('releases', NEW)}/once.jsonl").st_mode) == 0o600
    assert (upgrade(*scripts)["changed"], len((tmp_path / "one").read_text().splitlines())) == (False, 1)
    assert upgrade(*scripts, release="", check=True)["changed"]


def test_a_failure_names_what_was_done_before_it_and_the_next_run_goes_on_there(upgrade, tmp_path):
    refused = upgrade("echo >> one", "echo hunter2-and-more >&2; exit 3", "echo >> three")["msg"]
    assert "failed with exit status 3, and what it did till then stays done:" in refused
    assert "hunter2" not in refused
    assert f"release {OLD} is still active, untouched" in refused
    assert "done before and stay done: [/bin/sh, -c, 'echo >> one']. " in refused
    assert f"Release {OLD} goes on with them, whose code may not know them.\nThere is no backup from before." in refused
    assert not (tmp_path / "three").exists()
    assert upgrade("echo >> one", "true", "echo >> three")["commands"][0][2] == "true"
    assert len((tmp_path / "one").read_text().splitlines()) == 1


def test_one_that_does_not_end_is_ended(upgrade, monkeypatch):
    def overdue(*_of):
        raise shell.Overdue("sh did not end within 1 s")

    monkeypatch.setattr(systemd, "run", overdue)
    assert "gunicorn_before_switch: [/bin/sh, -c, true] did not end within" in upgrade("true")["msg"]


def test_a_program_that_went_is_named(store, play):
    steps = [{"command": ["/nowhere/flask", "db"], "once": True}]
    root = os.path.dirname(store.path)
    refused = play("gunicorn_before_switch", name="shop", root=root, release=NEW, before_switch=steps)["msg"]
    assert "gunicorn_before_switch has '/nowhere/flask', but the host has no such file" in refused


def test_a_run_that_was_overtaken_does_nothing(upgrade, tmp_path):
    refused = upgrade("echo >> one", replaces="c0ffeec0ffee")["msg"]
    assert f"nothing of gunicorn_before_switch was done: release {OLD} became active during this run" in refused
    assert not (tmp_path / "one").exists()
    assert upgrade("echo >> one", replaces=OLD)["changed"]


def test_after_a_backup_was_brought_back_each_does_it_again(upgrade, store):
    upgrade("true")
    once.forget(store)
    assert upgrade("true")["changed"]
