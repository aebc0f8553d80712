# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of molecule/faults/cases that end at a type or a check, by the real argument specs, checks and modules.

Rows with `on_host` or `reaches_host` take a server: the scenario has those.
"""

from __future__ import annotations

import functools
import importlib
import json
import pathlib
import re
import sys

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.pyweb.stack.plugins.filter.faults import FilterModule
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

ROOT = pathlib.Path(__file__).parents[3]
FAULTS = ROOT / "molecule/faults"
faults = FilterModule().filters()["faults"]


@functools.cache
def _load(path: pathlib.Path):
    """Return what a file holds, which is read once for all rows: nobody may change it."""
    return DataLoader().load_from_file(str(path), trusted_as_template=True)


ROWS = [row for path in sorted(FAULTS.glob("cases/*.yml")) for row in _load(path)]
HERE = [row for row in ROWS if not row.keys() & {"on_host", "reaches_host"}]
# What the rows of roles and of modules differ from; on a server those are in verify.yml and good.yml.
BASE = {
    "gunicorn_name": "shop",
    "gunicorn_source": {"directory": str(FAULTS / "apps")},
    "gunicorn_wsgi_app": "broken:internal_error",
}
GOOD = {
    "app_source": {"name": "shop", "user": "shop"},
    "database": {"app": "shop"},
    "django_project_info": {},
    "gunicorn_command": {"name": "shop", "command": ["manage.py", "check"]},
    "gunicorn_config": {"python": sys.executable, "wsgi_app": "broken:internal_error", "chdir": str(FAULTS / "apps")},
    "gunicorn_release": {
        **{"name": "shop", "user": "shop", "venv": "/nosuch", "config": "", "wsgi_app": "broken:internal_error"},
        "plan": {},
    },
    "gunicorn_switch": {"name": "shop", "release": "0123456789ab"},
    "nginx_site": {"app": "shop"},
    "python_interpreter": {"python": "3.10"},
    "python_venv": {"name": "shop", "user": "shop", "source": str(FAULTS / "apps"), "gunicorn_version": "27.0.1"},
}


@pytest.fixture(autouse=True)
def _own_python_is_not_hidden(monkeypatch):
    """Let the tests' own Python take the place of an app's, also where a clone lies in what the sandbox hides, as /tmp."""
    hidden = naming._HIDDEN.pattern
    monkeypatch.setattr(naming, "_HIDDEN", re.compile(f"(?!{re.escape(sys.prefix)}/){hidden}"))


def _said_by_role(role: str, given: dict) -> str:
    """Return what a role says of variables before it looks at the host."""
    options = _load(ROOT / f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    # A copy, as it writes into the defaults; by way of a text, as Ansible's own values are slow to copy.
    of_types = ArgumentSpecValidator(json.loads(json.dumps(options))).validate(
        {name: given[name] for name in options if name in given}, validate_role_argument_spec=True
    )
    if of_types.error_messages:
        return "\n".join(of_types.error_messages)
    checked = _load(ROOT / f"roles/{role}/vars/main.yml")[f"__{role}_checked"]
    values = {name: given.get(name, options[name].get("default")) for name in checked}
    found = faults(values, [name for name in given if name.startswith(f"{role}_")])
    # The role django is all of gunicorn, too.
    return _said_by_role("gunicorn", given) if role == "django" and not found else "\n".join(found)


def _said_by_module(name: str, given: dict, capsys) -> str:
    """Return what a module says when it fails."""
    module = importlib.import_module(f"ansible_collections.pyweb.stack.plugins.modules.{name}")
    with patch_module_args({**GOOD[name], **given}), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out).get("msg", "")


@pytest.mark.parametrize(
    "row", HERE, ids=lambda row: f"{row.get('role') or row['module']} {json.dumps(row['given'])[:60]}"
)
def test_it_is_refused(row, capsys):
    row = Templar(DataLoader(), variables=row["given"]).template(row)
    if "module" in row:
        said = _said_by_module(row["module"], row["given"], capsys)
    else:
        base = {} if row["role"] == "nginx_site" else BASE
        said = _said_by_role(row["role"], {**base, **row["given"]})
    missing = [words for words in row["says"] if words not in said]
    assert missing == [], f"said: {said or 'nothing, so it may take a server: add on_host or reaches_host'}"


def test_of_each_role_and_module_a_server_has_a_row_that_proves_it_is_wired():
    on_server = [row for row in ROWS if row not in HERE]
    assert {row["role"] for row in on_server if "role" in row} == {path.name for path in (ROOT / "roles").iterdir()}
    # What does the steps of the roles has the rows of these.
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")} - {"steps"}
    assert {row["module"] for row in on_server if "module" in row} == modules
    assert modules == _load(FAULTS / "good.yml")["good"].keys()
