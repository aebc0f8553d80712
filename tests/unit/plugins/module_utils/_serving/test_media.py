# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nginx's account can read of an app's state, by real accounts and real ACLs."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import pathlib
import shutil
import tempfile
import types
from unittest import mock

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts, shell
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import media
from ansible_collections.pyweb.stack.plugins.module_utils._serving.media import Media, MediaError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be somebody else")
APP, NGINX, STRANGER = shell.Account(7001, 7001), shell.Account(7002, 7002), shell.Account(7003, 7003)
WANTED = {"url": "/media/", "path": "media", "protected": False}


@pytest.fixture
def state(monkeypatch):
    """Return the app's state folder, as systemd makes it, with a database in it; beside it is the app's folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="media-"))
    folder.chmod(0o755)
    (folder / "srv/shop").mkdir(parents=True)
    (folder / "shop").mkdir(mode=0o750)
    (folder / "shop/db.sqlite3").write_bytes(b"SQLite format 3\0 and so on")
    for path in (folder / "shop", folder / "shop/db.sqlite3"):
        os.chown(path, APP.uid, APP.gid)
    monkeypatch.setattr(media, "STATE", f"{folder}/{{}}")
    monkeypatch.setattr(server, "user", lambda: "nginx")
    monkeypatch.setattr(Media, "_uid", lambda _self: NGINX.uid)
    yield folder / "shop"
    shutil.rmtree(folder)


@contextlib.contextmanager
def _here(account: shell.Account, write, _seconds):
    """Do what accounts.written does in this process, which has the account's rights as long as that takes."""
    answer, groups = io.BytesIO(), os.getgroups()
    os.setgroups([])
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        write(answer)
    except Exception as error:
        raise accounts.AccountError(str(error)) from error
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
    answer.seek(0)
    yield answer


@pytest.fixture(params=["a process of its own", "this process"])
def served(request, state, monkeypatch):
    """Return a function that has a folder served, and says whether that was a change."""
    if request.param == "this process":
        instead = types.SimpleNamespace(written=_here, AccountError=accounts.AccountError)
        monkeypatch.setattr(media, "accounts", instead)

    def served(**wanted) -> bool:
        of_shop = Media(Store(str(state.parent / "srv"), "shop"), {**WANTED, **wanted} if wanted is not None else None)
        foretold = bool(of_shop.diff())
        assert any([of_shop.prepare(), of_shop.settle()]) == foretold
        return foretold

    return served


def _as(account: shell.Account, act) -> str:
    """Return what `act` returns, as an account, or why it can't be done."""

    def write(file) -> None:
        os.umask(0o027)
        file.write(str(act()).encode())

    try:
        with accounts.written(account, write, 60) as file:
            return file.read().decode()
    except accounts.AccountError as error:
        return str(error)


def _put(path: pathlib.Path, mode: int | None = None) -> None:
    def put():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a cat")
        if mode is not None:
            path.chmod(mode)
        return ""

    assert _as(APP, put) == ""


def _read(account: shell.Account, path: pathlib.Path) -> str:
    return _as(account, path.read_text)


def test_nginx_reads_what_the_app_writes_before_and_after_and_nobody_else_does(state, served):
    _put(state / "media/2025/old.txt", 0o600)
    assert served()
    assert not served()
    _put(state / "media/2026/11/new.txt")
    _put(state / "media/uploaded.txt", 0o644)
    for name in ("2025/old.txt", "2026/11/new.txt", "uploaded.txt"):
        assert _read(NGINX, state / "media" / name) == "a cat"
        assert "Permission denied" in _read(STRANGER, state / "media" / name)
    assert "Permission denied" in _as(NGINX, lambda: (state / "media/x").write_text("x"))


def test_of_the_rest_of_the_state_it_reads_nothing(state, served):
    served()
    assert "Permission denied" in _as(NGINX, (state / "db.sqlite3").read_bytes)
    assert "Permission denied" in _as(NGINX, lambda: os.listdir(state))
    _put(state / "later.txt")
    assert "Permission denied" in _read(NGINX, state / "later.txt")


