# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and what they say."""

from __future__ import annotations

import os
import time

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import shell


@pytest.mark.parametrize(
    ("script", "options", "said"),
    [
        ("echo out; echo err >&2; exit 3", {}, (3, "out\n", "err\n")),
        ("cat", {"stdin": "größe"}, (0, "größe", "")),
        ("cat", {}, (0, "", "")),
        (r"printf 'a\377b'", {}, (0, "a\ufffdb", "")),
        ("echo $A; echo $HOME", {"env": {"A": "1"}}, (0, "1\n\n", "")),
        ("pwd", {"cwd": "/"}, (0, "/\n", "")),
    ],
)
def test_a_command(script, options, said):
    done = shell.run(["/bin/sh", "-c", script], identity=shell.CALLER, sandbox=None, seconds=60, **options)
    assert (done.returncode, done.stdout, done.stderr) == said


def test_a_command_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        shell.run(["/nosuch"], identity=shell.CALLER, sandbox=None, seconds=60)


def test_what_takes_too_long_is_killed_with_what_it_started(tmp_path):
    script = f"sleep 600 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(shell.Overdue, match=r"^sh -c did not end within 0.3 s$"):
        shell.run(["/bin/sh", "-c", script], identity=shell.CALLER, sandbox=None, seconds=0.3)
    pid = (tmp_path / "pid").read_text().strip()
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not os.path.exists(f"/proc/{pid}")


class Room:
    """A sandbox that only says that it is one."""

    def __init__(self):
        self.killed = False

    def command(self, argv, seconds):
        return ["/bin/sh", "-c", f'echo in here for {seconds} s; exec "$@"', "sh", *argv]

    def kill(self):
        self.killed = True


def test_a_sandbox_is_entered_and_ended_with_its_command():
    room = Room()
    done = shell.run(["echo", "hello"], identity=shell.CALLER, sandbox=room, seconds=60)
    assert (done.stdout, room.killed) == ("in here for 60 s\nhello\n", False)
    with pytest.raises(shell.Overdue, match=r"^sleep 600 "):
        shell.run(["sleep", "600"], identity=shell.CALLER, sandbox=room, seconds=0.3)
    assert room.killed


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be somebody else")
def test_somebody_else():
    done = shell.run(["id"], identity=shell.Account(4242, 4243), sandbox=None, seconds=60)
    assert done.stdout == "uid=4242 gid=4243 groups=4243\n"
