# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which static files are named by their content, and of which releases they stay."""

from __future__ import annotations

import json
import os
import pathlib

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import assets
from ansible_collections.pyweb.stack.plugins.module_utils._serving.assets import Assets

DJANGO = json.dumps({"version": "1.1", "paths": {"site.css": "site.0123456789ab.css"}})
VITE = json.dumps(
    {"src/main.ts": {"file": "assets/main-BfX9c2Qk.js", "css": ["assets/main-calendar.css"], "isEntry": True}}
)


@pytest.mark.parametrize(
    ("files", "named"),
    [
        pytest.param({"static/site.css": ""}, [], id="none"),
        pytest.param(
            {"static/site.0123456789ab.css": "", "static/site.css": "", "static/staticfiles.json": DJANGO},
            ["static/site.0123456789ab.css"],
            id="Django's",
        ),
        pytest.param(
            {"s/a.0123456789ab.js": "", "s/a.0123456789ab.js.gz": "", "s/a.js.gz": "", "s/a.0123456789ab.js.br": ""},
            ["s/a.0123456789ab.js", "s/a.0123456789ab.js.br", "s/a.0123456789ab.js.gz"],
            id="with what is compressed",
        ),
        pytest.param({"s/a.0123456789abc.js": "", "s/a.0123456789AB.js": ""}, [], id="other digits"),
        pytest.param(
            {"s/.vite/manifest.json": VITE, "s/assets/main-BfX9c2Qk.js": "", "s/assets/main-calendar.css": ""},
            ["s/assets/main-BfX9c2Qk.js", "s/assets/main-calendar.css"],
            id="Vite's",
        ),
        pytest.param({"s/assets/my-calendar.css": "", "s/assets/main-BfX9c2Qk.js": ""}, [], id="Vite's without a manifest"),
        pytest.param(
            {"s/manifest.json": '{"app.js": "/app.a1b2c3d4e5.js", "logo.svg": "/logo.svg"}', "s/app.a1b2c3d4e5.js": "", "s/logo.svg": ""},
            ["s/app.a1b2c3d4e5.js"],
            id="webpack's",
        ),
        pytest.param({"s/manifest.json": "no JSON", "s/staticfiles.json": "[" * 100000}, [], id="a manifest that is none"),
        pytest.param({"s/manifest.json": '["../../../etc/pass-wordwords.d"]'}, [], id="a manifest that leads out"),
    ],
)  # fmt: skip
def test_what_is_named_by_its_content(tmp_path, write, files, named):
    assert sorted(assets.named_by_content(str(write(tmp_path, files)))) == named


def test_a_link_is_none(tmp_path):
    (tmp_path / "secret.0123456789ab.css").symlink_to("/etc/passwd")
    assert assets.named_by_content(str(tmp_path)) == set()


def _name(number: int) -> str:
    return f"static/site.{number:012x}.css"


@pytest.fixture
def store(tmp_path, write):
    """Return a store with four releases that became active one after the other, each with an asset of its own."""
    store, before = Store(str(tmp_path), "shop"), None
    for number, release in enumerate("abcd"):
        static = {
            f"static/{_name(number)}": release,
            f"static/{_name(99)}": "shared",
            "static/static/site.css": "plain",
        }
        write(store.item("releases", release), {**static, "release.json": '{"built": ""}'})
        store.history.record("serves", release, previous=before)
        store.switch(release)
        before = release
    return store


def _there(store) -> set[str]:
    root = pathlib.Path(store.path, "assets")
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_those_of_the_last_releases_are_there_and_others_are_not(store):
    last = Assets(store, 3)
    assert last.add(last.look("d"))
    assert last.look("d").missing == {}
    assert _there(store) == {*map(_name, (1, 2, 3)), _name(99)}
    assert not last.add(last.look("d"))

    fewer = Assets(store, 2)
    assert fewer.look("d").surplus == {_name(1)}
    assert fewer.prune(fewer.look("d"))
    assert not fewer.prune(fewer.look("d"))
    assert _there(store) == {*map(_name, (2, 3)), _name(99)}
    with open(f"{store.path}/assets/{_name(3)}", encoding="utf-8") as file:
        assert file.read() == "d"


def test_a_release_that_is_about_to_be_active_counts(store, write):
    write(store.item("releases", "e"), {f"static/{_name(5)}": "e", "release.json": '{"built": ""}'})
    two = Assets(store, 2)
    two.add(two.look("e"))
    assert _there(store) == {*map(_name, (3, 5)), _name(99)}


def test_what_is_kept_outlives_its_release(store):
    kept = Assets(store, 3)
    kept.add(kept.look("d"))
    # As it is foretold.
    assert kept.look("d", going=["c"]).surplus == {_name(2)}
    store.prune(["c"])
    assert _name(2) in _there(store)
    # A release that is gone counts no more, so the next run removes its files and those of an older one come back.
    assert kept.look("d").surplus == {_name(2)}


def test_the_last_file_takes_its_folder_along(store):
    only = Assets(store, 1)
    only.add(only.look("a"))
    for name in (0, 1, 2, 3):
        os.unlink(f"{store.path}/releases/{'abcd'[name]}/static/{_name(name)}")
        os.unlink(f"{store.path}/releases/{'abcd'[name]}/static/{_name(99)}")
    assert only.prune(only.look("a"))
    assert not os.path.exists(f"{store.path}/assets/static")


def test_of_two_of_one_name_that_of_the_newer_release_counts(store, write):
    for release, text in (("c", "older"), ("d", "newer")):
        write(store.item("releases", release), {"static/static/site.0123456789ab.css": text})
    both = Assets(store, 3)
    both.add(both.look("d"))
    with open(f"{store.path}/assets/static/site.0123456789ab.css", encoding="utf-8") as file:
        assert file.read() == "newer"
