# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gunicorn's settings, asked of a real gunicorn: that of the Python that runs the tests."""

from __future__ import annotations

import asyncio
import re
import runpy
import socket
import subprocess
import sys

import gunicorn
import gunicorn.config
import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.settings import OWNED, Settings, SettingsError

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
    "worker_class": (
        "nosuch.Worker",
        "gunicorn refuses: No module named 'nosuch': add its package to gunicorn_requirements",
    ),
    "pythonpath": ("lib,/app/bin/python3", "it is for folders of modules: the interpreter is gunicorn_python"),
    "logger_class": (7, "logger_class is 7, which gunicorn refuses: "),
    "post_fork": (
        "print()",
        "post_fork is a Python function, which a variable can't hold: put it into gunicorn_conf_file",
    ),
    "bind": ("0.0.0.0:80", "bind is not yours to set: use gunicorn_bind"),
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
    (line,) = [line for line in refusal if line.startswith(f"gunicorn_settings: {name} is ")]
    assert REFUSED[name][1] in line


def test_each_fault_takes_one_line(refusal):
    assert [line.split()[1] for line in refusal] == sorted([*REFUSED, "chdir:"])


def test_what_the_design_owns_is_refused_with_what_to_use_instead():
    with pytest.raises(SettingsError) as caught:
        Settings(sys.executable, {}, dict.fromkeys(OWNED, "x"))
    assert str(caught.value).splitlines() == [
        f"gunicorn_settings: {name} is not yours to set: {OWNED[name]}" for name in sorted(OWNED)
    ]


def test_what_says_what_holds_anyway_is_left_alone():
    assert "control_socket_disable = True\n" in Settings(sys.executable, {}, {"control_socket_disable": True}).render()
    with pytest.raises(SettingsError, match="control_socket_disable is not yours to set: at a switch"):
        Settings(sys.executable, {}, {"control_socket_disable": False})


def test_for_a_unit_of_ones_own_only_the_options_of_the_module_are_refused(tmp_path):
    given = {"bind": ":8000", "user": "root", "raw_env": ["A=b"], "pidfile": "/run/x", "control_socket": "/run/x.ctl"}
    text = Settings(sys.executable, {}, given, "graceful_timeout = 5\n", writable=None).render()
    assert "bind = ':8000'\n" in text
    # Whoever names a control socket gets one.
    assert "control_socket_disable" not in text
    with pytest.raises(SettingsError) as caught:
        Settings(sys.executable, {}, {"wsgi_app": "shop", "paste": "x.ini"}, "chdir = '/'\n", writable=None)
    assert [line.split(",")[0] for line in str(caught.value).splitlines()] == [
        "gunicorn_settings: paste is not yours to set: name the app of such a file by gunicorn_wsgi_app",
        "gunicorn_settings: wsgi_app is not yours to set: use gunicorn_wsgi_app",
        "gunicorn_conf_file: line 1 sets chdir",
    ]


def test_a_heading_of_gunicorns_documentation_comes_once():
    given = {"umask": 18, "accesslog": "-", "strip_header_spaces": True, "workers": 2, "http_parser": "python"}
    headings = re.findall(r"^# (.*)$", Settings(sys.executable, {}, given).render(), re.MULTILINE)[2:]
    assert headings == ["Worker Processes", "Server Mechanics", "Logging", "Control"]


def test_what_the_design_owns_is_called_as_gunicorn_calls_it():
    # gunicorn has no `command`, but guides to it do.
    assert set(OWNED) - {"command"} <= {setting.name for setting in gunicorn.config.KNOWN_SETTINGS}


