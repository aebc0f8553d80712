# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that a process has while it lives, and what becomes of those of one that was killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import scratch


@pytest.fixture
def owner(tmp_path):
    """Have another process that has a folder in the test's."""
    program = (
        "import sys, time, importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('scratch', {scratch.__file__!r})\n"
        "scratch = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(scratch)\n"
        "with scratch.folder(sys.argv[1]) as path:\n"
        "    open(path + '/secret', 'w').close()\n"
        "    print(path, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_it_is_one_s_own_and_goes(tmp_path):
    with scratch.folder(str(tmp_path)) as path:
        assert os.path.dirname(path) == str(tmp_path)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        with open(f"{path}/x", "w", encoding="utf-8"), scratch.folder(str(tmp_path)) as other:
            assert path != other
            assert os.path.exists(f"{path}/x")
    assert os.listdir(tmp_path) == []


def test_it_is_in_memory(monkeypatch, tmp_path):
    with scratch.folder() as path:
        assert os.path.dirname(path) == ("/run" if os.geteuid() == 0 else scratch.tempfile.gettempdir())
    monkeypatch.setattr(scratch.os, "access", lambda *_asked: False)
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    with scratch.folder() as path:
        assert os.path.dirname(path) == str(tmp_path)


def test_what_it_became_stays(tmp_path):
    with scratch.folder(str(tmp_path)) as path:
        os.rename(path, tmp_path / "final")
    assert os.listdir(tmp_path) == ["final"]


def test_that_of_a_process_that_lives_stays_and_that_of_a_killed_one_goes(tmp_path, owner):
    process, theirs = owner
    with scratch.folder(str(tmp_path)):
        assert os.path.exists(f"{theirs}/secret")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.path.exists(f"{theirs}/secret")
    with scratch.folder(str(tmp_path)):
        assert not os.path.exists(theirs)


def test_what_only_looks_like_one_stays(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / f"{scratch._PREFIX}link").symlink_to(tmp_path / "precious")
    (tmp_path / f"{scratch._PREFIX}file").write_text("")
    (tmp_path / "other").mkdir()
    with scratch.folder(str(tmp_path)):
        pass
    assert sorted(os.listdir(tmp_path)) == ["other", "precious", f"{scratch._PREFIX}file", f"{scratch._PREFIX}link"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give something away")
def test_what_another_account_made_stays(tmp_path):
    theirs = tmp_path / f"{scratch._PREFIX}theirs"
    theirs.mkdir()
    os.chown(theirs, 4242, 4242)
    with scratch.folder(str(tmp_path)):
        assert theirs.exists()


def test_one_that_was_taken_for_a_killed_one_s_is_made_again(tmp_path, monkeypatch):
    locked = scratch.fcntl.flock

    def late(descriptor, how):
        # Between the two steps of making it.
        if len(os.listdir(tmp_path)) == 1 and not how & scratch.fcntl.LOCK_NB and not late.__dict__:
            late.done = True
            scratch._clear(str(tmp_path))
        locked(descriptor, how)

    monkeypatch.setattr(scratch.fcntl, "flock", late)
    with scratch.folder(str(tmp_path)) as path:
        assert os.path.isdir(path)
    assert late.done
