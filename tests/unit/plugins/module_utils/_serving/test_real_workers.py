# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance from its start to its end with a real gunicorn, its workers and its queue; only systemctl is played."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._serving import instance, queues
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Health
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance, Refused

# Far more than anything here takes, and what takes as long as it is given.
LONG, SHORT = 60, 0.3
# Answers at once, or holds a request in hand until there is a file `answer`; says when it has it, and when a worker ends.
APP = """
import os, time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/held":
        open("in-hand", "w").close()
    while environ["PATH_INFO"] != "/" and not os.path.exists("answer"):
        time.sleep(0.01)
    start_response("200 OK", [])
    return [b"answered"]
"""
CONF = """
wsgi_app = "shop:app"
workers = 2
graceful_timeout = 60
control_socket_disable = True

def worker_exit(server, worker):
    open("goodbye", "w").close()
"""


class Systemd:
    """As much of systemd as an instance asks for: a socket that it holds, and a service that it tells to begin and to end."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self.asked: list[str] = []
        self._socket: socket.socket | None = None
        self.process: subprocess.Popen | None = None
        self._ready = threading.Event()
        self._stopping = False
        # Called whenever somebody looks at the service.
        self.at_each_look = lambda: None

    def ctl(self, verb: str, *arguments: str) -> Done:
        self.asked.append(" ".join((verb, *arguments)))
        options = [each for each in arguments if each.startswith("--")]
        units = [each for each in arguments if not each.startswith("--")]
        said = ""
        for unit in units:
            kind = "relay" if "-relay@" in unit else unit.rpartition(".")[2]
            said += getattr(self, f"_{verb.replace('-', '_')}_{kind}", lambda _options: "")(options) or ""
        return Done(arguments, 0, said, "")

    def _start_socket(self, _options):
        if not self._socket:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(str(self._folder / "app.sock"))
            self._socket.listen(100)

    def _start_service(self, _options):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(self._folder / "notify"))
        script = 'LISTEN_PID=$$ exec "$@" 3<&0 0</dev/null'
        command = ["sh", "-c", script, "sh", sys.executable, "-m", "gunicorn", "--config=gunicorn.conf.py"]
        env = {**os.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": str(self._folder / "notify")}
        with open(self._folder / "journal", "ab") as journal:
            self.process = subprocess.Popen(
                command, cwd=self._folder, env=env, stdin=self._socket, stderr=journal, start_new_session=True
            )
        threading.Thread(target=self._wait_until_ready, args=[notify], daemon=True).start()
        # One that has ended is gone from the list of processes then.
        threading.Thread(target=self.process.wait, daemon=True).start()

    def _wait_until_ready(self, notify):
        with notify:
            while b"READY=1" not in notify.recv(4096):
                pass
        self._ready.set()

    def _show_service(self, _options):
        self.at_each_look()
        code = self.process.poll() if self.process else 0
        active, sub = ("active", "running") if self._ready.is_set() else ("activating", "start")
        if code is not None:
            active, sub = ("inactive", "dead") if self._stopping or not self.process else ("activating", "auto-restart")
        main = 0 if code is not None else self.process.pid
        values = {"ActiveState": active, "SubState": sub, "MainPID": main, "NRestarts": 0, "Result": "exit-code"}
        return "".join(f"{name}={value}\n" for name, value in {**values, "ExecMainStatus": code or 0}.items())

    def _show_socket(self, _options):
        return f"ActiveState={'active' if self._socket else 'inactive'}\n"

    def _stop_socket(self, _options):
        if self._socket:
            self._socket.close()
            self._socket = None

    def _stop_service(self, options):
        self._stopping = True
        if self.process and self.process.poll() is None:
            self.process.terminate()
            if "--no-block" not in options:
                self.process.wait(LONG)

    def _kill_service(self, options):
        (number,) = (getattr(signal, f"SIG{each.partition('=')[2]}") for each in options if "--signal=" in each)
        with contextlib.suppress(ProcessLookupError):
            kill = os.kill if "--kill-who=main" in options else os.killpg
            kill(self.process.pid, number)
        # One that is killed leaves no process for others to see.
        if number == signal.SIGKILL:
            self.process.wait(LONG)

    def end(self):
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(LONG)
        self._stop_socket([])


@pytest.fixture
def folder(write):
    """Return a folder with a short name, since that of a socket has an end; the app is in it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="shop-"))
    yield write(path, {"shop.py": APP, "gunicorn.conf.py": CONF})
    shutil.rmtree(path)


