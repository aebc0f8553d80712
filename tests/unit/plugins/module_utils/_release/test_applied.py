# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure says of what was done to a database and stays."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

OLD, NEW, NEWER = "0b1a2f3e4d5c", "4f6a7d8e9c0b", "5a6b7c8d9e0f"


@pytest.fixture
def store(tmp_path, as_root, monkeypatch):
    """Return the store of an app without a release, whose backups are in a folder of this test's."""
    monkeypatch.setattr(applied, "BACKUPS", str(tmp_path / "backups-{}"))
    store = Store(str(tmp_path), "shop")
    with store.locked("making it"):
        pass
    return store


def _serve(store, release):
    store.history.record("serves", release, previous=store.current())
    os.makedirs(store.item("releases", release), exist_ok=True)
    store.switch(release)


def test_nothing_is_said_where_nothing_was_applied(store):
    assert applied.told(store) == []
    applied.command(store, OLD, ["flask", "db", "upgrade"])
    _serve(store, OLD)
    assert applied.told(store) == []


def test_the_first_release_of_an_app_has_nobody_that_goes_on(store):
    applied.command(store, OLD, ["flask", "db", "upgrade"])
    assert applied.told(store) == [
        "These steps of gunicorn_before_switch were done before and stay done: [flask, db, upgrade]. No release serves yet.",
        "There is no backup from before.",
    ]


def test_each_thing_is_named_once_whichever_run_did_it(store):
    _serve(store, OLD)
    for release in (NEW, NEWER):
        applied.command(store, release, ["flask", "db", "upgrade"])
    applied.migrations(store, NEW, ["shop.0002"], None, "/nowhere")
    applied.migrations(store, NEWER, ["shop.0003"], "20261126T173000Z-default", "/nowhere")
    of_django, of_steps, last = applied.told(store)
    assert of_django.startswith("These migrations were applied before and stay: shop.0002, shop.0003. ")
    assert of_django.endswith(f"Release {OLD} goes on with them, whose code may not know them.")
    assert of_steps.count("[flask, db, upgrade]") == 1
    # What was made was removed since.
    assert last == "There is no backup from before."
    _serve(store, NEWER)
    assert applied.told(store) == []


def test_a_backup_is_named_with_its_folder_where_that_is_another(store, tmp_path):
    _serve(store, OLD)
    for name, folder in (("one", tmp_path / "backups-shop"), ("two", tmp_path / "elsewhere")):
        folder.mkdir()
        (folder / f"{name}.json").touch()
        applied.migrations(store, NEW, ["shop.0002"], name, str(folder))
    _migrations, one, two = applied.told(store)
    restore = "ansible-playbook pyweb.stack.restore -e gunicorn_name=shop"
    assert f"{restore} -e backup=one says" in one
    assert f"{restore} -e backup=two -e path={tmp_path}/elsewhere says" in two


def test_what_a_backup_undid_stays_no_more(store):
    _serve(store, OLD)
    applied.migrations(store, NEW, ["shop.0002"], None, "/nowhere")
    applied.undone(store, OLD, "20261126T173000Z-default")
    assert applied.told(store) == []
    applied.migrations(store, NEW, ["shop.0002"], None, "/nowhere")
    assert len(applied.told(store)) == 2


def test_a_switch_that_never_came_takes_nothing_over(store):
    _serve(store, OLD)
    applied.command(store, NEW, ["flask", "db", "upgrade"])
    # Before the rename, after which a power cut came.
    store.history.record("serves", NEW, previous=OLD)
    assert f"Release {OLD} goes on" in applied.told(store)[0]
