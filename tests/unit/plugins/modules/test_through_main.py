# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules through their own main, from options to result, with a real gunicorn; only systemd is played."""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import types

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans, proof
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import foreign_unit, host_secrets, releases, stores
from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import Additions

USER = pwd.getpwuid(os.getuid()).pw_name
APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"


@pytest.fixture
def host(tmp_path, monkeypatch, as_root, write):
    """Return a host whose systemd takes every unit, and runs commands as they are; one app is in `src`."""
    for folder in ("units", "src", "lib"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(host_secrets, "FOLDER", str(tmp_path / "lib"))
    write(tmp_path / "src", {"shop.py": APP})
    # Whoever runs the tests, and where, is none of the accounts and folders that an app may have.
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(command_line, "UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(server, "ETC", str(tmp_path / "nginx"))
    monkeypatch.setattr(systemd, "verify", lambda _units: None)
    monkeypatch.setattr(systemd, "ctl", lambda *arguments: Done(arguments, 0, "", ""))
    monkeypatch.setattr(systemd, "commands", lambda _app: [])

    def run(_app, properties, argv, seconds, _kind="run") -> Done:
        folder = dict(properties)["WorkingDirectory"]
        argv = [word.replace("$$", "$") for word in argv]
        try:
            return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise shell.Overdue("it") from error

    monkeypatch.setattr(systemd, "run", run)
    return tmp_path


@pytest.fixture
def venv(host, write):
    """Return a virtual environment that has what the tests' own has."""
    folder = write(host / "venvs/v1", {"installed.txt": "gunicorn==27.0.1\n", "bin/python": ""})
    (folder / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "bin/python").chmod(0o755)
    return folder


def test_the_umask_of_root_closes_nothing_to_others(host, play):
    before = os.umask(0o077)
    try:
        play(
            "gunicorn_config",
            python=sys.executable,
            wsgi_app="shop:app",
            dest=str(host / "new/conf.py"),
            chdir=str(host / "src"),
        )
        assert os.umask(before) == 0o022
    finally:
        os.umask(before)


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


def test_a_secret_is_made_once_and_stays_on_the_host(host, release):
    (host / "srv").mkdir()
    release(env={})
    given = {"env": {"TOKEN": "given"}, "secrets": ["SECRET_KEY", "TOKEN"]}
    foretold = release(check=True, **given)
    assert (foretold["changed"], foretold["id"], os.listdir(host / "lib")) == (True, None, [])
    made = release(**given)
    kept = host / "lib/gunicorn-shop.secrets"
    assert (made["changed"], kept.stat().st_mode & 0o777) == (True, 0o600)
    assert {"before": "", "after": "SECRET_KEY=(hidden)\n"}.items() <= made["diff"][-1].items()
    assert made["messages"] == [f"SECRET_KEY: the host's own, made up once and kept in {kept} alone"]
    env = (host / f"srv/shop/releases/{made['id']}/env").read_text()
    (secret,) = re.findall(r'^SECRET_KEY="([\w-]{64})"$', env, re.MULTILINE)
    assert 'TOKEN="given"' in env
    again = release(**given)
    assert (again["changed"], again["id"], again["messages"]) == (False, made["id"], [])
    assert release(check=True, **given)["id"] == made["id"]
    assert secret not in json.dumps([foretold, made, again])
    # Another one beside it, and the first for a release that doesn't have it at first.
    more = release(**{**given, "secrets": ["OTHER"]})
    assert more["id"] != made["id"]
    assert f'SECRET_KEY="{secret}"\n' in kept.read_text()
    assert release(**given)["id"] == made["id"]


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


def test_a_configuration_is_checked_alone_where_it_is_to_lie_nowhere(host, play):
    checked = play("gunicorn_config", python=sys.executable, wsgi_app="shop:app", settings={"workers": 2})
    assert (checked["changed"], "workers = 2\n" in checked["content"]) == (False, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"chdir": "/nosuch"}, "gunicorn_chdir: there is no folder /nosuch"),
        ({"dest": "/nosuch/conf.py"}, "dest is '/nosuch/conf.py', but the target has no such folder: make it first"),
        ({"python": None}, "python is empty, but must be the interpreter of the virtual environment"),
        ({"settings": {"wrokers": 2}}, "wrokers"),
        (
            {"conf_file": "conf.py"},
            "gunicorn_conf_file is 'conf.py', a file in the source, but there is no gunicorn_source",
        ),
        ({"conf_file": "nosuch.py", "chdir": "{src}"}, "gunicorn_conf_file "),
        ({"user": "no_such_account_here", "dest": "{src}/conf.py"}, "gunicorn_user is"),
    ],
)
def test_a_configuration_that_can_not_be_is_refused(host, play, monkeypatch, given, said):
    monkeypatch.setattr(
        os.path, "isdir", lambda path, isdir=os.path.isdir: path == "/run/systemd/system" or isdir(path)
    )
    given = {name: value.format(src=host / "src") if isinstance(value, str) else value for name, value in given.items()}
    options = {"python": sys.executable, "wsgi_app": "shop:app", **given}
    refused = play("gunicorn_config", **{name: value for name, value in options.items() if value is not None})
    assert said in refused["msg"]
    assert not (host / "src/conf.py").exists()


