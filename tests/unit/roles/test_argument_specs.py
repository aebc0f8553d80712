# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of its variables, what it sets and what it checks are the same."""

from __future__ import annotations

import functools
import pathlib

import pytest
import yaml
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules

ROLES = pathlib.Path(__file__).parents[3] / "roles"
NAMES = sorted(path.parents[1].name for path in ROLES.glob("*/meta/argument_specs.yml"))


@functools.cache
def _load(role: str, file: str) -> dict:
    path = ROLES / role / file
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def _entry_points(role: str) -> dict[str, dict]:
    return {
        name: spec.get("options", {}) for name, spec in _load(role, "meta/argument_specs.yml")["argument_specs"].items()
    }


def _options(role: str) -> dict[str, dict]:
    return {name: option for options in _entry_points(role).values() for name, option in options.items()}


def _checked(role: str) -> set[str]:
    return set(_load(role, "vars/main.yml").get(f"__{role}_checked", {}))


def _with_suboptions(options: dict, prefix: str = ""):
    for name, option in options.items():
        yield f"{prefix}{name}", option
        yield from _with_suboptions(option.get("options", {}), f"{prefix}{name}.")


def test_every_role_says_what_its_variables_are():
    assert sorted(path.name for path in ROLES.iterdir() if path.is_dir()) == NAMES != []


@pytest.mark.parametrize("role", NAMES)
def test_defaults_are_those_that_are_documented(role):
    documented = {name: option["default"] for name, option in _options(role).items() if "default" in option}
    assert documented == _load(role, "defaults/main.yml")


@pytest.mark.parametrize("role", NAMES)
def test_an_option_is_the_same_at_every_entry_point(role):
    options = _options(role)
    different = [
        f"{entry_point}: {name}"
        for entry_point, its in _entry_points(role).items()
        for name, option in its.items()
        if option != options[name]
    ]
    assert different == []


def test_django_takes_every_variable_of_gunicorn():
    """Ansible refuses a parameter of a role that its argument specs don't name."""
    own, given = _options("gunicorn"), _options("django")
    assert {name: option["type"] for name, option in own.items()} == {
        name: option["type"] for name, option in given.items() if name.startswith("gunicorn_")
    }


@pytest.mark.parametrize("role", NAMES)
def test_every_option_has_the_roles_name_a_type_and_a_description(role):
    others = set(_options("gunicorn")) if role == "django" else set()
    assert [name for name in _options(role) if not name.startswith(f"{role}_") and name not in others] == []
    lacking = [
        name
        for name, option in _with_suboptions(_options(role))
        if not option.get("type")
        or not option.get("description")
        or (option["type"] == "list" and not option.get("elements"))
    ]
    assert lacking == []


@pytest.mark.parametrize("role", NAMES)
def test_a_required_option_has_no_default(role):
    assert [name for name, option in _options(role).items() if option.get("required") and "default" in option] == []


@pytest.mark.parametrize("role", NAMES)
def test_every_entry_point_has_its_tasks_and_a_line_for_people(role):
    for name, spec in _load(role, "meta/argument_specs.yml")["argument_specs"].items():
        assert (ROLES / role / f"tasks/{name}.yml").is_file()
        assert spec["short_description"]


@pytest.mark.parametrize("role", NAMES)
def test_what_a_role_checks_are_its_options_and_known_to_the_check(role):
    assert _checked(role) - set(_options(role)) == set()
    # The check passes over names that it doesn't know.
    assert _checked(role) - set(variable_rules._CHECKS) == set()


def test_every_check_is_of_an_option_that_some_role_checks():
    assert set(variable_rules._CHECKS) == {name for role in NAMES for name in _checked(role)}


def test_the_names_to_which_others_are_compared_are_all_options():
    assert {name for role in NAMES for name in _options(role)} == variable_rules.KNOWN
    assert set(variable_rules._MEANT.values()) <= variable_rules.KNOWN
