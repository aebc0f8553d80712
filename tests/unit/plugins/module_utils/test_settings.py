# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gunicorn's settings, asked of a real gunicorn: that of the Python that runs the tests."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys

import gunicorn
import gunicorn.config
import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._settings import OWNED, Settings, SettingsError

HOOK = """
def post_fork(server, worker):
    worker.greeting = "hello"
"""


REFUSED = {
    "wokers": (3, f"wokers is no setting of gunicorn {gunicorn.__version__}: did you mean workers?"),
    "Timeout": (3, "did you mean timeout?"),
    "hovercraft": ("eels", "see gunicorn's documentation"),
    "timeout": ("soon", "timeout is 'soon', which gunicorn refuses: "),
    "workers": (-1, "workers is -1, which gunicorn refuses: "),
    "worker_class": ("nosuch.Worker", "worker_class is 'nosuch.Worker', which gunicorn refuses: "),
    "logger_class": (7, "logger_class is 7, which gunicorn refuses: "),
    "post_fork": ("print()", "post_fork is a Python function, which a variable can't hold"),
    "bind": ("0.0.0.0:80", "bind is not yours to set: the app listens on its own unix socket"),
}


@pytest.fixture(scope="module")
def refusal():
    """Return the lines with which settings are refused that are wrong in all ways at once."""
    given = {name: value for name, (value, _said) in REFUSED.items()}
    with pytest.raises(SettingsError) as caught:
        Settings(sys.executable, {"chdir": "/nosuch"}, {**given, "threads": 2})
    return str(caught.value).splitlines()


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_names_the_setting_and_the_remedy(refusal, name):
    (line,) = [line for line in refusal if line.startswith(f"{name} is ")]
    assert REFUSED[name][1] in line


def test_each_fault_takes_one_line(refusal):
    assert [line.split()[0] for line in refusal] == [*sorted(REFUSED), "chdir:"]


def test_what_the_design_owns_is_refused_with_what_to_use_instead():
    with pytest.raises(SettingsError) as caught:
        Settings(sys.executable, {}, dict.fromkeys(OWNED, "x"))
    assert str(caught.value).splitlines() == [f"{name} is not yours to set: {OWNED[name]}" for name in sorted(OWNED)]


def test_what_the_design_owns_is_called_as_gunicorn_calls_it():
    # gunicorn has no `command`, but guides to it do.
    assert set(OWNED) - {"command"} <= {setting.name for setting in gunicorn.config.KNOWN_SETTINGS}


def test_a_python_without_gunicorn(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    with pytest.raises(SettingsError, match=f"{tmp_path}/bin/python can't import gunicorn: ModuleNotFoundError"):
        Settings(f"{tmp_path}/bin/python", {}, {})


def test_the_file_has_what_was_given_and_runs_the_tail(tmp_path, write):
    owned = {"wsgi_app": "shop.wsgi:create_app('x', \"y\")", "chdir": str(tmp_path)}
    given = {
        "workers": 3,
        "worker_tmp_dir": None,
        "preload_app": True,
        "certfile": None,
        "access_log_format": "%(h)s \"%(r)s\" \\ 'größer' " * 9,
        "forwarded_allow_ips": "*",
        "logconfig_dict": {"version": 1, "filters": {"b": {}, "a": {"()": "x\ny"}}},
    }
    text = Settings(sys.executable, owned, given).render(HOOK)

    names = runpy.run_path(str(write(tmp_path, {"conf.py": text}) / "conf.py"))
    assert {name: names[name] for name in given | owned} == given | owned
    assert callable(names["post_fork"])
    headings = re.findall(r"^# (.*)$", text, re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert {f"gunicorn {gunicorn.__version__}", "Worker Processes"} < set(headings)


def test_the_file_is_the_same_whatever_the_order():
    given = {"workers": 3, "timeout": 60, "logconfig_dict": {"version": 1, "filters": {}}}
    turned = {"logconfig_dict": {"filters": {}, "version": 1}, "timeout": 60, "workers": 3}
    assert Settings(sys.executable, {}, given).render() == Settings(sys.executable, {}, turned).render()


def test_gunicorn_takes_the_file(tmp_path, write):
    write(tmp_path, {"shop.py": "def app(environ, start_response): pass\n"})
    settings = Settings(sys.executable, {"wsgi_app": "shop:app", "chdir": str(tmp_path)}, {"workers": 2})
    write(tmp_path, {"conf.py": settings.render(HOOK)})

    argv = [sys.executable, "-m", "gunicorn", "--config", tmp_path / "conf.py", "--print-config"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    in_force = dict(re.findall(r"^(\w+) += (.*)$", done.stdout, re.MULTILINE))
    assert (in_force["workers"], in_force["chdir"], in_force["wsgi_app"]) == ("2", str(tmp_path), "shop:app")


def test_a_worker_class_of_the_app_itself(tmp_path, write):
    write(tmp_path, {"shop_worker.py": "from gunicorn.workers.sync import SyncWorker as Worker\n"})
    settings = Settings(sys.executable, {"chdir": str(tmp_path)}, {"worker_class": "shop_worker.Worker"})
    assert "worker_class = 'shop_worker.Worker'\n" in settings.render()


def test_what_is_in_force_is_gunicorns_default_the_services_or_what_was_given():
    settings = Settings(sys.executable, {}, {"graceful_timeout": 7})
    assert settings.in_force == {"workers": 1, "threads": 1, "timeout": 30, "graceful_timeout": 7}
    assert settings.version == gunicorn.__version__
    # The heartbeat of a worker must not wait for a slow disk, and there is no place for a control socket.
    assert "worker_tmp_dir = '/dev/shm'\n" in settings.render()
    assert "control_socket_disable = True\n" in settings.render()
