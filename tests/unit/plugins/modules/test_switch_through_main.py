# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module gunicorn_switch from its options to its result; what systemd holds is played, and what the app answers."""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied, host_command
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import instance, interpreters, media, probe, queues
from ansible_collections.pyweb.stack.plugins.module_utils._serving.media import Exposed, Media
from ansible_collections.pyweb.stack.plugins.module_utils._serving.processes import Processes

ONE, TWO, THREE = "0b1a2f3e4d5c", "1c2d3e4f5a6b", "4f6a7d8e9c0b"


class Systemd:
    """Units that run once they are started, and are known until they are stopped; a process holds the lock of all."""

    def __init__(self, pid: int):
        self._pid = pid
        self.running: set[str] = set()
        self.enabled: set[str] = set()
        self.drop_ins = ""

    def ctl(self, verb: str, *arguments: str) -> Done:
        units = [each for each in arguments if not each.startswith("--")]
        said = ""
        if verb == "show":
            said = "\n".join(map(self._state, units))
        elif verb == "list-units":
            named = [unit for unit in self.running if any(fnmatch.fnmatch(unit, asked) for asked in arguments)]
            said = json.dumps([{"unit": unit, "load": "loaded", "active": "active"} for unit in named])
        if verb in ("enable", "disable"):
            (self.enabled.update if verb == "enable" else self.enabled.difference_update)(units)
        if verb == "start" or ("--now" in arguments and verb == "enable"):
            self.running.update(units)
        if verb == "stop" or ("--now" in arguments and verb == "disable"):
            self.running.difference_update(units)
        return Done([verb, *arguments], 0, said, "")

    def _state(self, unit: str) -> str:
        running = unit in self.running
        values = {
            "ActiveState": "active" if running else "inactive",
            "SubState": "running" if running else "dead",
            "NRestarts": 0,
            "Result": "success",
            "ExecMainStatus": 0,
            "MainPID": self._pid if running else 0,
            "UnitFileState": "enabled" if unit in self.enabled else "disabled",
            "DropInPaths": self.drop_ins,
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())


@pytest.fixture
def host(tmp_path, monkeypatch, as_root, write):
    """Return a host with an app and its three releases, none of which is active."""
    with subprocess.Popen(["flock", "--no-fork", tmp_path, "sleep", "600"]) as gunicorn:
        played = Systemd(gunicorn.pid)
        (tmp_path / "units").mkdir()
        monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
        monkeypatch.setattr(host_command, "FOLDER", str(tmp_path / "commands"))
        monkeypatch.setattr(systemd, "ctl", played.ctl)
        monkeypatch.setattr(systemd, "commands", lambda _app: [])
        monkeypatch.setattr(systemd, "verify", lambda _units: None)
        monkeypatch.setattr(systemd, "journal", lambda *_arguments: "It broke.\n")
        monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
        monkeypatch.setattr(queues, "length", lambda _path: (0, 0))
        monkeypatch.setattr(probe, "get", lambda *_arguments: probe.Answer(200, ""))
        store = Store(str(tmp_path), "shop")
        with store.locked("making it"):
            pass
        for number, release in enumerate((ONE, TWO, THREE), 1):
            record = {"in_force": {"workers": 0}, "version": f"v{number}", "built": f"2026-01-0{number}", "env": {}}
            write(store.item("releases", release), {"release.json": json.dumps(record)})
        yield played
        gunicorn.kill()


@pytest.fixture
def switch(host, tmp_path, play):
    """Play the module with these options."""

    def switch(release=None, check=False, **given) -> dict:
        options = {"name": "shop", "root": str(tmp_path), "release": release, "by": "ann", **given}
        return play("gunicorn_switch", check, **{name: value for name, value in options.items() if value is not None})

    return switch


def _current(tmp_path) -> str | None:
    return Store(str(tmp_path), "shop").current()