def test_what_check_mode_can_not_know_of_a_configuration_is_left_open(host, play):
    options = {"wsgi_app": "shop:app", "dest": str(host / "conf.py")}
    assert (play("gunicorn_config", True, **options, python="/nosuch")["content"],) == (None,)
    assert play("gunicorn_config", True, **options)["changed"]
    assert not play("gunicorn_config", True, wsgi_app="shop:app", conf_file="conf.py")["changed"]


def test_a_file_of_the_source_counts_where_it_is_named(host, play, write):
    write(host / "src", {"gunicorn.conf.py": "workers = 7\n"})
    options = {"python": sys.executable, "wsgi_app": "shop:app", "chdir": str(host / "src")}
    without = play("gunicorn_config", **options)
    assert "workers = 7" not in without["content"]
    assert "gunicorn.conf.py where the app runs, which counts only if gunicorn_conf_file names it" in without["warned"]
    named = play("gunicorn_config", **options, conf_file="gunicorn.conf.py")
    assert ("workers = 7" in named["content"], named["warned"]) == (True, "")
    of_the_controller = play("gunicorn_config", **options, conf_file="/home/ann/conf.py", conf_text="workers = 8\n")
    assert "workers = 8" in of_the_controller["content"]


def test_what_a_procfile_gives_gunicorn_is_told_unless_it_is_given(host, play, write):
    write(host / "src", {"Procfile": "web: gunicorn --timeout 120 --threads 4 shop:app\n"})
    options = {"python": sys.executable, "wsgi_app": "shop:app", "chdir": str(host / "src")}
    assert "Procfile starts gunicorn" in play("gunicorn_config", **options)["warned"]
    assert (
        "add gunicorn_settings: {timeout: 120}" in play("gunicorn_config", **options, settings={"threads": 2})["warned"]
    )
    assert not play("gunicorn_config", **options, settings={"threads": 2, "timeout": 60})["warned"]


def test_what_a_procfile_starts_besides_is_told_until_a_variable_has_it(host, release, write):
    (host / "srv").mkdir()
    write(host / "src", {"Procfile": "release: flask db upgrade\nweb: gunicorn shop:app\nworker: python -m work\n"})
    told = release()["messages"]
    assert [line.partition(": add ")[2] for line in told] == [
        "gunicorn_processes: {worker: {command: [python, -m, work]}}",
        "gunicorn_before_switch: [{command: [flask, db, upgrade], once: true}]",
    ]
    assert release()["messages"] == []
    worker = {"worker": {"command": ["python", "-m", "work"]}}
    assert release(processes=worker, before_switch=[{"command": ["python", "-c", ""], "once": True}])["messages"] == []