@pytest.fixture
def host(folder, monkeypatch):
    """Return what plays systemd."""
    played = Systemd(folder)
    monkeypatch.setattr(systemd, "ctl", played.ctl)
    monkeypatch.setattr(systemd, "journal", lambda _unit, _since, _lines: (folder / "journal").read_text())
    yield played
    played.end()


@pytest.fixture
def shop(folder, host):
    """Return the instance, whose socket is not in /run."""
    made = Instance("shop", "4f6a7d8e9c0b")
    made.path = str(folder / "app.sock")
    return made


def _health(path: str = "/", timeout: float = LONG) -> Health:
    return Health([path], "localhost", range(200, 400), timeout)


def _until(true) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Visitor(threading.Thread):
    """Somebody who asks for a page; `answer` is all that came back."""

    def __init__(self, folder: pathlib.Path, path: str = "/held"):
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(folder / "app.sock"))
        self._path = path
        self.answer = b""
        self.start()

    def run(self):
        with self._socket as connection, contextlib.suppress(OSError):
            connection.sendall(f"GET {self._path} HTTP/1.0\r\n\r\n".encode())
            while part := connection.recv(4096):
                self.answer += part

    def all(self) -> bytes:
        self.join(LONG)
        return self.answer


@pytest.fixture
def held(folder, shop):
    """Return a visitor whose request a worker of the running instance has in hand."""
    shop.start()
    shop.prove(_health(), {"workers": 2})
    visitor = Visitor(folder)
    _until((folder / "in-hand").exists)
    return visitor


def test_it_is_proved_once_it_answers_with_all_its_workers(host, shop):
    looks = []

    def give_up():
        """There is nothing left to wait for once both workers live; that it answers takes a moment more."""
        if host._ready.is_set() and len(instance.children(str(host.process.pid))) == 2:
            looks.append(None)
            assert len(looks) < 100

    host.at_each_look = give_up
    shop.start()
    assert shop.prove(_health(), {"workers": 2}) == "200 OK"
    assert len(instance.children(str(host.process.pid))) == 2
    assert systemd.active(shop.service)
    assert host.asked[:3] == [
        f"reset-failed {shop.service} {shop.socket}",
        f"start {shop.socket}",
        f"start --no-block {shop.service}",
    ]


def test_an_answer_without_all_workers_proves_nothing(shop):
    shop.start()
    shop.prove(_health(), {"workers": 2})
    with pytest.raises(Refused, match=r"GET / for localhost: 2 of 3 workers live after 0.3 s"):
        shop.prove(_health(timeout=SHORT), {"workers": 3})


def test_a_worker_that_ends_is_seen_though_another_takes_its_place_and_all_answer(folder, host, shop):
    """The app answers once the first of its workers was killed and gunicorn has another."""
    watched = set()

    def kill_one_that_was_seen():
        now = instance.children(str(host.process.pid)) if host._ready.is_set() else set()
        if len(watched) == 2 and not (folder / "answer").exists():
            os.kill(int(min(watched)), signal.SIGKILL)
            _until(lambda: len(instance.children(str(host.process.pid)) - {min(watched)}) == 2)
            (folder / "answer").touch()
        elif len(now) == 2:
            watched.update(now)

    host.at_each_look = kill_one_that_was_seen
    shop.start()
    with pytest.raises(Refused, match="a worker ended right after its start"):
        shop.prove(_health("/later"), {"workers": 2})