def test_what_systemd_does_at_each_start_takes_nothing_away(state, served):
    served()
    state.chmod(0o750)
    _put(state / "media/x.txt")
    assert _read(NGINX, state / "media/x.txt") == "a cat"
    assert not served()


def test_a_folder_that_is_another_one_now_is_opened_again(state, served):
    served()
    shutil.rmtree(state / "media")
    _put(state / "media/restored.txt")
    assert served()
    assert _read(NGINX, state / "media/restored.txt") == "a cat"


def test_what_is_served_no_more_is_closed(state, served):
    served()
    _put(state / "media/x.txt", 0o644)
    Media(Store(str(state.parent / "srv"), "shop"), None).settle()
    assert "Permission denied" in _read(NGINX, state / "media/x.txt")
    assert _read(APP, state / "media/x.txt") == "a cat"
    assert media.served(str(state.parent / "srv/shop")) is None


def test_the_site_learns_what_is_served(state, served):
    served(url="/files/", path="up/loads", protected=True)
    told = media.served(str(state.parent / "srv/shop"))
    assert (told.url, told.folder, told.protected) == ("/files/", str(state / "up/loads"), True)
    _put(state / "up/loads/x.txt")
    _put(state / "up/other.txt")
    assert _read(NGINX, state / "up/loads/x.txt") == "a cat"
    assert "Permission denied" in _read(NGINX, state / "up/other.txt")


@pytest.mark.parametrize("path", ["media", "up/loads"])
def test_a_link_in_its_place_is_refused(state, served, path):
    place = state / path
    place.parent.mkdir(exist_ok=True)
    os.chown(place.parent, APP.uid, APP.gid)
    os.symlink(state, place)
    with pytest.raises(MediaError, match="and no link to it"):
        served(path=path)


def test_a_link_among_them_gives_nothing_away(state, served):
    _put(state / "media/x.txt")
    secret = state / "secret.txt"
    _put(secret)
    os.symlink(secret, state / "media/link.txt")
    os.mkfifo(state / "media/pipe")
    served()
    assert "Permission denied" in _read(NGINX, state / "media/link.txt")


def _put_database(state, path: str) -> None:
    _put(state / path, 0o644)
    (state / path).write_bytes((state / "db.sqlite3").read_bytes())


@pytest.mark.parametrize("path", ["media/db.sqlite3", "media/deep/er/app.data", "media/.hidden/app"])
def test_a_folder_with_the_database_is_refused(state, served, path):
    _put_database(state, path)
    for _again in range(2):
        with pytest.raises(
            MediaError, match=rf"holds the database '{path[6:]}', which every visitor could get: have the app"
        ):
            served()
        assert "Permission denied" in _as(NGINX, (state / path).read_bytes)
    (state / path).unlink()
    assert served()


@pytest.mark.parametrize("path", ["media/db.sqlite3", "media/deep/er/app.data"])
def test_one_that_came_later_is_closed_and_told_once(state, served, path):
    served()
    _put(state / "media/cat.txt")
    _put_database(state, path)
    (state / f"{path}-wal").write_bytes(b"\x37\x7f\x06\x82 and so on")
    os.chown(state / f"{path}-wal", APP.uid, APP.gid)
    shop = Media(Store(str(state.parent / "srv"), "shop"), WANTED)
    both = sorted(str(state / name) for name in (path, f"{path}-wal"))
    assert sorted(shop.exposed(close=False)) == [(name, True) for name in both]
    assert "SQLite" in _as(NGINX, (state / path).read_bytes)
    # Whoever uploads what looks like one is not to hold up a deploy.
    shop.refuse()
    assert not served()
    assert sorted(shop.exposed(close=True)) == [(name, True) for name in both]
    for name in both:
        assert "Permission denied" in _as(NGINX, pathlib.Path(name).read_bytes)
    assert "SQLite" in _as(APP, (state / path).read_bytes)
    assert _read(NGINX, state / "media/cat.txt") == "a cat"
    assert shop.exposed(close=True) == []


