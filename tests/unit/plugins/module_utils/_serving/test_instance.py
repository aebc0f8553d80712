# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an instance that need no systemd: who lives, who waits."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from ansible_collections.pyweb.stack.plugins.module_utils._serving import instance


def test_the_children_of_a_process_are_its_workers():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert str(child.pid) in instance.children(str(os.getpid()))
        assert instance.children(str(child.pid)) == set()
    assert str(child.pid) not in instance.children(str(os.getpid()))
    assert instance.children(str(child.pid)) == instance.children("0") == set()


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
        assert _soon(lambda: instance._locks(first))
        with _asking_for(tmp_path, "--exclusive") as second, _asking_for(tmp_path, "--shared") as third:
            assert _soon(lambda: instance._locks(second) and instance._locks(third))
    assert not instance._locks(first)
    assert not instance._locks(str(os.getpid()))
    assert not instance._locks("0")
