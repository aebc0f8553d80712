# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done as somebody else, and who that is."""

from __future__ import annotations

import os
import time

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be somebody else")


def _who(file) -> None:
    file.write(
        f"{os.getresuid()} {os.getresgid()} {os.getgroups()} {os.environ['HOME']} {'TOKEN' in os.environ}".encode()
    )


@as_root
def test_all_rights_but_theirs_are_gone(monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    monkeypatch.setattr(accounts, "home", lambda account: "/theirs")
    with accounts.written(accounts.NOBODY, _who, 60) as file:
        said = file.read().decode()
    assert said == "(65534, 65534, 65534) (65534, 65534, 65534) [] /theirs False"
    assert os.environ["TOKEN"] == "secret"


def _fail(_file) -> None:
    raise ValueError("no good")


def test_what_fails_there_fails_here():
    with pytest.raises(accounts.AccountError, match=r"^no good$"), accounts.written(None, _fail, 60) as file:
        file.read()
    # And comes before what the reader makes of it.
    with pytest.raises(accounts.AccountError, match=r"^no good$"), accounts.written(None, _fail, 60):
        raise EOFError("cut off")


def test_a_reader_that_fails_is_heard():
    with pytest.raises(KeyError), accounts.written(None, lambda file: file.write(bytes(1 << 20)), 60):
        raise KeyError("mine")


def test_what_takes_too_long_is_ended():
    with (
        pytest.raises(accounts.AccountError, match=r"^it did not end within 0\.2 s$"),
        accounts.written(None, lambda file: time.sleep(600), 0.2) as file,
    ):
        file.read()


@as_root
def test_a_folder_is_read_by_its_owner_and_over_a_link_by_the_links(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert accounts.owner(str(tmp_path / "link")) is None
    os.chown(tmp_path / "folder", 4242, 4243)
    assert accounts.owner(str(tmp_path / "link")) == accounts.shell.Account(4242, 4243)
    os.chown(tmp_path / "folder", 0, 0)
    os.chown(tmp_path / "link", 4244, 0, follow_symlinks=False)
    assert accounts.owner(str(tmp_path / "link")).uid == 4244
    (tmp_path / "other").symlink_to(tmp_path / "link")
    os.chown(tmp_path / "other", 4245, 0, follow_symlinks=False)
    with pytest.raises(accounts.AccountError, match="leads over links of several accounts"):
        accounts.owner(str(tmp_path / "other"))
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(accounts.AccountError, match="leads in a circle"):
        accounts.owner(str(tmp_path / "round"))


@as_root
def test_an_account_that_has_a_name_brings_its_group_and_its_home(tmp_path):
    os.chown(tmp_path, 1, 4243)
    assert accounts.owner(str(tmp_path)) == accounts.shell.Account(1, 1)
    assert accounts.home(accounts.shell.Account(1, 1)) == "/usr/sbin"
    assert accounts.home(accounts.shell.Account(4242, 4243)) == "/nonexistent"


def test_who_is_not_root_reads_all_as_himself(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert accounts.owner(str(tmp_path)) is None


@pytest.mark.parametrize("account", [None, pytest.param(accounts.NOBODY, marks=as_root)])
@pytest.mark.parametrize("write", [_who, _fail])
def test_its_process_does_nothing_else_of_what_it_is_a_copy_of(account, write, monkeypatch):
    # In this process, whose rights and environment stay as they are: which ends are open, said and closed.
    for name in ("setgroups", "setgid", "setuid", "chdir"):
        monkeypatch.setattr(os, name, lambda *_asked: None)
    monkeypatch.setattr(accounts.resource, "setrlimit", lambda *_asked: None)
    monkeypatch.setattr(os, "environ", dict(os.environ, TOKEN="secret"))
    ended = []

    def end(status) -> None:
        ended.append(status)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", end)
    (reading, writing), (said, saying), (unused, other) = os.pipe(), os.pipe(), os.pipe()
    with pytest.raises(SystemExit):
        accounts._child(account, write, writing, saying, (unused, other))
    os.close(saying)
    with open(reading, "rb") as file, open(said, "rb") as told:
        wrote, message = file.read(), told.read()
    assert (ended, message) == (([1], b"no good") if write is _fail else ([0], b""))
    assert write is _fail or wrote.endswith(b" False" if account else b" True")


@as_root
def test_one_that_ends_without_a_word_is_told_of():
    with (
        pytest.raises(accounts.AccountError, match=r"^its process ended with status 7$"),
        accounts.written(accounts.NOBODY, lambda _file: os._exit(7), 60) as file,
    ):
        file.read()
