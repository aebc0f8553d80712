# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks between runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import subprocess
import sys
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import locks


def test_a_lock_is_for_one_who_says_what_for(tmp_path):
    path = str(tmp_path / "lock")
    with locks.held(path, "something with a rather long name", 0):
        pass
    with (
        locks.held(path, "changing it", 0),
        pytest.raises(locks.Busy, match=f"^process {os.getpid()}, changing it, since 2.*Z$"),
        locks.held(path, "changing it, too", 0),
    ):
        pass
    with locks.held(path, "changing it, too", 0):
        pass
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_who_waits_gets_it_when_it_is_free(tmp_path):
    path = str(tmp_path / "lock")
    with locks.held(path, "changing it", 0) as descriptor:
        threading.Timer(0.2, os.close, [os.dup(descriptor)]).start()
        waiting = threading.Thread(target=lambda: locks.held(path, "waiting", 20).__enter__())
        waiting.start()
    waiting.join(20)
    assert not waiting.is_alive()


def test_a_link_is_no_lock(tmp_path):
    (tmp_path / "precious").touch()
    (tmp_path / "lock").symlink_to("precious")
    with pytest.raises(OSError, match="lock"), locks.held(str(tmp_path / "lock"), "changing it", 0):
        pass


def test_who_has_a_lock_and_who_waits_for_one(tmp_path):
    hold = ["flock", "--no-fork", tmp_path, "sleep", "600"]
    with subprocess.Popen(hold) as holder, subprocess.Popen(hold) as waiter:
        found = {}
        while not (found.get(holder.pid) and found.get(waiter.pid)):
            found = {each.pid: locks.of_process(str(each.pid)) for each in (holder, waiter)}
        # Either may have been quicker.
        assert sorted(map(sorted, found.values())) == [["->"], ["FLOCK"]]
        holder.kill()
        waiter.kill()


def test_who_stands_in_line_is_flock_still_and_not_what_waits_for_a_lock_of_its_own(tmp_path):
    mine = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)"
    (tmp_path / "lock").touch()
    with _asking_for(tmp_path / "lock", "--exclusive") as first:
        assert _soon(lambda: "FLOCK" in locks.of_process(first))
        with (
            subprocess.Popen([sys.executable, "-c", mine, tmp_path / "lock"]) as program,
            _asking_for(tmp_path / "lock", "--shared") as second,
        ):
            assert _soon(lambda: locks.in_line(second))
            assert _soon(lambda: locks.of_process(str(program.pid)))
            assert not locks.in_line(str(program.pid))
            assert not locks.in_line(first)
            program.kill()


def test_a_lock_is_had_by_who_took_it_and_by_who_has_its_file_from_them(tmp_path):
    with open(tmp_path / "lock", "w", encoding="utf-8") as lock:
        assert locks.holders(lock.name) == set()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (
            subprocess.Popen(["sleep", "600"], pass_fds=[lock.fileno()]) as heir,
            _asking_for(lock.name, "--shared") as waiting,
        ):
            assert _soon(lambda: locks.in_line(waiting))
            assert locks.holders(lock.name) == {str(os.getpid()), str(heir.pid)}
            heir.kill()


def test_who_took_a_lock_is_known_where_nobody_may_look_at_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(locks.glob, "glob", lambda _pattern: [])
    with _asking_for(tmp_path, "--exclusive") as holder, _asking_for(tmp_path, "--shared") as another:
        assert _soon(lambda: locks.of_process(holder) and locks.of_process(another))
        first, second = (holder, another) if "FLOCK" in locks.of_process(holder) else (another, holder)
        assert locks.holders(str(tmp_path)) == {first}
        assert second not in locks.holders(str(tmp_path))


@contextlib.contextmanager
def _asking_for(lock, how: str):
    """Start a process that asks for the lock as a release does, and then sleeps."""
    with subprocess.Popen(["flock", "--no-fork", how, lock, "sleep", "600"]) as process:
        try:
            yield str(process.pid)
        finally:
            process.kill()


def _soon(true) -> bool:
    return any(true() for _turn in range(100_000))


def test_a_process_is_in_line_when_it_has_the_lock_or_waits_for_it(tmp_path):
    with _asking_for(tmp_path, "--exclusive") as first:
        assert _soon(lambda: locks.of_process(first))
        with _asking_for(tmp_path, "--exclusive") as second, _asking_for(tmp_path, "--shared") as third:
            assert _soon(lambda: locks.of_process(second) and locks.of_process(third))
    assert not locks.of_process(first)
    assert not locks.of_process(str(os.getpid()))
    assert not locks.of_process("0")