def test_a_link_in_the_place_of_a_configuration_is_replaced_and_not_shown(host, play):
    (host / "secret").write_text("hunter2\n")
    (host / "conf.py").symlink_to(host / "secret")
    done = play("gunicorn_config", python=sys.executable, wsgi_app="shop:app", dest=str(host / "conf.py"))
    assert done["changed"]
    assert "hunter2" not in json.dumps(done)
    assert (host / "secret").read_text() == "hunter2\n"
    assert not (host / "conf.py").is_symlink()


def test_what_the_proof_for_an_account_says_is_told_and_the_file_stays(host, play, monkeypatch):
    def refuse(_content, _unit):
        raise proof.ProofError("wsgi_app is 'shop:app', which can't be imported")

    monkeypatch.setattr(foreign_unit, "account", lambda user: types.SimpleNamespace(pw_name=user))
    monkeypatch.setattr(foreign_unit, "prove", refuse)
    (host / "conf.py").write_text("# as it was\n")
    options = {"python": sys.executable, "wsgi_app": "shop:app", "user": "shop", "dest": str(host / "conf.py")}
    assert play("gunicorn_config", **options)["msg"] == "wsgi_app is 'shop:app', which can't be imported"
    assert (host / "conf.py").read_text() == "# as it was\n"
    # Check mode proves nothing, and goes on without the account that may have yet to be made.
    assert play("gunicorn_config", True, **options)["changed"]

    def no_account(user):
        raise foreign_unit.OwnUnitError(f"gunicorn_user is {user!r}, but the target has no such account")

    monkeypatch.setattr(foreign_unit, "account", no_account)
    assert play("gunicorn_config", True, **options)["changed"]
    assert "has no such account" in play("gunicorn_config", **options)["msg"]


def test_folders_that_the_app_may_write_are_made_with_its_release(host, release):
    (host / "srv").mkdir()
    data = host / "data/shop"
    foretold = release(check=True, writable_paths=[str(data)])
    assert f"a folder of {USER}, 0750" in json.dumps(foretold["diff"])
    assert not data.exists()
    made = release(writable_paths=[str(data)])
    assert made["changed"], made
    assert data.is_dir()
    assert not release(writable_paths=[str(data)])["changed"]
    data.rmdir()
    assert release(writable_paths=[str(data)])["changed"]
    assert data.is_dir()


def test_what_lies_in_the_place_of_the_apps_folder_is_no_release(host, release, write):
    write(host / "srv/shop", {"index.html": "x"})
    assert "was not made by this role: move it away" in release()["msg"]
    assert os.listdir(host / "units") == []


def test_a_release_that_serves_is_known_to(host, release):
    (host / "srv").mkdir()
    made = release()
    assert made["serves"] is False
    stores.Store(str(host / "srv"), "shop").switch(made["id"])
    assert release()["serves"] is True


@pytest.fixture
def command(host, release, play):
    """Run a command of a release that serves."""
    (host / "srv").mkdir()
    made = release()
    (host / "srv/shop/current").symlink_to(f"releases/{made['id']}")

    def command(*words: str, check: bool = False, **changed) -> dict:
        options = {"name": "shop", "root": str(host / "srv"), "command": list(words), **changed}
        return play("gunicorn_command", check, **options)

    return command


def test_a_command_runs_in_the_release_and_says_no_secret(host, command, write):
    write(
        host / "src", {"tell.py": "import os, sys\nprint(sys.argv, os.getcwd())\nprint('hunter2', file=sys.stderr)\n"}
    )
    foretold = command("tell.py", "a$HOME", check=True)
    assert (foretold["changed"], "rc" in foretold) == (True, False)
    done = command("tell.py", "a$HOME")
    assert done["stdout"] == f"['tell.py', 'a$HOME'] {host}/src\n"
    assert (done["changed"], done["rc"], done["release"]) == (True, 0, foretold["release"])
    # Short as it is: its variable is called a secret.
    assert done["stderr"] == "$SECRET_KEY\n"


