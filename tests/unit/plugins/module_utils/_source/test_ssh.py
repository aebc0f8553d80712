# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a git that has no rights gets of ssh, and what not; how repositories are read by it is in test_git.py."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import subprocess
import time

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._source.ssh import Ssh

READ = "git-upload-pack '/srv/it'\\''s.git'"


@pytest.fixture
def lent(tmp_path, monkeypatch, write):
    """Ask what stands in for ssh, whose place a script takes that tells its arguments; return how that ended."""
    program = write(
        tmp_path, {"bin/ssh": '#!/bin/sh\nprintf "%s\\n" "$@" "$GIT_PROTOCOL"; cat; echo told >&2; exit 3\n'}
    )
    (program / "bin/ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")

    def lent(*arguments, stdin=""):
        with Ssh("a key", None).lent(str(tmp_path)) as command:
            argv = [*command.split(), *arguments]
            return subprocess.run(
                argv, input=stdin, capture_output=True, text=True, check=False, env={"GIT_PROTOCOL": "version=2"}
            )

    return lent


@pytest.mark.parametrize(
    "asked",
    [
        ("git@example.com", READ),
        ("-o", "SendEnv=GIT_PROTOCOL", "-p", "2222", "::1", READ),
        ("-p", "2222", "--", "git@example.com", READ),
        ("git@example.com", "git-lfs-authenticate shop.git download"),
        ("git@example.com", "git-lfs-authenticate '/srv/my shop.git' download"),
    ],
)
def test_it_is_lent_to_read(lent, asked):
    done = lent(*asked, stdin="typed")
    *told, protocol, stdin = done.stdout.splitlines()
    assert told[told.index("--") :] == ["--", *asked[-2:]]
    assert "StrictHostKeyChecking=yes" in told
    assert ("2222" in told) == ("2222" in asked)
    assert (protocol, stdin) == ("version=2", "typed")
    assert (done.stderr, done.returncode) == ("told\n", 3)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(("git@example.com", "git-receive-pack '/srv/shop.git'"), id="to write"),
        pytest.param(("git@example.com", "git-upload-pack '/srv/shop.git'; id"), id="a second command"),
        pytest.param(("git@example.com", "git-upload-pack '/srv/shop.git' $(id)"), id="a second word"),
        pytest.param(("git@example.com", "git-lfs-authenticate $(id) download"), id="a command in a word"),
        pytest.param(("git@example.com", "git-lfs-authenticate shop.git upload"), id="to write large files"),
        pytest.param(("git@example.com", "id"), id="another command"),
        pytest.param(("git@example.com",), id="a shell"),
        pytest.param((), id="nothing"),
        pytest.param(("-o", "ProxyCommand=id", "git@example.com", READ), id="a command of this host"),
        pytest.param(("-oProxyCommand=id", "git@example.com", READ), id="the same in one word"),
        pytest.param(("--", "-oProxyCommand=id", READ), id="a host that is an option"),
        pytest.param(("-p", "22 -v", "git@example.com", READ), id="no port"),
        pytest.param(("-i", "/root/.ssh/id_rsa", "git@example.com", READ), id="another key"),
        pytest.param(("-L", "1:host:1", "git@example.com", READ), id="a way to elsewhere"),
    ],
)
def test_it_is_lent_for_nothing_else(lent, asked):
    done = lent(*asked)
    assert (done.stdout, done.returncode) == ("", 255)
    assert done.stderr.startswith("ssh is lent to read repositories alone: ")


def test_a_host_without_ssh(lent, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lent("git@example.com", READ).stderr.startswith("cannot run ssh: ")


def test_nothing_of_it_outlives_who_asked(tmp_path, monkeypatch, write):
    write(tmp_path, {"bin/ssh": f"#!/bin/sh\nsleep 600 & echo $! > {tmp_path}/pid; wait\n"})
    (tmp_path / "bin/ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    with Ssh(None, None).lent(str(tmp_path)) as command:
        asking = subprocess.Popen([*command.split(), "git@example.com", READ], stdin=subprocess.DEVNULL)
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
    assert asking.wait(60) == 247
    stat = pathlib.Path("/proc", (tmp_path / "pid").read_text().strip(), "stat")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        # Nobody may be there who waits for the dead.
        while " Z " not in stat.read_text():
            time.sleep(0.01)


@pytest.mark.parametrize("question", [b"[]", b"1", b"nothing", b'["", 1]'])
def test_what_is_no_question_is_not_answered(tmp_path, question):
    with Ssh(None, None).lent(str(tmp_path)), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as way:
        way.connect(str(tmp_path / "way"))
        reading, writing = os.pipe()
        socket.send_fds(way, [question], [reading, writing, writing])
        assert way.recv(1) == b"\xff"
        os.close(reading)
        os.close(writing)
