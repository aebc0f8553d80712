# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of an app; systemd's command has it that this very process is its gunicorn."""

from __future__ import annotations

import errno
import json
import os
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving import info

pytestmark = pytest.mark.usefixtures("as_root")
OLD, NEW = "0b1a2f3e4d5c", "4f6a7d8e9c0b"
SYSTEMCTL = """#!/bin/sh
case "$*" in
  list-units*) echo '[{{"unit": "gunicorn-shop-worker@{old}.service", "load": "loaded", "active": "deactivating"}},
    {{"unit": "gunicorn-shop-tidy-job@{old}.service", "load": "loaded", "active": "activating"}}]' ;;
  "show gunicorn-shop-worker@{old}.service gunicorn-shop-tidy-job@{old}.service"*)
    printf '%s\\n' ActiveState=active SubState=running MainPID={pid} NRestarts=2 MemoryCurrent={memory} '' \
      ActiveState=activating SubState=start MainPID=0 NRestarts=0 MemoryCurrent=0 ;;
  *timestamp=utc*) printf '%s\\n' 'NextElapseUSecRealtime=Fri 2026-11-27 03:00:00 UTC' LastTriggerUSec= ExecMainExitTimestamp= ;;
  *) printf '%s\\n' ActiveState=active SubState=running MainPID={pid} NRestarts=2 MemoryCurrent={memory} Result=success ;;
esac
"""


@pytest.fixture
def shop(tmp_path, monkeypatch, write):
    """Return a store with a release that serves and the one before it."""
    write(tmp_path, {"bin/systemctl": SYSTEMCTL.format(old=OLD, pid=os.getpid(), memory=300 << 20)})
    (tmp_path / "bin/systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path))
    store = Store(str(tmp_path / "srv"), "shop")
    with store.locked("deploying"):
        before = None
        for release in (OLD, NEW):
            record = {"version": f"v{release[0]}", "built": "2026", "app": {"wsgi_app": "shop:app"}}
            record.update(schedule={"tidy": {"command": ["tidy"], "at": "03:00"}})
            record.update(in_force={"workers": 3}, env={"SECRET_KEY": "a digest"})
            write(store.item("releases", release), {"release.json": json.dumps(record)})
            store.history.record("serves", release, previous=before, by="ann", asked={"paths": ["/?token=hunter2"]})
            store.switch(release)
            before = release
    return store


def test_an_app_that_serves(shop, tmp_path):
    with subprocess.Popen(["sleep", "600"]) as worker:
        found = info.app(str(tmp_path / "srv"), "shop")
        worker.kill()
    assert (found["release"], found["previous"], found["settings"]) == (NEW, OLD, {"workers": 3})
    assert found["listens"] == [f"{shop.path}/current/app.sock"]
    assert [event["release"] for event in found["history"]] == [OLD, NEW]
    assert "hunter2" not in json.dumps(found)

    newest, older = found["releases"]
    assert (newest["id"], newest["serves"], newest["version"], newest["by"]) == (NEW, True, "v4", "ann")
    assert newest["env"] == ["SECRET_KEY"]
    assert (older["id"], older["serves"], older["version"]) == (OLD, False, "v0")
    assert older["served"] <= newest["served"]

    instance = found["instance"]
    assert instance["unit"] == f"gunicorn-shop@{NEW}.service"
    assert (instance["state"], instance["restarts"], instance["memory"]) == ("active (running)", 2, 300)
    assert instance["pid"] == os.getpid()
    assert worker.pid in [each["pid"] for each in instance["workers"]]
    assert 0 <= min(each["uptime"] for each in instance["workers"]) <= instance["uptime"]

    worker, job = found["processes"]
    assert (job["name"], job["job"], job["state"], job["pid"]) == ("tidy", True, "activating (start)", None)
    assert (worker["name"], worker["release"], worker["job"], worker["pid"]) == ("worker", OLD, False, os.getpid())
    assert found["schedule"] == [
        {"name": "tidy", "at": "03:00", "next": "2026-11-27T03:00:00+00:00", "last": None, "result": None}
    ]


def test_memory_that_nobody_counts_is_not_told(shop, tmp_path, write):
    write(tmp_path, {"bin/systemctl": SYSTEMCTL.format(old=OLD, pid=0, memory=(1 << 64) - 1)})
    instance = info.app(str(tmp_path / "srv"), "shop")["instance"]
    assert [instance[name] for name in ("memory", "pid", "uptime", "workers")] == [None, None, None, []]


def test_all_apps_and_nothing_but_apps(shop, tmp_path, write):
    write(tmp_path, {"srv/www/index.html": "a page"})
    (tmp_path / "srv/link").symlink_to("shop")
    assert info.apps(str(tmp_path / "srv")) == ["shop"]
    assert info.apps(str(tmp_path / "nowhere")) == []


def test_no_such_app(tmp_path):
    with pytest.raises(StoreError, match=f"there is no app 'blog' in {tmp_path}"):
        info.app(str(tmp_path), "blog")


def test_an_app_that_never_served(tmp_path):
    with Store(str(tmp_path), "shop").locked("fetching its source"):
        pass
    found = info.app(str(tmp_path), "shop")
    assert [found[name] for name in ("release", "previous", "instance")] == [None, None, None]
    assert found["releases"] == found["listens"] == []


@pytest.fixture
def _anywhere(monkeypatch):
    """Let an app be in a folder for temporary files, as those of the tests are."""
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])


@pytest.mark.usefixtures("_anywhere")
def test_the_module_tells_of_one_app_or_of_all(shop, tmp_path, play):
    root = str(tmp_path / "srv")
    (one,) = play("gunicorn_info", name="shop", root=root)["apps"]
    (each,) = play("gunicorn_info", root=root)["apps"]
    assert one["release"] == each["release"] == NEW
    assert "there is no app 'blog'" in play("gunicorn_info", name="blog", root=root)["msg"]


@pytest.mark.usefixtures("_anywhere")
def test_who_may_not_read_it_is_told_who_may(shop, tmp_path, play, monkeypatch):
    def refuse(_root, name):
        raise PermissionError(errno.EACCES, "Permission denied", f"/srv/{name}/key")

    monkeypatch.setattr(info, "app", refuse)
    said = play("gunicorn_info", name="shop", root=str(tmp_path / "srv"))["msg"]
    assert said == "/srv/shop/key can't be read: be root, or in the group of the app's account"