def test_what_a_command_says_of_the_environment_are_names(host, venv, release, play, write):
    (host / "srv").mkdir()
    made = release(env={"SECRET_KEY": "correct horse battery"})
    write(host / "src", {"tell.py": "import sys\nsys.exit('it is correct horse battery')\n"})
    options = {"name": "shop", "root": str(host / "srv"), "command": ["tell.py"], "release": made["id"]}
    failed = play("gunicorn_command", **options)
    assert (failed["failed"], failed["rc"], failed["stderr"]) == (True, 1, "it is $SECRET_KEY\n")
    assert "horse" not in json.dumps(failed)
    assert f"tell.py ended with exit status 1 in release {made['id']}:\nit is $SECRET_KEY" in failed["msg"]


def test_a_command_does_not_run_where_what_it_makes_is_there(host, command):
    made = host / "made"
    done = command("sh", "-c", f"touch {made}", creates=str(made))
    assert (done["changed"], made.exists()) == (True, True)
    for check in (True, False):
        assert not command("false", creates=str(made), check=check)["changed"]


def test_a_command_that_can_not_run_says_why(host, command):
    for check in (True, False):
        assert "has no nosuch: looked in" in command("nosuch", check=check)["msg"]
        assert "there is no such release" in command("true", release="0123456789ab", check=check)["msg"]
        assert "no shell splits: write [manage.py, x]" in command(command="manage.py x", check=check)["msg"]
        assert "has 5 in a command, but its words are text" in command(command=["sleep", 5], check=check)["msg"]
        assert "such as [manage.py, clearsessions]" in command(command=[], check=check)["msg"]
        assert "must be an absolute path" in command("true", creates="made", check=check)["msg"]
    assert "ended with exit status 143" in command("sh", "-c", "kill $$")["msg"]
    assert "sleep 9 did not end within 1 s" in command("sleep", "9", timeout=1)["msg"]
    (host / "srv/shop/current").unlink()
    assert "no release of the app shop is active" in command("true")["msg"]
    assert command("true", check=True)["changed"]


def _python(script: str) -> list[str]:
    return ["python", "-c", script]


MAKING = {"command": _python("import os; open('made.txt', 'w').write(os.getcwd()); os.remove('old.txt')")}


def test_what_steps_make_is_in_a_source_of_the_releases_own(host, release, write):
    (host / "srv").mkdir()
    write(host / "src", {"old.txt": "old", "shared/kept.txt": ""})
    plain, made = release(), release(before_switch=[MAKING])
    assert made["id"] != plain["id"], made
    source = pathlib.Path(made["path"], "src").resolve()
    assert source.parent == host / "srv/shop/sources"
    assert (source / "made.txt").exists()
    assert not (source / "old.txt").exists()
    assert (source / "made.txt").stat().st_mode & 0o777 == 0o644
    # What it was made of is as it was.
    assert (host / "src/old.txt").exists()
    # The app is loaded from there, as the settings say.
    assert f"chdir = '{source}'\n" in pathlib.Path(made["path"], "gunicorn.conf.py").read_text()
    assert f"WorkingDirectory={source}\n" in (host / f"units/gunicorn-shop@{made['id']}.service").read_text()
    again = release(before_switch=[MAKING])
    assert (again["changed"], again["id"]) == (False, made["id"])