def test_one_that_ends_is_refused_at_once_and_its_words_are_kept(folder, host, shop):
    (folder / "gunicorn.conf.py").write_text("raise RuntimeError('no such database')")
    shop.start()
    with pytest.raises(Refused, match=r"gunicorn ended with status 1 \(exit-code\)"):
        shop.prove(_health(), {"workers": 2})
    assert "no such database" in shop.journal()


def test_no_answer_in_time_is_told(shop):
    shop.start()
    with pytest.raises(Refused, match=r"GET /later for localhost: (timed out|no answer) after 0.3 s"):
        shop.prove(_health("/later", SHORT), {"workers": 2})


def test_a_hung_one_is_taken_away_at_once(folder, host, shop, held):
    host.process.send_signal(signal.SIGSTOP)
    shop.discard()
    assert held.all() == b""
    assert not os.path.exists(shop.path)
    assert not systemd.active(shop.service)


def test_it_is_drained_when_all_that_it_accepted_and_all_who_wait_are_answered(folder, host, shop, held):
    others = [Visitor(folder, "/later") for _number in range(5)]
    # Two workers have one each, the others wait.
    _until(lambda: queues.length(shop.path) == (4, 2))
    host.at_each_look = (folder / "answer").touch
    assert shop.drain(LONG) == 0
    assert all(visitor.all().endswith(b"answered") for visitor in [held, *others])
    assert host.process.returncode == 0
    assert not os.path.exists(shop.path)


def test_who_is_not_answered_in_time_is_cut_and_counted_and_the_app_still_ends_by_itself(folder, host, shop, held):
    assert shop.drain(SHORT) == 1
    assert b"answered" not in held.all()
    assert (folder / "goodbye").exists()
    assert any("--signal=QUIT" in asked for asked in host.asked)
    assert host.process.returncode is not None


@pytest.mark.parametrize(
    ("seen", "looks"),
    [
        pytest.param([(0, 0), (0, 0)], 2, id="nobody"),
        pytest.param([(0, 0), (0, 1), (0, 0), (1, 0), (0, 0), (0, 0)], 6, id="in between neither queued nor accepted"),
    ],
)
def test_nobody_is_there_when_that_was_seen_twice_in_a_row(shop, monkeypatch, seen, looks):
    looked = []

    def length(_path):
        looked.append(seen[len(looked)] if len(looked) < len(seen) else (0, 0))
        return looked[-1]

    monkeypatch.setattr(queues, "length", length)
    assert shop.drain(LONG) == 0
    # And once more, for those that it cut.
    assert len(looked) == looks + 1


def test_who_waits_on_one_that_is_gone_is_passed_on(folder, host, shop):
    shop.start()
    shop.prove(_health(), {"workers": 2})
    host.ctl("stop", shop.service)
    visitor = Visitor(folder)
    relayed = f"start {shop.relay}"

    def relay(_options):
        connection, _address = host._socket.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"by another")

    host._start_relay = relay
    assert shop.drain(LONG) == 0
    assert host.asked.count(relayed) == 1
    assert visitor.all() == b"by another"


def test_one_that_ends_first_keeps_those_who_come_then(folder, host, shop, held):
    host.at_each_look = (folder / "answer").touch
    assert shop.end(LONG) == 0
    assert held.all().endswith(b"answered")
    waiting = Visitor(folder)
    assert queues.length(shop.path) == (1, 0)
    assert waiting.answer == b""


def test_one_that_does_not_end_in_time_is_killed_and_says_whom_that_cut(folder, host, shop, held):
    assert shop.end(SHORT) == 1
    assert held.all() == b""
    assert host.process.returncode == -signal.SIGKILL
    assert os.path.exists(shop.path)


def test_one_that_is_closed_lets_nobody_in_and_ends_what_it_has(folder, shop, held, host):
    host.at_each_look = lambda: (folder / "answer").touch() if not os.path.exists(shop.path) else None
    assert shop.close(LONG) == 0
    assert held.all().endswith(b"answered")


def test_one_that_is_closed_and_does_not_run_counts_who_waited(folder, host, shop):
    host.ctl("start", shop.socket)
    visitor = Visitor(folder)
    assert shop.close(LONG) == 1
    assert visitor.all() == b""