def test_a_release_takes_over_once_and_check_mode_says_so_before(switch, host, tmp_path):
    foretold = switch(ONE, check=True, version="v1")
    assert (foretold["changed"], foretold["release"], foretold["previous"]) == (True, ONE, None)
    assert _current(tmp_path) is None
    done = switch(ONE, version="v1")
    assert (done["changed"], done["answer"], done["previous"]) == (True, "200", None)
    assert done["diff"] == foretold["diff"]
    assert _current(tmp_path) == ONE
    again = switch(ONE, version="v1")
    assert (again["changed"], again["answer"], again["previous"], again["warned"]) == (False, "", ONE, "")
    assert not switch(ONE, check=True, version="v1")["changed"]
    assert switch(TWO)["previous"] == ONE
    assert {unit for unit in host.running if "@" in unit} == {
        f"gunicorn-shop@{TWO}.service",
        f"gunicorn-shop@{TWO}.socket",
    }


def test_what_somebody_stopped_is_started_though_it_is_the_release_already(switch, host):
    switch(ONE)
    host.running.discard(f"gunicorn-shop@{ONE}.service")
    assert f"gunicorn-shop@{ONE}.service: stopped or disabled" in switch(ONE, check=True)["diff"][0]["before"]
    done = switch(ONE)
    assert (done["changed"], done["answer"]) == (True, "200")
    assert f"gunicorn-shop@{ONE}.service" in host.running


def test_the_last_deploy_is_taken_back_with_a_word_on_what_stays(switch, tmp_path):
    health = {"host": "www.example.com", "path": "/up?token=hunter2", "timeout": 7}
    switch(ONE, health=health)
    switch(TWO)
    back = switch("previous", back=True)
    assert (back["release"], back["previous"], back["changed"]) == (ONE, TWO, True)
    assert f"release {ONE} is active again" in back["warned"]
    # As it was asked when it was deployed, and it goes into the history again.
    events = [json.loads(line) for line in (tmp_path / "shop/history.jsonl").read_text().splitlines()]
    asked = {"host": "www.example.com", "paths": ["/up?token=hunter2"], "status": "200-399", "timeout": 7.0}
    assert (events[-1]["asked"], events[-1]["back"], events[-1]["by"]) == (asked, True, "ann")
    # A second time changes nothing, and says nothing of what stays.
    again = switch("previous", back=True)
    assert (again["release"], again["changed"], again["warned"]) == (ONE, False, "")


def test_going_back_brings_the_processes_and_jobs_of_that_release_back(switch, host, tmp_path, write):
    process, job = {"command": ["rq"], "settle": 0}, {"command": ["tidy"], "at": "daily"}
    companions = {
        ONE: {"processes": {"worker": {**process, "count": 2}}, "schedule": {"report": job}},
        TWO: {"processes": {"mailer": process}, "schedule": {"tidy": job}},
    }
    for release, given in companions.items():
        record = {"in_force": {"workers": 0}, "version": "v1", "built": "2026-01-01", "env": {}, **given}
        write(tmp_path / f"shop/releases/{release}", {"release.json": json.dumps(record)})

    def beside() -> set[str]:
        return {unit for unit in host.running if unit.startswith("gunicorn-shop-")}

    of_one = {f"gunicorn-shop-worker-{number}@{ONE}.service" for number in (1, 2)}
    of_one |= {"gunicorn-shop-processes.service", "gunicorn-shop-report.timer"}
    of_two = {f"gunicorn-shop-mailer@{TWO}.service", "gunicorn-shop-processes.service", "gunicorn-shop-tidy.timer"}
    switch(ONE)
    assert beside() == of_one
    switch(TWO)
    assert beside() == of_two
    switch("previous", back=True)
    assert beside() == of_one
    assert {path.name for path in (tmp_path / "units").glob("*.timer")} == {"gunicorn-shop-report.timer"}
    switch(THREE)
    assert beside() == set()


def test_going_back_keeps_every_release_and_the_fixed_address(switch, tmp_path, monkeypatch):
    for release in (ONE, TWO, THREE):
        switch(release, bind="127.0.0.1:9999")
    switch("previous", back=True, keep_releases=1)
    assert sorted(Store(str(tmp_path), "shop").names("releases")) == [ONE, TWO, THREE]
    assert "127.0.0.1:9999" in (tmp_path / "units/gunicorn-shop-tcp.socket").read_text()


