# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of `module_utils`: which may know which, as docs/developing.md says."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[4]
PLUGINS = ROOT / "plugins"
PREFIX = "ansible_collections.pyweb.stack.plugins.module_utils."

# A room may know all that stand above it in the list, but those beside each other don't know each other.
FLOORS = [
    {"_text"},
    {"_host"},
    {"_source", "_venv", "_gunicorn", "_nginx"},
    {"_release"},
    {"_serving", "_django"},
    {"_module"},
    {"_steps"},
]
# Who may know the room of what all modules have in common.
ROOF = {"modules", "action", "filter", "_module", "_steps"}


def _room(path: pathlib.Path) -> str:
    """Return the room of a file, or the folder of plugins of one that is in none."""
    parts = path.relative_to(PLUGINS).parts
    return parts[1] if parts[0] == "module_utils" else parts[0]


def _imported(text: str) -> set[str]:
    """Return the rooms that a file imports from."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PREFIX):
            inner = node.module.removeprefix(PREFIX[:-1]).lstrip(".")
            found |= {inner.split(".")[0]} if inner else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix(PREFIX).split(".")[0] for alias in node.names if alias.name.startswith(PREFIX)
            }
    return found


def _forbidden(room: str, text: str) -> set[str]:
    """Return the rooms that a file in `room` imports from and may not know."""
    floor = next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))
    known = {room}.union(*FLOORS[:floor])
    return _imported(text) - known - ({"_module"} if room in ROOF else set())


FILES = sorted(PLUGINS.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PLUGINS)) for path in FILES])
def test_a_room_knows_those_above_it_alone(path):
    assert _forbidden(_room(path), path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("room", "line", "forbidden"),
    [
        ("_text", f"from {PREFIX}_host import files", {"_host"}),
        ("_source", f"from {PREFIX}_venv.uv import Uv", {"_venv"}),
        ("_nginx", f"from {PREFIX}_release.stores import Store", {"_release"}),
        ("_django", f"import {PREFIX}_serving.handover", {"_serving"}),
        ("_serving", f"from {PREFIX[:-1]} import _module", {"_module"}),
        ("_release", f"from {PREFIX}_nginx import server\nfrom {PREFIX}_release import stores", set()),
        ("modules", f"from {PREFIX}_module.module import Module", set()),
    ],
)
def test_the_rule_sees_each_way_to_import(room, line, forbidden):
    assert _forbidden(room, line) == forbidden


def test_every_room_has_its_floor_and_its_row_in_the_docs():
    rooms = {path.name for path in (PLUGINS / "module_utils").iterdir() if path.is_dir() and path.name != "__pycache__"}
    rows = re.findall(r"^\| `(_\w+)/` \|", (ROOT / "docs/developing.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rooms == set.union(*FLOORS)
    assert sorted(rows) == sorted(rooms)


def test_every_file_lies_in_a_room():
    assert [path.name for path in (PLUGINS / "module_utils").glob("*.py")] == []