def test_what_check_mode_says_of_steps_is_what_a_run_makes_of_them(host, release, write):
    (host / "srv").mkdir()
    write(host / "src", {"old.txt": "old"})
    release()
    assert release(check=True, before_switch=[MAKING])["id"] == release(before_switch=[MAKING])["id"]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (_python("raise SystemExit('no such tongue')"), "failed with exit status 1:\nno such tongue"),
        (["msgfnt"], "gunicorn_before_switch has 'msgfnt', but the app's environment has no such program"),
        (["/nosuch"], "gunicorn_before_switch has '/nosuch', but the host has no such file"),
        (_python("import os; os.mkfifo('pipe')"), "left what no source may have: pipe is a device, a pipe or a socket"),
        (_python("raise SystemExit('I hold hunter2, it is')"), "exit status 1:\nI hold $SECRET_KEY\n"),
    ],
)
def test_a_step_that_fails_makes_no_release(host, release, step, said):
    (host / "srv").mkdir()
    secret = "hunter2, it is"
    refused = release(before_switch=[{"command": step}], env={"SECRET_KEY": secret})
    assert said in refused["msg"]
    assert secret not in refused["msg"]
    for kind in ("releases", "sources"):
        assert os.listdir(host / "srv/shop" / kind) == []


def test_steps_that_make_something_need_a_source(host, release):
    (host / "srv").mkdir()
    assert "but there is no gunicorn_source: add once: true" in release(source=None, before_switch=[MAKING])["msg"]


def test_an_app_that_asks_for_tables_as_it_is_loaded_is_loaded_after_the_steps_that_make_them(host, release, write):
    (host / "srv").mkdir()
    write(host / "src", {"shop.py": f"{APP}import sqlite3\nsqlite3.connect(':memory:').execute('select * from a')\n"})
    step = {"command": ["flask", "db", "upgrade"], "once": True}
    assert "no such table: a" in release()["msg"]
    made = release(before_switch=[step])
    assert made["messages"] == [
        "Loading the app asks for tables that its steps make, so it is proved after them, when it starts."
    ]
    write(host / "src", {"shop.py": "raise RuntimeError('no such luck')\n"})
    assert "no such luck" in release(before_switch=[step], env={"A": "b"})["msg"]


@pytest.fixture
def once(host, release, play):
    """Make a release with these commands to be done once, and do them; return what that returned."""

    def once(*commands: list[str], check: bool = False, **options) -> dict:
        steps = [{"command": command, "once": True} for command in commands]
        made = release(before_switch=steps)
        given = {"name": "shop", "root": str(host / "srv"), "release": made["id"], "before_switch": steps, **options}
        return play("gunicorn_before_switch", check, **given)

    (host / "srv").mkdir()
    return once


def test_what_a_release_does_once_is_done_once(host, once):
    log = host / "log"
    steps = [_python(f"open({str(log)!r}, 'a').write({word!r})") for word in ("a", "$b")]
    foretold = once(*steps, check=True)
    assert (foretold["changed"], foretold["commands"], log.exists()) == (True, steps, False)
    done = once(*steps)
    assert (done["changed"], done["diff"]) == (True, foretold["diff"]), done
    assert log.read_text() == "a$b"
    assert (once(*steps)["changed"], log.read_text()) == (False, "a$b")
    assert once(*steps, check=True)["commands"] == []
    # Another release does it again.
    assert once(*steps, steps[0])["commands"] == [*steps, steps[0]]


def test_a_run_goes_on_with_the_step_that_failed(host, once):
    log = host / "log"
    steps = [
        _python(f"open({str(log)!r}, 'a').write('a')"),
        _python(f"import sys; sys.exit('no database' if open({str(log)!r}).read() == 'a' else 0)"),
    ]
    failed = once(*steps)
    assert "gunicorn_before_switch: [python, -c, " in failed["msg"]
    assert "failed with exit status 1, and what it did till then stays done:\nno database" in failed["msg"]
    assert "no release was active before, so none is now" in failed["msg"]
    log.write_text("b")
    assert once(*steps)["commands"] == steps[1:]
    assert log.read_text() == "b"


def test_a_step_that_a_signal_ends_has_failed(once):
    # For systemd this end is a success.
    assert "failed with exit status 143" in once(["/bin/sh", "-c", "kill $$"])["msg"]