def test_no_token_that_a_page_is_asked_with_is_shown(switch):
    shown = switch(ONE, health={"paths": ["/up?token=hunter2", "/"], "host": "www.example.com"})
    assert "hunter2" not in json.dumps(shown["invocation"])
    assert shown["invocation"]["module_args"]["health"]["host"] == "www.example.com"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"release": None}, "release is empty, but must be the id of a release"),
        ({"release": "previous"}, "release is 'previous', which has a meaning with back: true alone"),
        ({"release": "previous", "back": True}, "no deploy replaced a release that is still there"),
        ({"release": "nosuch"}, f"there is no such release of the app shop; there are {THREE} (v3), {TWO} (v2), {ONE}"),
        ({"release": ONE, "replaces": "c0ffeec0ffee"}, "the app shop was removed"),
    ],
)
def test_what_can_not_be_is_refused(switch, host, given, said):
    assert said in switch(**given)["msg"]
    assert host.running == set()


def test_a_release_that_answers_badly_leaves_the_old_one_active(switch, host, tmp_path, monkeypatch):
    switch(ONE)
    monkeypatch.setattr(probe, "get", lambda *_arguments: probe.Answer(500, ""))
    refused = switch(TWO)["msg"]
    assert f"release {TWO} of the app shop did not prove itself" in refused
    assert f"release {ONE} is still active, untouched" in refused
    assert "It broke." in refused
    assert _current(tmp_path) == ONE
    # One status is a range of itself.
    assert switch(TWO, health={"status": "500"})["answer"].startswith("500")


def test_what_check_mode_can_see_to_fail_fails_there(switch, tmp_path, write):
    write(tmp_path / "units", {"gunicorn-shop.service": "[Service]\nExecStart=/opt/shop/bin/gunicorn\n"})
    assert "gunicorn-shop.service was not made by this role" in switch(ONE, check=True)["msg"]


def test_who_was_cut_and_what_others_change_is_told(switch, host, monkeypatch):
    monkeypatch.setattr(instance, "_PARTING", 0.1)
    switch(ONE)
    of_units = {
        f"gunicorn-shop@{TWO}.service": "gunicorn_unit",
        f"gunicorn-shop-worker@{TWO}.service": "gunicorn_processes",
        f"gunicorn-shop-tidy-job@{TWO}.service": "gunicorn_schedule",
        "gunicorn-shop-tidy.timer": "gunicorn_schedule",
    }
    own = {f"/etc/systemd/system/{unit}.d/mine.conf": variable for unit, variable in of_units.items()}
    host.drop_ins = " ".join([*own, "/etc/systemd/system/service.d/all.conf"])
    monkeypatch.setattr(queues, "length", lambda _path: (1, 2))
    done = switch(TWO, drain_timeout=0)
    assert done["cut"] == 3
    assert "3 connections to the old release were closed because they were still open after" in done["warned"]
    for path, variable in own.items():
        assert f"{path} changes the units of the app shop beside what {variable} says" in done["warned"]
    assert "all.conf" not in done["warned"]


@pytest.mark.parametrize("given", [{"release": TWO}, {"release": "previous", "back": True}])
def test_what_still_ends_is_told_forth_and_back(switch, monkeypatch, given):
    for release in (TWO, ONE):
        switch(release)
    monkeypatch.setattr(Processes, "ending", lambda *_arguments: ("worker of release 1", "beat of release 1"))
    done = switch(**given)
    assert done["ending"] == ["worker of release 1", "beat of release 1"]
    # It is as it should be, and the role says it.
    assert "worker of release 1" not in done["warned"]


