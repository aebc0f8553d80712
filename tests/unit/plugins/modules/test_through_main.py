# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules through their own main, from options to result, with a real gunicorn; only systemd is played."""

from __future__ import annotations

import json
import os
import pathlib
import pwd
import subprocess
import sys
import types

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import foreign_unit

USER = pwd.getpwuid(os.getuid()).pw_name
APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"


@pytest.fixture
def host(tmp_path, monkeypatch, as_root, write):
    """Return a host whose systemd takes every unit, and runs commands as they are; one app is in `src`."""
    for folder in ("units", "src"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "src", {"shop.py": APP})
    # Whoever runs the tests, and where, is none of the accounts and folders that an app may have.
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(server, "ETC", str(tmp_path / "nginx"))
    monkeypatch.setattr(systemd, "verify", lambda _units: None)
    monkeypatch.setattr(systemd, "ctl", lambda *arguments: Done(arguments, 0, "", ""))
    monkeypatch.setattr(systemd, "commands", lambda _app: [])

    def run(_app, properties, argv, _seconds) -> Done:
        folder = dict(properties)["WorkingDirectory"]
        return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)

    monkeypatch.setattr(systemd, "run", run)
    return tmp_path


@pytest.fixture
def venv(host, write):
    """Return a virtual environment that has what the tests' own has."""
    folder = write(host / "venvs/v1", {"installed.txt": "gunicorn==27.0.1\n", "bin/python": ""})
    (folder / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "bin/python").chmod(0o755)
    return folder


def test_a_configuration_is_written_once_and_foretold(host, play):
    options = {
        "python": sys.executable,
        "wsgi_app": "shop:app",
        "chdir": str(host / "src"),
        "dest": str(host / "conf.py"),
    }
    options["settings"] = {"workers": 2}
    foretold = play("gunicorn_config", True, **options)
    assert (foretold["changed"], (host / "conf.py").exists()) == (True, False)
    done = play("gunicorn_config", **options)
    assert (done["changed"], done["diff"]) == (True, foretold["diff"])
    assert (host / "conf.py").read_text() == done["content"]
    assert "workers = 2\n" in done["content"]
    assert done["graceful_timeout"] == 30
    assert not play("gunicorn_config", **options)["changed"]


def test_a_configuration_for_an_account_is_proved_first(host, play, monkeypatch):
    monkeypatch.setattr(foreign_unit, "prove", lambda content, unit: proved.append((content, unit)))
    monkeypatch.setattr(foreign_unit, "account", lambda user: types.SimpleNamespace(pw_name=user))
    proved = []
    done = play(
        "gunicorn_config",
        **{"python": sys.executable, "wsgi_app": "shop:app", "user": "shop", "env": {"A": "b"}},
        dest=str(host / "conf.py"),
    )
    ((content, unit),) = proved
    assert (content, unit.user, unit.env) == (done["content"], "shop", {"A": "b"})
    assert done["invocation"]["module_args"]["env"] == {"A": "(hidden)"}


@pytest.fixture
def release(host, venv, play):
    """Make a release with these options in place of the usual ones."""

    def release(check: bool = False, **changed) -> dict:
        options = {
            **{"name": "shop", "root": str(host / "srv"), "user": USER, "source": str(host / "src"), "venv": str(venv)},
            **{"wsgi_app": "shop:app", "plan": plans.plan(1, 4000), "version": "v1", "env": {"SECRET_KEY": "hunter2"}},
            "config": f"wsgi_app = 'shop:app'\nchdir = '{host}/src'\nworkers = 2\n",
        }
        return play("gunicorn_release", check, **{**options, **changed})

    return release


def test_a_release_is_made_once_with_its_units(host, release):
    (host / "srv").mkdir()
    assert release(check=True)["id"] is None
    made = release()
    assert made["changed"], made
    folder = pathlib.Path(made["path"])
    assert folder.name == made["id"] == made["alike"]
    assert json.loads((folder / "release.json").read_text())["in_force"]["workers"] == 2
    assert sorted(path.name for path in (host / "units").iterdir()) == [
        f"gunicorn-shop@{made['id']}.service",
        f"gunicorn-shop@{made['id']}.socket",
    ]
    again = release()
    assert (again["changed"], again["id"]) == (False, made["id"])
    assert "hunter2" not in json.dumps([made, again])


def test_units_that_somebody_edited_are_put_right(host, release):
    (host / "srv").mkdir()
    made = release()
    unit = host / f"units/gunicorn-shop@{made['id']}.service"
    text = unit.read_text()
    unit.write_text(text + "Nice=5\n")
    assert release(check=True)["changed"]
    assert release()["changed"]
    assert unit.read_text() == text


def test_a_release_that_gunicorn_can_not_load_is_none(host, release, write):
    (host / "srv").mkdir()
    write(host / "src", {"shop.py": "raise RuntimeError('no such database')\n"})
    refused = release()
    assert "gunicorn_wsgi_app is 'shop:app', and the app fails as it is loaded" in refused["msg"]
    assert "no such database" in refused["msg"]
    assert os.listdir(host / "srv/shop/releases") == []
    assert os.listdir(host / "units") == []