def test_nothing_is_done_for_a_release_that_another_overtook(host, once):
    made = once(["true"], check=True)
    assert made["changed"]
    (host / "srv/shop/current").symlink_to(next((host / "srv/shop/releases").iterdir()))
    late = once(_python("raise SystemExit('done all the same')"), replaces="")
    assert "nothing of gunicorn_before_switch was done: release" in late["msg"]


def test_what_is_once_done_in_a_release_that_is_not_there_is_not_known(host, play, tmp_path):
    given = {"name": "shop", "root": str(tmp_path), "before_switch": [{"command": ["a"], "once": True}]}
    assert play("gunicorn_before_switch", True, **given)["commands"] == [["a"]]


@pytest.fixture
def source(host, tmp_path, write, play):
    """Build a source by these commands, and return what that returned."""

    def source(*commands: list[str], check: bool = False, **options) -> dict:
        given = {"name": "shop", "root": str(tmp_path / "srv"), "user": USER, "build": list(commands)}
        place = (
            write(tmp_path / "srv/shop/sources/s1", {"app.js": "hi\n"}) if (tmp_path / "srv/shop/key").exists() else ""
        )
        return play("app_build", check, **{**given, "source": str(place), **options})

    (tmp_path / "srv").mkdir()
    with stores.Store(str(tmp_path / "srv"), "shop").locked("a test"):
        pass
    return source


def test_a_source_is_built_once(source):
    command = ["sh", "-c", "cp app.js built.js"]
    foretold = source(command, check=True)
    assert (foretold["changed"], foretold["path"]) == (True, ""), foretold
    assert "[sh, -c, 'cp app.js built.js']\n" in foretold["diff"][0]["after"]
    assert "(not known yet)" in foretold["diff"][0]["after"]
    done = source(command)
    assert (done["changed"], done["diff"]) == (True, foretold["diff"]), done
    assert pathlib.Path(done["path"], "built.js").read_text() == "hi\n"
    for check in (False, True):
        again = source(command, check=check)
        assert (again["changed"], again["path"], again["diff"]) == (False, done["path"], [])
    assert source(command, ["true"])["path"] != done["path"]


def test_a_source_that_can_not_be_built_is_none(source, tmp_path):
    lacking = ["nosuch-program"]
    assert "the host has no program nosuch-program" in source(lacking)["msg"]
    # What installs it may come before, in a run.
    assert source(lacking, check=True)["path"] == source(["true"], check=True, source="")["path"] == ""
    assert "gunicorn_build: [false] failed with exit status 1" in source(["false"])["msg"]
    assert os.listdir(tmp_path / "srv/shop/sources") == ["s1"]