def test_a_refusal_says_what_was_done_before_and_stays_until_a_release_takes_over(switch, tmp_path, monkeypatch):
    switch(ONE)
    applied.command(Store(str(tmp_path), "shop"), TWO, ["flask", "db", "upgrade"])
    monkeypatch.setattr(probe, "get", lambda *_arguments: probe.Answer(500, ""))
    for release in (TWO, THREE):
        refused = switch(release)["msg"]
        assert "did not prove itself" in refused
        assert f"done before and stay done: [flask, db, upgrade]. Release {ONE} goes on with them" in refused
    monkeypatch.setattr(probe, "get", lambda *_arguments: probe.Answer(200, ""))
    switch(TWO)
    monkeypatch.setattr(probe, "get", lambda *_arguments: probe.Answer(500, ""))
    assert "flask" not in switch(THREE)["msg"]


def test_releases_that_are_kept_no_longer_go(switch, tmp_path):
    for release in (ONE, TWO):
        switch(release)
    switch(THREE, keep_releases=1)
    assert sorted(Store(str(tmp_path), "shop").names("releases")) == [TWO, THREE]
    assert not switch(THREE, keep_releases=1)["changed"]


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Return the app's state folder, which root alone could share with another account."""
    folder = tmp_path / "state-shop"
    folder.mkdir()
    monkeypatch.setattr(media, "STATE", f"{tmp_path}/state-{{}}")
    monkeypatch.setattr(media.Media, "_uid", lambda _self: 7002)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be somebody else")
def test_what_is_served_of_the_state_comes_with_a_release_and_stays_as_it_is_on_the_way_back(switch, state, tmp_path):
    os.chmod(tmp_path, 0o711)
    wanted = {"url": "/media/", "path": "media"}
    foretold = switch(ONE, check=True, media=wanted)
    assert foretold["changed"]
    assert not (state / "media").exists()
    # The step on the site, which comes next, is told once.
    assert media.foretold(f"{tmp_path}/shop").url == "/media/"
    assert media.foretold(f"{tmp_path}/shop") is None
    done = switch(ONE, media=wanted)
    assert done["diff"] == foretold["diff"]
    assert (tmp_path / "shop/media.json").is_file()
    assert not switch(ONE, media=wanted)["changed"]
    switch(TWO, media=wanted)
    assert not [each for each in switch("previous", back=True)["diff"] if "media" in str(each)]
    assert (tmp_path / "shop/media.json").is_file()
    assert switch(ONE, check=True)["changed"]
    assert switch(ONE)["changed"]
    assert not (tmp_path / "shop/media.json").exists()


def test_a_folder_that_can_t_be_served_is_told_of_before_the_switch(switch, state, tmp_path):
    (state / "media").symlink_to("/etc")
    assert "gunicorn_media has the path 'media'" in switch(ONE, media={"url": "/media/", "path": "media"})["msg"]
    assert _current(tmp_path) is None


def test_units_of_releases_that_go_go_with_them(switch, tmp_path, write):
    for release in (ONE, TWO):
        switch(release)
    write(tmp_path / "units", {f"gunicorn-shop@{ONE}.{kind}": "" for kind in ("service", "socket")})
    switch(THREE, keep_releases=1)
    assert not list((tmp_path / "units").glob(f"gunicorn-shop@{ONE}.*"))


def test_pages_that_it_is_asked_for_find_its_assets_and_a_refused_one_leaves_none(switch, tmp_path, write, monkeypatch):
    for number, release in enumerate((ONE, TWO, THREE)):
        write(tmp_path / f"shop/releases/{release}/static", {f"site.{number:012x}.css": ""})
    there = []

    def get(*_arguments):
        there.append(sorted(os.listdir(tmp_path / "shop/assets")))
        return probe.Answer(status, "")

    monkeypatch.setattr(probe, "get", get)
    status = 200
    for release in (ONE, TWO, THREE):
        switch(release)
    assert there[-1] == [f"site.{number:012x}.css" for number in range(3)]
    switch(THREE, keep_assets=1)
    # One that would be kept no longer, were it not asked for.
    monkeypatch.setattr(Store, "surplus", lambda _store, _keep: [ONE])
    status = 500
    switch(ONE, keep_releases=1, keep_assets=1)
    assert f"site.{0:012x}.css" in there[-1]
    assert os.listdir(tmp_path / "shop/assets") == [f"site.{2:012x}.css"]