def test_a_python_without_gunicorn(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    with pytest.raises(SettingsError, match=f"{tmp_path}/bin/python can't import gunicorn: ModuleNotFoundError"):
        Settings(f"{tmp_path}/bin/python", {}, {})


def test_the_file_has_what_was_given_and_the_users_hooks(tmp_path, write):
    owned = {"wsgi_app": "shop.wsgi:create_app('x', \"y\")", "chdir": str(tmp_path)}
    given = {
        "workers": 3,
        "worker_tmp_dir": None,
        "preload_app": True,
        "proc_name": None,
        "access_log_format": "%(h)s \"%(r)s\" \\ 'größer' " * 9,
        "forwarded_allow_ips": "*",
        "logconfig_dict": {"version": 1, "filters": {"b": {}, "a": {"()": "x\ny"}}},
    }
    text = Settings(sys.executable, owned, given, HOOK).render()

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
    settings = Settings(sys.executable, {"wsgi_app": "shop:app", "chdir": str(tmp_path)}, {"workers": 2}, HOOK)
    write(tmp_path, {"conf.py": settings.render()})

    argv = [sys.executable, "-m", "gunicorn", "--config", tmp_path / "conf.py", "--print-config"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    in_force = dict(re.findall(r"^(\w+) += (.*)$", done.stdout, re.MULTILINE))
    assert (in_force["workers"], in_force["chdir"], in_force["wsgi_app"]) == ("2", str(tmp_path), "shop:app")


def test_a_worker_class_of_the_app_itself(tmp_path, write):
    write(tmp_path, {"shop_worker.py": "from gunicorn.workers.sync import SyncWorker as Worker\n"})
    settings = Settings(sys.executable, {"chdir": str(tmp_path)}, {"worker_class": "shop_worker.Worker"})
    assert "worker_class = 'shop_worker.Worker'\n" in settings.render()


@pytest.mark.parametrize(
    ("worker_class", "said"),
    [
        (
            "gevent",
            "'gevent', which needs more than gunicorn: add gevent>=[0-9.]+ and packaging to gunicorn_requirements",
        ),
        ("gevent_pywsgi", "add gevent>=[0-9.]+ and packaging to gunicorn_requirements"),
        ("tornado", "add tornado>=[0-9.]+ to gunicorn_requirements"),
        ("evenlet", "'evenlet', which gunicorn [0-9.]+ doesn't have: it has asgi, .*gthread"),
    ],
)
def test_a_worker_class_whose_library_is_missing(worker_class, said):
    with pytest.raises(SettingsError, match=f"^gunicorn_settings: worker_class is .*{said}"):
        Settings(sys.executable, {}, {"worker_class": worker_class})


def test_a_worker_class_on_the_pythonpath(tmp_path, write):
    write(tmp_path, {"lib/our_worker.py": "from gunicorn.workers.sync import SyncWorker as Worker\n"})
    given = {"worker_class": "our_worker.Worker", "pythonpath": "other,lib"}
    assert "pythonpath = 'other,lib'\n" in Settings(sys.executable, {"chdir": str(tmp_path)}, given).render()


def test_the_users_file_wins_over_the_settings(tmp_path, write):
    settings = Settings(sys.executable, {}, {"workers": 3}, "workers = 7\nanswer = workers + 1\nprint(answer)")
    text = settings.render()
    names = runpy.run_path(str(write(tmp_path, {"conf.py": text}) / "conf.py"))
    assert (names["workers"], names["answer"]) == (7, 8)


def test_faults_of_settings_and_file_are_told_at_once():
    with pytest.raises(SettingsError) as caught:
        Settings(sys.executable, {}, {"wokers": 3}, "bind = 1\nchdir = '/'\ngraceful_timeout = 5\npythonpath = 'x'\n")
    said = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in said] == ["gunicorn_settings", *["gunicorn_conf_file"] * 4]
    assert said[1] == "gunicorn_conf_file: line 1 sets bind, which is not this file's to set: use gunicorn_bind"
    assert "line 3 sets graceful_timeout, which is not this file's to set: use gunicorn_settings" in said[3]


@pytest.mark.parametrize(
    ("given", "conf"),
    [
        pytest.param({"worker_class": "asgi"}, "", id="settings"),
        pytest.param({}, "worker_class = 'asgi'\n", id="file"),
        pytest.param(
            {"worker_class": "asgi"}, "def post_worker_init(worker):\n    worker.met = 'users'\n", id="beside a hook"
        ),
        pytest.param({"worker_class": "asgi"}, "post_worker_init = 'worker_hooks.meet'\n", id="beside a hook by name"),
    ],
)
def test_an_asgi_worker_listens_with_the_whole_backlog(tmp_path, write, monkeypatch, given, conf):
    """The hook is called as gunicorn's worker calls it, and asyncio's own server listens."""
    write(tmp_path, {"worker_hooks.py": "def meet(worker): worker.met = 'users'\n"})
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, {"conf.py": Settings(sys.executable, {}, given, conf).render()})
    hook = runpy.run_path(str(tmp_path / "conf.py"))["post_worker_init"]
    # gunicorn refuses a hook that takes another number of arguments.
    config = gunicorn.config.Config()
    config.set("post_worker_init", hook)
    config.set("backlog", 1024)

    class Worker:
        cfg = config
        loop = asyncio.new_event_loop()
        met = "nobody"

    class Listening(socket.socket):
        def listen(self, backlog=0):
            self.backlog = backlog

    with Listening(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        config.post_worker_init(Worker)
        Worker.loop.run_until_complete(Worker.loop.create_server(asyncio.Protocol, sock=listening))
        Worker.loop.close()
    assert listening.backlog == 1024
    assert Worker.met == ("users" if "post_worker_init" in conf else "nobody")


def test_no_other_worker_of_a_unit_of_the_users_own_gets_the_hook():
    options = {"wsgi_app": "shop.wsgi"}
    assert "post_worker_init" not in Settings(sys.executable, options, {"workers": 2}, writable=None).render()
    assert "post_worker_init" in Settings(sys.executable, options, {"workers": 2}).render()


def test_what_the_service_needs_is_gunicorns_default_or_what_was_given():
    settings = Settings(sys.executable, {}, {"graceful_timeout": 7})
    assert (settings.graceful_timeout, Settings(sys.executable, {}, {}).graceful_timeout) == (7, 30)
    assert settings.version == gunicorn.__version__
    # The heartbeat of a worker must not wait for a slow disk, and there is no place for a control socket.
    assert "worker_tmp_dir = '/dev/shm'\n" in settings.render()
    assert "control_socket_disable = True\n" in settings.render()
