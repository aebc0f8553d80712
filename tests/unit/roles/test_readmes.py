# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the READMEs of the roles say of their variables is what the roles take."""

from __future__ import annotations

import copy
import pathlib
import re
import runpy

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader

ROOT = pathlib.Path(__file__).parents[3]
README = runpy.run_path(str(ROOT / "tools/tables.py"))["readme"]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
TEXTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *(role / "README.md" for role in ROLES)]


@pytest.mark.parametrize("role", ROLES, ids=[path.name for path in ROLES])
def test_the_table_of_variables_is_that_of_the_argument_specs(role):
    readme = role / "README.md"
    text = readme.read_text(encoding="utf-8")
    assert f"| `{role.name}_" in text
    assert text == README(readme), "run ./dev tables"


def _options(*roles: str) -> dict:
    load = DataLoader().load_from_file
    specs = [load(str(ROOT / f"roles/{role}/meta/argument_specs.yml"))["argument_specs"]["main"] for role in roles]
    return {name: option for spec in specs for name, option in spec["options"].items()}


def _given(example: list | dict) -> list[tuple[dict, dict]]:
    """Return what an example gives the roles, each with the options that it may have."""
    if isinstance(example, dict):
        return [_part(example)]
    by_tasks = [_part(task.get("vars", {})) for task in example if "ansible.builtin.import_role" in task]
    taken = [dict(role) for play in example for role in play.get("roles", []) if "hosts" in play]
    return [*by_tasks, *((role, _options(role.pop("role").removeprefix("pyweb.stack."))) for role in taken)]


def _part(variables: dict) -> tuple[dict, dict]:
    """Return a part of what a play gives, and the options of whichever roles it is for, without what is required."""
    options = _options(*(role.name for role in ROLES))
    return variables, {name: {**options[name], "required": False} for name in variables if name in options}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_examples_give_the_roles_is_what_these_take(text):
    for example in re.findall(r"^```yaml\n(.*?)^```", text.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for given, options in _given(DataLoader().load(example)):
            checked = ArgumentSpecValidator(copy.deepcopy(options)).validate({**given})
            assert checked.error_messages == [], example