def test_what_is_not_there_yet_holds_none(state):
    for wanted in (WANTED, None):
        shop = Media(Store(str(state.parent / "srv"), "shop"), wanted)
        shop.refuse()
        assert shop.exposed(close=True) == []


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_another_account_s_holds_nothing_up_and_is_told_of_where_nginx_reads_it(state, served, mode):
    served()
    restored = state / "media/restored.db"
    _put_database(state, "media/restored.db")
    os.removexattr(restored, "system.posix_acl_access")
    restored.chmod(mode)
    os.chown(restored, 0, APP.gid)
    shop = Media(Store(str(state.parent / "srv"), "shop"), WANTED)
    for _again in range(2):
        assert shop.exposed(close=True) == ([(str(restored), False)] if mode == 0o644 else [])
    assert ("SQLite" in _as(NGINX, restored.read_bytes)) == (mode == 0o644)


def test_a_path_that_is_too_long_holds_nothing_up(state, served):
    served()
    _put(state / "media/cat.txt")

    def dig():
        os.chdir(state / "media")
        for _level in range(16):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        pathlib.Path("x" * 100).write_text("x")
        return ""

    assert _as(APP, dig) == ""
    _put_database(state, "media/later.db")
    shop = Media(Store(str(state.parent / "srv"), "shop"), WANTED)
    assert shop.exposed(close=False) == [(str(state / "media/later.db"), True)]


def test_of_many_files_and_folders_the_first_are_looked_at(state, served, monkeypatch):
    monkeypatch.setattr(media, "_LOOKED_AT", 5)
    for name in ("a.txt", "c.jpg", "deep/b.txt"):
        _put(state / "media" / name)
    served()
    shop = Media(Store(str(state.parent / "srv"), "shop"), WANTED)
    _put_database(state, "media/deep/app.db")
    assert shop.exposed(close=False) == [(str(state / "media/deep/app.db"), True)]
    for name in ("d.jpg", "e.jpg"):
        _put(state / "media" / name)
    assert shop.exposed(close=False) == []


def test_it_looks_for_no_longer_than_a_deploy_can_wait(state, served, monkeypatch):
    served()
    _put_database(state, "media/app.db")
    monkeypatch.setattr(media, "_SECONDS", -1)
    assert Media(Store(str(state.parent / "srv"), "shop"), WANTED).exposed(close=False) == []


def test_a_file_that_is_only_named_as_one_is_none(state, served):
    _put(state / "media/notes.db")
    assert served()
    assert _read(NGINX, state / "media/notes.db") == "a cat"


@pytest.mark.parametrize(("number", "said"), [(errno.ENOTSUP, "has no ACLs"), (errno.EIO, "Input/output error")])
def test_a_file_system_that_takes_no_acls_is_told_of(state, served, monkeypatch, number, said):
    monkeypatch.setattr(media.acls, "allow_later", mock.Mock(side_effect=OSError(number, os.strerror(number))))
    with pytest.raises(MediaError, match=f"gunicorn_media has the path 'media', but .*{said}"):
        served()


def test_check_mode_tells_the_site_what_it_would_serve_once(state, monkeypatch):
    monkeypatch.setattr(stores, "TRIAL", str(state.parent / "trial"))
    folder = str(state.parent / "srv/shop")
    store = Store(os.path.dirname(folder), "shop")
    assert media.foretold(folder) is None
    Media(store, WANTED).foretell()
    foretold = media.foretold(folder)
    assert (foretold.url, foretold.folder) == ("/media/", str(state / "media"))
    assert media.foretold(folder) is None
    Media(store, None).foretell()
    assert media.foretold(folder) is None


def test_nginx_s_account_is_asked_of_the_host(monkeypatch, tmp_path):
    monkeypatch.setattr(server, "user", lambda: "nobody")
    assert Media(Store(str(tmp_path), "shop"), WANTED)._uid() == 65534
