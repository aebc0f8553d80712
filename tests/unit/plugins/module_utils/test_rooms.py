# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of `module_utils`: which may know which, as docs/developing.md says."""

from __future__ import annotations

import ast
import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[4]
PLUGINS = ROOT / "plugins"
ROOT_PACKAGE = "ansible_collections.pyweb.stack.plugins"
PREFIX = f"{ROOT_PACKAGE}.module_utils."

# A room may know all that stand above it in the list, but those beside each other don't know each other.
FLOORS = [
    {"_text"},
    {"_host"},
    {"_source", "_venv", "_gunicorn", "_nginx", "_database"},
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


def _imported(path: pathlib.Path, text: str) -> set[str]:
    """Return the rooms that a file imports from, anywhere in it, and `*` for one that can't be told."""
    package = f"{ROOT_PACKAGE}.{'.'.join(path.relative_to(PLUGINS).parent.parts)}".rstrip(".")
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(module, package)
            # What is imported may itself be a room, or the folder of all of them.
            names |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and str(node.value).startswith(PREFIX):
            # importlib's way.
            names.add(str(node.value))
    return {_room_of(name) for name in names} - {None}


def _room_of(name: str) -> str | None:
    """Return the room that has a name, None for one that is not of this collection's rooms."""
    if f"{name}.".startswith(PREFIX) or PREFIX.startswith(f"{name}."):
        return name.removeprefix(PREFIX).split(".")[0] if name.startswith(PREFIX) else "*"
    return None


def _forbidden(path: pathlib.Path, text: str) -> set[str]:
    """Return the rooms that a file at this path imports from and may not know."""
    room = _room(path)
    floor = next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))
    known = {room}.union(*FLOORS[:floor])
    return _imported(path, text) - known - ({"_module"} if room in ROOF else set())


FILES = sorted(PLUGINS.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PLUGINS)) for path in FILES])
def test_a_room_knows_those_above_it_alone(path):
    assert _forbidden(path, path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("file", "line", "forbidden"),
    [
        ("_text/urls.py", f"from {PREFIX}_host import files", {"_host"}),
        ("_source/git.py", f"from {PREFIX}_venv.uv import Uv", {"_venv"}),
        ("_nginx/sites.py", f"from {PREFIX}_release.stores import Store", {"_release"}),
        ("_django/manage.py", f"import {PREFIX}_serving.handover", {"_serving"}),
        ("_serving/front.py", f"from {PREFIX[:-1]} import _module", {"_module"}),
        ("_release/stores.py", f"from {PREFIX}_nginx import server\nfrom {PREFIX}_release import stores", set()),
        ("../modules/nginx_site.py", f"from {PREFIX}_module.module import Module", set()),
        # By dots.
        ("_text/urls.py", "from .._host import files", {"_host"}),
        ("_text/urls.py", "from .._host.files import read", {"_host"}),
        ("_text/urls.py", "from .. import _host, _text", {"_host"}),
        ("_text/urls.py", "from ...module_utils._host import files", {"_host"}),
        ("_text/urls.py", "from . import names\nfrom .names import name\nfrom .._text import names", set()),
        ("../filter/faults.py", "from ..module_utils._module import variable_rules", set()),
        # By the folder of all rooms, whose names nobody sees then.
        ("_text/urls.py", f"from {ROOT_PACKAGE} import module_utils", {"*"}),
        ("_text/urls.py", "from ... import module_utils", {"*"}),
        ("_text/urls.py", f"import {PREFIX[:-1]} as ours", {"*"}),
        ("_text/urls.py", "import ansible_collections.pyweb.stack.plugins", {"*"}),
        # Where it is done only sometimes.
        ("_text/urls.py", f"def f():\n    from {PREFIX}_host import files", {"_host"}),
        ("_text/urls.py", f"if typing.TYPE_CHECKING:\n    from {PREFIX}_host import files", {"_host"}),
        ("_text/urls.py", f"try:\n    import os\nexcept ImportError:\n    import {PREFIX}_host.files", {"_host"}),
        # By what makes modules of names.
        ("_text/urls.py", f"importlib.import_module('{PREFIX}_host.files')", {"_host"}),
        ("_text/urls.py", f"__import__('{PREFIX}_host.files')", {"_host"}),
        # What is not of these rooms.
        ("_text/urls.py", "import os.path\nfrom ansible.module_utils.basic import AnsibleModule", set()),
    ],
)
def test_the_rule_sees_each_way_to_import(file, line, forbidden):
    assert _forbidden((PLUGINS / "module_utils" / file).resolve(), line) == forbidden


def test_every_room_has_its_floor_and_its_row_in_the_docs():
    rooms = {path.name for path in (PLUGINS / "module_utils").iterdir() if path.is_dir() and path.name != "__pycache__"}
    rows = re.findall(r"^\| `(_\w+)/` \|", (ROOT / "docs/developing.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rooms == set.union(*FLOORS)
    assert sorted(rows) == sorted(rooms)


def test_every_file_lies_in_a_room():
    assert [path.name for path in (PLUGINS / "module_utils").glob("*.py")] == []


def test_what_the_filters_load_starts_no_process():
    # Each of Ansible's workers that uses a filter loads all of that anew: what looks at a host has no place there.
    loaded, found = [], sorted((PLUGINS / "filter").glob("*.py"))
    while found:
        path = found.pop()
        loaded.append(path)
        found += {PLUGINS / "module_utils" / name for name in _files(path)} - {*loaded, *found}
    assert [path for path in loaded if re.search(r"^import subprocess", path.read_text(encoding="utf-8"), re.M)] == []
    assert PLUGINS / "module_utils/_text/naming.py" in loaded


def _files(path: pathlib.Path) -> set[str]:
    """Return the files of rooms that are loaded with this one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and str(node.module).startswith(PREFIX)]
    names = {f"{node.module}.{alias.name}".removeprefix(PREFIX) for node in imports for alias in node.names}
    paths = {"/".join(name.split(".")[:2]) + ".py" for name in names}
    return {name for name in paths if (PLUGINS / "module_utils" / name).is_file()}
