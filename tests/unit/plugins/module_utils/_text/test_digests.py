# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Same content, same name."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests

VALUES = [None, "", "1", 1, [], {}, [1, 2], [2, 1], ["12"], {"a": 1}, {"a": "1"}, {"a": {"b": None}}, {"ä": 1}]


def test_names_survive_an_update_of_the_collection(tree):
    assert _of(tree) == "7bbef810f80685ab1d4a23f7601dd0b35e85bb0e200e71b26f2665a127e36223"
    assert digests.of({"b": ["ä", 1, None], "a": True}) == (
        "f22341873e40e99347ad507210e5051d430b43c218f1978b8579e471866506c7"
    )


def test_values_are_told_apart_and_the_order_of_keys_is_not():
    assert len({digests.of(value) for value in VALUES}) == len(VALUES)
    assert digests.of({"a": 1, "b": 2}) == digests.of({"b": 2, "a": 1})


def test_a_keyed_digest_needs_the_key():
    assert digests.keyed(b"key", "hunter2") == digests.keyed(b"key", "hunter2")
    assert len({digests.keyed(b"key", value) for value in VALUES}) == len(VALUES)
    assert digests.keyed(b"key", "hunter2") not in (digests.keyed(b"other", "hunter2"), digests.of("hunter2"))


@pytest.fixture
def tree(tmp_path, write):
    """Return a folder with files, of which one can be executed, and a link."""
    folder = write(tmp_path / "tree", {"a.py": "one", "b/c.sh": "two", "b/d": ""})
    (folder / "b/c.sh").chmod(0o755)
    (folder / "link").symlink_to("a.py")
    return folder


def _of(folder) -> str:
    paths = [
        os.path.relpath(os.path.join(path, name), folder) for path, _folders, names in os.walk(folder) for name in names
    ]
    return digests.of_tree(str(folder), paths)


def _relink(folder, target):
    (folder / "link").unlink()
    (folder / "link").symlink_to(target)


def _become_file(folder):
    (folder / "link").unlink()
    (folder / "link").write_text("a.py")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda tree: (tree / "a.py").write_text("One"), id="content"),
        pytest.param(lambda tree: (tree / "a.py").rename(tree / "e.py"), id="name"),
        pytest.param(lambda tree: (tree / "b/d").rename(tree / "d"), id="folder"),
        pytest.param(lambda tree: (tree / "b/c.sh").chmod(0o644), id="executable no more"),
        pytest.param(lambda tree: (tree / "e").write_text(""), id="a file more"),
        pytest.param(lambda tree: (tree / "b/d").unlink(), id="a file less"),
        pytest.param(lambda tree: _relink(tree, "b/d"), id="target of a link"),
        pytest.param(_become_file, id="a file with the text of the link"),
    ],
)
def test_a_tree_is_told_apart_by(tree, change):
    before = _of(tree)
    change(tree)
    assert _of(tree) != before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda tree: os.utime(tree / "a.py", (1, 1)), id="time"),
        pytest.param(lambda tree: (tree / "a.py").chmod(0o600), id="who may read"),
        pytest.param(lambda tree: (tree / "empty").mkdir(), id="an empty folder"),
    ],
)
def test_a_tree_stays_the_same_whatever_its(tree, change):
    before = _of(tree)
    change(tree)
    assert _of(tree) == before


def test_a_tree_stays_the_same_wherever_it_is(tree):
    before = _of(tree)
    assert _of(tree.rename(tree.parent / "moved")) == before
    assert digests.of_tree(str(tree.parent / "moved"), ["link", "b/d", "b/c.sh", "a.py"]) == before
