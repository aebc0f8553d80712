# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance of an app: start it, prove it, end it. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import time

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, locks, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release.unit_files import STATE
from ansible_collections.pyweb.stack.plugins.module_utils._serving import queues
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Asker, Health

_TICK = 0.05
# Seconds between two looks at whether a service lives that is to end.
_LOOK = 0.5
# Of a process that has not executed a program since it was forked (PF_FORKNOEXEC of the kernel's sched.h).
_FORKED = 0x40
# Seconds for an app whose time is over.
_PARTING = 5.0


_JOURNAL = 400


class Refused(Exception):
    """The candidate did not prove itself; the message says what was asked and what came back."""


class Instance:
    """The pair of units that runs one release of an app."""

    def __init__(self, app: str, release: str):
        self.release = release
        name = systemd.instance(app, release)
        self.service, self.socket = f"{name}.service", f"{name}.socket"
        self.relay = f"gunicorn-{app}-relay@{release}.service"
        self.path = f"/run/gunicorn-{app}/{release}.sock"
        # That of all instances of the app.
        self.lock = STATE.format(app)
        self._edited = f"/run/gunicorn-{app}/{release}.edited"
        self._started = 0.0

    def note_edits(self, units: list[str]) -> None:
        """Keep in mind that these of its unit files were edited, until it runs with what they say again."""
        if units and os.path.isdir(os.path.dirname(self._edited)):
            with open(self._edited, "a", encoding="utf-8") as file:
                file.writelines(f"{name}\n" for name in units)

    def edited(self) -> bool:
        """Say whether it may run with what somebody wrote into its unit files."""
        return os.path.exists(self._edited)

    def renew(self) -> None:
        """End what was edited, so that it starts with what its unit file says; who comes meanwhile waits on the socket.

        Only a socket that was edited itself can't hold them.
        """
        edited = files.read(self._edited).split()
        if self.socket in edited:
            self.stop()
        elif self.service in edited:
            systemd.ctl("stop", self.service)
        beside = [unit for unit in edited if unit not in (self.socket, self.service)]
        if beside:
            systemd.ctl("stop", *beside)
        os.unlink(self._edited)

    def start(self) -> None:
        """Start both units, whatever an earlier run left of them. Whether that comes to anything, prove says."""
        self._started = time.time()
        systemd.ctl("reset-failed", self.service, self.socket)
        systemd.require("start", self.socket)
        systemd.require("start", "--no-block", self.service)

    def line_up(self, timeout: float) -> bool:
        """Wait until the service has the lock that its unit asks for, or stands in line for it; say whether it has it.

        Raises Refused where it never gets so far.
        """
        deadline = time.monotonic() + timeout
        while not (found := locks.of_process(self._alive()["MainPID"])):
            if time.monotonic() > deadline:
                raise Refused(f"systemd did not bring it to its start within {timeout:g} s")
            time.sleep(_TICK)
        return "->" not in found

    def prove(self, health: Health, in_force: dict) -> str:
        """Wait until the instance answers and all its workers live; return what it answered.

        `in_force` is what its release is known to run with. Raises Refused as soon as it can't come true any more, or at
        the health's timeout.
        """
        # The process that keeps the workers of `dirty_apps` is a child like them.
        expected = in_force["workers"] + in_force.get("dirty_arbiter", 0)
        asker = Asker(self.path, health)
        seen, ended = set[str](), 0
        deadline = time.monotonic() + health.timeout
        state, look = self._alive(), time.monotonic() + _TICK
        while True:
            # Asking systemd takes as much of a CPU as a worker that starts, so the kernel is asked whether the process is still
            # there, and systemd only now and then.
            if time.monotonic() > look or not os.path.exists(f"/proc/{state['MainPID']}"):
                state = self._alive()
                look = time.monotonic() + (_LOOK if state["ActiveState"] == "active" else 2 * _TICK)
            # Until gunicorn reports itself started, the process is systemd's own, which forks helpers (systemd 257).
            living = forked(state["MainPID"]) if state["ActiveState"] == "active" else set()
            missing = seen - living
            ended += sum(not os.path.exists(f"/proc/{pid}") for pid in missing)
            # The list of children may lack one while another is being forked (proc_pid_task(5)): ask for each that is.
            seen = living | {pid for pid in missing if _is_copy(pid)}
            # One that has answered as many requests as it may ends as it should.
            if ended > (asker.asked if in_force.get("max_requests") else 0):
                raise Refused("a worker ended right after its start")
            if asker.refusal:
                raise Refused(asker.refusal)
            if asker.answer and len(living) >= expected:
                return asker.answer
            if time.monotonic() > deadline:
                got = f"{len(living)} of {expected} workers live" if asker.answer else asker.error or "no answer"
                raise Refused(
                    f"{health.pages}: {got} after {health.timeout:g} s (gunicorn_health.timeout gives an app that starts "
                    "slowly more time)"
                )
            time.sleep(_TICK)

    def discard(self) -> None:
        """Remove the instance at once, hung or not."""
        systemd.ctl("stop", "--no-block", self.service, self.socket)
        systemd.ctl("kill", "--signal=KILL", self.service)
        self.stop()

    def stop(self) -> None:
        """Stop both units; the service ends what it has in hand first, for as long as its unit says."""
        systemd.ctl("stop", self.service, self.socket)
        systemd.ctl("reset-failed", self.service, self.socket)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def end(self, timeout: float) -> int:
        """End the service, so that who comes from now on waits on the socket; return how many connections it closed.

        What it has accepted it may end within `timeout` seconds.
        """
        pid = systemd.show(self.service, "MainPID")["MainPID"]
        systemd.ctl("stop", "--no-block", self.service)
        deadline = time.monotonic() + timeout
        while os.path.exists(f"/proc/{pid}"):
            if time.monotonic() > deadline:
                _waiting, cut = queues.length(self.path)
                systemd.ctl("kill", "--signal=KILL", self.service)
                break
            time.sleep(_TICK)
        else:
            cut = 0
        # Whoever waits on the socket has systemd start it again; it stands in line then.
        systemd.ctl("stop", self.service)
        return cut

    def drain(self, timeout: float) -> int:
        """Stop the instance when all it accepted or has queued is answered; return how many connections it closed.

        Waits at most `timeout` seconds for the queue to empty and then for what is in hand. Where the service has
        ended, or ends again and again, the queue is passed on to the active release.
        """
        deadline = time.monotonic() + timeout
        still, relayed, look = 0, False, time.monotonic()
        while time.monotonic() < deadline:
            if not relayed and time.monotonic() >= look:
                look += _LOOK
                relayed = not systemd.active(self.service)
                if relayed:
                    # Nobody answers those who wait here; the active release will.
                    systemd.require("start", self.relay)
            waiting, accepted = queues.length(self.path)
            # Twice, since a connection may for a moment be neither queued nor accepted.
            still = still + 1 if waiting == accepted == 0 else 0
            if still == 2:
                break
            time.sleep(_TICK / 2)
        cut = sum(queues.length(self.path))
        if cut:
            self._quit()
            self.discard()
        else:
            self.stop()
        return cut

    def close(self, timeout: float) -> int:
        """End the instance for good, as drain does, but let nobody in from now on; return how many connections it closed."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        if systemd.active(self.service):
            return self.drain(timeout)
        # There is no other release that could answer those who wait here.
        cut = sum(queues.length(self.path))
        self.stop()
        return cut

    def _quit(self) -> None:
        """Have gunicorn end at once, and let the app do what it does at its end.

        Its `graceful_timeout` would answer some of those that are reported as closed.
        """
        pid = systemd.show(self.service, "MainPID")["MainPID"]
        systemd.ctl("stop", "--no-block", self.service, self.socket)
        systemd.ctl("kill", "--kill-who=main", "--signal=QUIT", self.service)
        deadline = time.monotonic() + _PARTING
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            time.sleep(_TICK)

    def journal(self, since: float | None = None) -> str:
        """Return the last lines that the units wrote since start, or since a time, enough for several tracebacks."""
        return systemd.journal(self.service, self._started if since is None else since, _JOURNAL)

    def _alive(self) -> dict[str, str]:
        state = systemd.show(
            self.service, "ActiveState", "SubState", "Result", "NRestarts", "MainPID", "ExecMainStatus"
        )
        if state["SubState"] == "auto-restart" or state["NRestarts"] != "0" or state["ActiveState"] == "failed":
            raise Refused(f"gunicorn ended with status {state['ExecMainStatus']} ({state['Result']})")
        return state


def children(pid: str) -> set[str]:
    """Return the processes that a process has started and that have not ended."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            return set(file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        return set()


def forked(pid: str) -> set[str]:
    """Return those children of a process that are copies of it, as workers are, and no programs that it has started."""
    return {child for child in children(pid) if _is_copy(child)}


def _is_copy(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return bool(int(file.read().rpartition(")")[2].split()[6]) & _FORKED)
    except (FileNotFoundError, ProcessLookupError):
        return False