MODULES = sorted(path.stem for path in (pathlib.Path(__file__).parents[4] / "plugins/modules").glob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_nothing_happens_where_a_module_is_only_imported(name, capsys):
    module = importlib.import_module(f"ansible_collections.pyweb.stack.plugins.modules.{name}")
    assert callable(module.main)
    assert capsys.readouterr().out == ""


def test_a_release_may_take_several_times_what_its_proof_may(host, release):
    (host / "srv").mkdir()
    made = release(health_timeout=100.0)
    unit = (host / f"units/gunicorn-shop@{made['id']}.service").read_text()
    assert f"TimeoutStartSec={100 * releases._LOADS:g}\n" in unit


@pytest.fixture
def shared(host, monkeypatch, release):
    """Have a source with a shared folder, and a state folder that is not the host's; return what it was made with."""
    state, seeded = host / "state", []
    state.mkdir()
    shared_paths, run = releases.SharedPaths, systemd.run
    monkeypatch.setattr(releases, "SharedPaths", lambda _state, *more: shared_paths(str(state), *more))

    def seed(app, properties, argv, seconds):
        if argv[0] == "/usr/bin/python3":
            seeded.append([name for name, _value in properties])
        return run(app, properties, argv, seconds)

    monkeypatch.setattr(systemd, "run", seed)
    (host / "srv").mkdir()
    (host / "src/media").mkdir()
    (host / "src/media/logo.svg").write_text("x")
    Additions({}, ["media"], str(state)).add(str(host / "src"))
    return state, seeded


def test_what_is_shared_comes_along_with_the_release_that_first_has_it(host, release, shared):
    state, seeded = shared
    foretold = release(check=True, shared_paths=["media"])
    assert f"{state}/media" in json.dumps(foretold["diff"])
    made = release(shared_paths=["media"])
    assert made["changed"], made
    assert (state / "media/logo.svg").read_text() == "x"
    # What is mounted there later would hide what comes along.
    assert "BindPaths" not in seeded[0]
    assert not release(shared_paths=["media"])["changed"]
    shutil.rmtree(state / "media")
    assert release(shared_paths=["media"])["changed"]
    assert (state / "media/logo.svg").exists()


def test_what_is_shared_takes_a_source(host, release):
    (host / "srv").mkdir()
    refused = release(source=None, shared_paths=["media"])["msg"]
    assert "gunicorn_shared_paths has places in the source, but there is no gunicorn_source: set that" in refused


def test_what_can_not_be_shared_is_told(host, release, shared, monkeypatch):
    shutil.rmtree(shared[0])
    monkeypatch.setattr(systemd, "run", lambda *_arguments: Done([], 1, "", "no room\n"))
    refused = release(shared_paths=["media"])["msg"]
    assert f"gunicorn_shared_paths: what is shared can't be put into {shared[0]}: no room" in refused


def test_what_systemd_can_not_start_is_a_fault_of_the_sandbox(host, release, monkeypatch):
    (host / "srv").mkdir()
    monkeypatch.setattr(systemd, "run", lambda *_arguments: Done([], 226, "", "Failed to set up mount namespacing\n"))
    refused = release()["msg"]
    assert "what gunicorn_unit and gunicorn_writable_paths add to the service (exit status 226): Failed to" in refused


def test_an_app_that_does_not_load_in_time_is_told_of(host, release, monkeypatch):
    def hang(*_arguments):
        raise shell.Overdue("it did not end")

    (host / "srv").mkdir()
    monkeypatch.setattr(systemd, "run", hang)
    refused = release(health_timeout=10.0)["msg"]
    assert f"which was not loaded within {10 * releases._LOADS:g} s" in refused
    assert "or serve requests itself, by app.run() outside of" in refused
    assert "gunicorn_health.timeout" in refused


def test_folders_that_the_account_can_not_write_are_named(host, release, monkeypatch):
    (host / "srv").mkdir()
    data = host / "data"
    run = systemd.run

    def deny(app, properties, argv, seconds):
        return Done(argv, 0, f"{data}\n", "") if str(data) in argv else run(app, properties, argv, seconds)

    monkeypatch.setattr(systemd, "run", deny)
    refused = release(writable_paths=[str(data)])["msg"]
    assert f"gunicorn_writable_paths has '{data}', where the account '{USER}' can't write" in refused


def test_an_environment_of_an_earlier_version_learns_to_start_early(host, venv, release, monkeypatch):
    """As one that was built before Django's static files were found by it."""
    (host / "srv").mkdir()
    missing, installed = [True], []
    monkeypatch.setattr(releases.startup, "missing", lambda _venv: missing[0])
    monkeypatch.setattr(releases.startup, "install", installed.append)
    monkeypatch.setattr(releases.Release, "make", lambda one: os.makedirs(one.path))
    monkeypatch.setattr(releases.Release, "plan", lambda _one: {})
    django = {"collectstatic": True, "allow_debug": False, "databases": ["default"]}
    assert release(check=True, django=django)["changed"]
    assert installed == []
    release(django=django)
    assert installed == [str(venv)]
