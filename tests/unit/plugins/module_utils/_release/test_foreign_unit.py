# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of a configuration for a unit of the user's own, with a real gunicorn; systemd's sandbox is left out."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.proof import ProofError
from ansible_collections.pyweb.stack.plugins.module_utils._host import shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._release import foreign_unit
from ansible_collections.pyweb.stack.plugins.module_utils._release.foreign_unit import OwnUnitError, Unit

ME = pwd.getpwuid(os.getuid())
APP = "import os\nassert os.environ['KEY'] == 'hunter2'\ndef app(environ, start_response):\n    return []\n"
CONF = "wsgi_app = 'shop:app'\nworkers = 2\n"


@pytest.fixture
def prove(tmp_path, write, monkeypatch):
    """Prove a configuration for the app in a folder; `prove.asked` is what systemd was asked for."""
    write(tmp_path / "app", {"shop.py": APP})
    monkeypatch.setattr(foreign_unit, "account", lambda _user: ME)

    def run(app, properties, argv, seconds) -> Done:
        given = {}
        for name, value in properties:
            given.setdefault(name, []).append(value)
        prove.asked = (app, given, seconds)
        (env,) = given["EnvironmentFile"]
        prove.modes = {
            path: stat.S_IMODE(os.stat(path).st_mode)
            for path in (env, argv[argv.index("-c") + 1] if "-c" in argv else argv[-1])
            if os.path.isfile(path)
        }
        with open(env, encoding="utf-8") as file:
            words = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        environment = {**os.environ, **{name: value.strip("'\"") for name, value in words.items()}}
        return subprocess.run(
            argv, cwd=given["WorkingDirectory"][0], env=environment, capture_output=True, text=True, check=False
        )

    monkeypatch.setattr(systemd, "run", run)

    def prove(content=CONF, **changed):
        unit = Unit(
            **{
                **{"user": ME.pw_name, "dest": "/etc/shop/conf.py", "python": sys.executable, "wsgi_app": "shop:app"},
                **{"chdir": str(tmp_path / "app"), "env": {"KEY": "hunter2"}, **changed},
            }
        )
        foreign_unit.prove(content, unit)

    return prove


def test_the_app_is_loaded_as_its_unit_would_load_it(prove):
    prove(writable_paths=["/var/lib/mine"], unit={"PrivateTmp": False})
    app, given, seconds = prove.asked
    assert (app, given["User"]) == (ME.pw_name, [ME.pw_name])
    assert seconds > 0
    assert "/var/lib/mine" in " ".join(given["ReadWritePaths"])
    assert given["PrivateTmp"][-1] == "no"
    assert f'"HOME={ME.pw_dir}"' in given["Environment"]
    # A state folder is the unit's own matter.
    assert not {"StateDirectory", "StateDirectoryMode"} & set(given)
    # Nobody but root reads its environment.
    assert sorted(prove.modes.values())[0] == 0o600


def test_what_the_app_lacks_is_a_fault_of_the_configuration(prove):
    with pytest.raises(ProofError, match=r"(?s)/etc/shop/conf.py is as it was"):
        prove(env={"KEY": "another"})


def test_what_gunicorn_refuses_is_told(prove):
    with pytest.raises(ProofError, match="workers"):
        prove(content="wsgi_app = 'shop:app'\nworkers = 'many'\n")


def test_nothing_of_it_stays(prove):
    prove()
    (env,) = prove.asked[1]["EnvironmentFile"]
    assert not os.path.exists(os.path.dirname(env))


def test_what_waits_for_ever_is_named(prove, monkeypatch):
    def hang(*_arguments):
        raise shell.Overdue("it did not end")

    monkeypatch.setattr(systemd, "run", hang)
    with pytest.raises(OwnUnitError, match=r"wsgi_app is 'shop:app', which was not loaded within \d+ s"):
        prove()


def test_what_systemd_can_not_start_is_no_fault_of_the_app(prove, monkeypatch):
    monkeypatch.setattr(systemd, "run", lambda *_arguments: Done([], 226, "", "Failed to set up mount namespacing\n"))
    with pytest.raises(
        OwnUnitError, match=r"exit status 226\); gunicorn_unit and .*: Failed to set up mount namespacing"
    ):
        prove()


@pytest.mark.parametrize(
    ("root", "booted", "user", "said"),
    [
        (False, True, ME.pw_name, "takes root and a host that runs systemd"),
        (True, False, ME.pw_name, "takes root and a host that runs systemd"),
        (True, True, "no_such_account", "gunicorn_user is 'no_such_account', but the target has no such account"),
    ],
)
def test_accounts_that_can_not_be_proved_as(monkeypatch, root, booted, user, said):
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(os.path, "isdir", lambda _path: booted)
    with pytest.raises(OwnUnitError, match=said):
        foreign_unit.account(user)


def test_an_account_that_is_there(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os.path, "isdir", lambda _path: True)
    assert foreign_unit.account(ME.pw_name) == ME