def test_a_release_whose_python_is_gone_is_refused_before_anything_is_asked(switch, host, tmp_path):
    (tmp_path / f"shop/releases/{TWO}/venv/bin").mkdir(parents=True)
    (tmp_path / f"shop/releases/{TWO}/venv/bin/python").symlink_to("/nosuch/bin/python3.12")
    switch(ONE)
    refused = switch(TWO)["msg"]
    assert f"release {TWO} can't be active again: its interpreter, /nosuch/bin/python3.12, is no longer" in refused
    assert not any(TWO in unit for unit in host.running)


def test_interpreters_that_nobody_has_any_more_go_with_the_releases_that_had_them(switch, tmp_path, write, monkeypatch):
    pythons = tmp_path / "tools/python"
    monkeypatch.setattr(interpreters.pythons, "folder", lambda: str(pythons))
    monkeypatch.setattr(interpreters.pythons, "_RUN", -1)
    for version in ("3.12.1-a", "3.13.1-b"):
        write(pythons / version, {"bin/python": ""})
    store = f"{tmp_path}/shop"
    write(tmp_path / "units", {f"gunicorn-shop@{ONE}.service": f"EnvironmentFile={store}/releases/%i/env\n"})
    (tmp_path / "shop/venvs/v1/bin").mkdir(parents=True)
    (tmp_path / "shop/venvs/v1/bin/python").symlink_to(pythons / "3.13.1-b/bin/python")
    (tmp_path / f"shop/releases/{ONE}/venv").symlink_to("../../venvs/v1")
    switch(ONE)
    assert os.listdir(pythons) == ["3.13.1-b"]


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be somebody else")
def test_a_database_among_what_is_served_is_told_of(switch, state, tmp_path, write):
    os.chmod(tmp_path, 0o711)
    wanted = {"url": "/media/", "path": "media"}
    (state / "media").mkdir()
    (state / "media/db").write_bytes(b"SQLite format 3\0")
    for check in (True, False):
        assert "holds the database 'db'" in switch(ONE, media=wanted, check=check)["msg"]
    (state / "media/db").unlink()
    switch(ONE, media=wanted)
    # One that comes later may be anybody's, so it is no reason to refuse.
    (state / "media/db").write_bytes(b"SQLite format 3\0")
    for check in (True, False):
        said = switch(ONE, media=wanted, check=check)
        assert said["changed"]
        assert f"every visitor could get the databases '{state}/media/db' until" in said["warned"]
    said = switch(ONE, media=wanted)
    assert (said["changed"], said["warned"]) == (False, "")
    # What is closed is told also where the release is refused: a run after that finds it closed.
    (state / "media/later").write_bytes(b"SQLite format 3\0")
    refused = switch(TWO, media=wanted, replaces=TWO)
    assert "became active during this run" in refused["msg"]
    assert f"every visitor could get the databases '{state}/media/later' until" in refused["warned"]
    # They are named as anybody likes, and may be many.
    for number in range(7):
        (state / f"media/{number}\x1b[2J\n").write_bytes(b"SQLite format 3\0")
    said = switch(ONE, media=wanted)["warned"]
    assert f"'{state}/media/0\\x1b[2J\\n', '{state}/media/1" in said
    assert "media/4\\x1b[2J\\n' and 2 more until" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be somebody else")
@pytest.mark.usefixtures("state")
def test_another_account_s_database_among_what_is_served_is_told_of_and_no_change(switch, tmp_path, monkeypatch):
    os.chmod(tmp_path, 0o711)
    wanted = {"url": "/media/", "path": "media"}
    switch(ONE, media=wanted)
    monkeypatch.setattr(Media, "exposed", lambda *_arguments, **_options: [Exposed("/media/restored", False)])
    for check in (True, False):
        said = switch(ONE, media=wanted, check=check)
        assert "every visitor can get the databases '/media/restored', which are another account's" in said["warned"]
        assert not said["changed"]
