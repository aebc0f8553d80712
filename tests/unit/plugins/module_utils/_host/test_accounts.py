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
