# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release has the name of all that decides how it behaves, and tells no secret."""

from __future__ import annotations

import json
import os
import pwd
import stat

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans
from ansible_collections.pyweb.stack.plugins.module_utils._host import hardening, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores
from ansible_collections.pyweb.stack.plugins.module_utils._release.releases import Inputs, Release, ReleaseError
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests
from ansible_collections.pyweb.stack.plugins.module_utils._text.unknown import UNKNOWN

KEY = b"the host's own"
SECRET = "hunter2"
PLAN = plans.plan(1, 4000)
IN_FORCE = {"workers": 3, "threads": 1, "timeout": 30, "worker_class": "sync"}
USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(autouse=True)
def _host(tmp_path, monkeypatch):
    """Nothing of this machine's units and nginx counts."""
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "system"))
    monkeypatch.setattr(server, "ETC", str(tmp_path / "nginx"))


@pytest.fixture
def store(tmp_path, as_root, write):
    store = Store(str(tmp_path), "shop")
    with store.locked("a test"):
        write(store.item("venvs", "v1"), {"installed.txt": "django==5.2\ngunicorn==27.0.1\n"})
        return store


@pytest.fixture
def release(store):
    """Return a release with these parameters in place of the usual ones."""

    def release(key=KEY, **changed) -> Release:
        params = {
            "name": "shop",
            "user": USER,
            "source": store.item("sources", "s1"),
            "version": "v1",
            "chdir": ".",
            "venv": store.item("venvs", "v1"),
            "config": "workers = 3\n",
            "wsgi_app": "shop.wsgi:application",
            "env": {"SECRET_KEY": SECRET, "MODE": "production"},
            "graceful_timeout": 30,
            "overlap": True,
            "memory_max": None,
            "cpu_quota": None,
            "writable_paths": [],
            "unit": {},
            "plan": PLAN,
        }
        return Release(store, Inputs(**{**params, **changed}), key)

    return release


def _seal(store, release: Release) -> None:
    """Make the release serve, unproved: that takes a server."""
    os.mkdir(release.path)
    release._write(release.path)
    release._write_record(release.path, IN_FORCE)
    for name, text in release.units().items():
        os.makedirs(systemd.UNIT_FOLDER, exist_ok=True)
        with open(os.path.join(systemd.UNIT_FOLDER, name), "w", encoding="utf-8") as file:
            file.write(text)
    store.switch(release.id)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"version": "v1.0"}, True, id="another name of the same commit"),
        pytest.param({"plan": {**PLAN, "reason": "in other words"}}, True, id="a plan that comes to the same"),
        pytest.param({"env": {"MODE": "production", "SECRET_KEY": SECRET}}, True, id="order"),
        pytest.param({"source": "/srv/shop/sources/s2"}, False, id="source"),
        pytest.param({"source": None}, False, id="no source"),
        pytest.param({"venv": "/srv/shop/venvs/v2"}, False, id="venv"),
        pytest.param({"config": "workers = 4\n"}, False, id="config"),
        pytest.param({"chdir": "src"}, False, id="chdir"),
        pytest.param({"env": {"SECRET_KEY": "hunter3", "MODE": "production"}}, False, id="a value of env"),
        pytest.param({"env": {"SECRET_KEY": SECRET}}, False, id="a variable less"),
        pytest.param({"env": {"SECRET_KEY": "production", "MODE": SECRET}}, False, id="values swapped"),
        pytest.param({"graceful_timeout": 60}, False, id="graceful_timeout"),
        pytest.param({"overlap": False}, False, id="overlap"),
        pytest.param({"memory_max": "512M"}, False, id="memory_max"),
        pytest.param({"cpu_quota": "150%"}, False, id="cpu_quota"),
        pytest.param({"writable_paths": ["/data/files"]}, False, id="writable_paths"),
        pytest.param({"shared_paths": ["data"]}, False, id="shared_paths"),
        pytest.param({"shared_paths": []}, True, id="no shared_paths"),
        pytest.param({"unit": {"Nice": 5}}, False, id="unit"),
        pytest.param({"unit": {}}, True, id="no unit"),
        pytest.param({"processes": {"worker": {"command": ["rq", "worker"]}}}, False, id="processes"),
        pytest.param({"processes": {}, "schedule": {}}, True, id="no processes and no schedule"),
        pytest.param({"schedule": {"tidy": {"command": ["manage.py", "tidy"], "at": "daily"}}}, False, id="schedule"),
        pytest.param({"user": "daemon"}, False, id="user"),
        pytest.param({"key": b"another host's"}, False, id="key"),
    ],
)
def test_the_id_is_that_of_the_inputs(release, changed, same):
    before, after = release().id, release(**changed).id
    assert (before == after) is same
    assert len(after) == 12


def test_a_new_sandbox_makes_a_new_release(release, monkeypatch):
    before = release().id
    monkeypatch.setattr(hardening, "SERVICE", hardening.SERVICE[1:])
    assert release().id != before


def test_another_account_of_nginx_makes_a_new_release(release, write):
    before = release().id
    write(server.ETC, {"nginx.conf": "user nginx;\n"})
    assert release().id != before


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        pytest.param({"chdir": "./src/"}, "WorkingDirectory={}/sources/s1/src", id="a folder below the source"),
        pytest.param({"source": None}, "WorkingDirectory={}", id="no source"),
        pytest.param({"graceful_timeout": 60}, "TimeoutStopSec=65", id="gunicorn's own end comes before systemd's"),
        pytest.param({"memory_max": "512M"}, "MemoryMax=512M", id="memory"),
        pytest.param({"cpu_quota": "150%"}, "CPUQuota=150%", id="processor"),
        pytest.param({"writable_paths": ["/data/a", "/data/b"]}, "ReadWritePaths=/data/a /data/b", id="writable_paths"),
        pytest.param(
            {"shared_paths": ["data/"]}, "BindPaths=/var/lib/gunicorn-shop/data:{}/sources/s1/data", id="shared_paths"
        ),
        pytest.param({"unit": {"ProtectHome": False}}, "ProtectHome=no", id="unit"),
    ],
)
def test_its_unit_says(release, store, changed, line):
    units = release(**changed).units()
    (unit,) = [text for name, text in units.items() if name == f"gunicorn-shop@{release(**changed).id}.service"]
    assert line.format(store.path) in unit.splitlines()


@pytest.mark.parametrize(
    ("python", "executable"),
    [("/opt/python/bin/python3.14", "/opt/python"), ("/usr/bin/python3", "")],
)
def test_an_interpreter_beside_debians_may_be_executed(release, store, python, executable):
    folder = os.path.join(store.item("venvs", "v1"), "bin")
    os.mkdir(folder)
    os.symlink(python, os.path.join(folder, "python"))
    (line,) = [line for line in "".join(release().units().values()).splitlines() if line.startswith("ExecPaths=")]
    assert line == f"ExecPaths={store.path}/sources {store.path}/venvs /usr -/opt {executable}".rstrip()


def test_the_folder_of_a_release(release, store, write):
    write(store.item("sources", "s1"), {"app.py": "print()"})
    sealed = release()
    _seal(store, sealed)

    got = {name: stat.S_IMODE(os.lstat(os.path.join(sealed.path, name)).st_mode) for name in os.listdir(sealed.path)}
    files = {name: mode for name, mode in got.items() if mode != 0o777}
    assert files == {"env": 0o600, "gunicorn.conf.py": 0o640, "release.json": 0o640}
    assert os.listdir(os.path.join(sealed.path, "src")) == ["app.py"]
    assert os.listdir(os.path.join(sealed.path, "venv")) == ["installed.txt"]
    assert os.readlink(os.path.join(sealed.path, "app.sock")) == f"/run/gunicorn-shop/{sealed.id}.sock"
    with open(os.path.join(sealed.path, "env"), encoding="utf-8") as file:
        assert file.read() == f'MODE="production"\nSECRET_KEY="{SECRET}"\n'


def test_the_record_has_the_digests_of_secrets_which_only_the_key_can_check(release, store):
    sealed = release()
    _seal(store, sealed)

    record = store.release(sealed.id)

    assert (record["id"], record["version"], record["plan"]) == (sealed.id, "v1", PLAN)
    assert record["in_force"] == IN_FORCE
    assert record["installed"] == ["django==5.2", "gunicorn==27.0.1"]
    assert record["overlap"] is True
    assert record["env"] == {
        name: digests.keyed(KEY, value) for name, value in (("SECRET_KEY", SECRET), ("MODE", "production"))
    }
    assert SECRET not in json.dumps(record)
    assert digests.of(SECRET) not in json.dumps(record)


def test_the_diff_of_a_first_release_shows_all_but_secrets(release):
    diff = release().diff()
    after = {part["after_header"]: part["after"] for part in diff}
    # Not the units: two hundred lines that are nearly the same for every app.
    assert list(after) == ["app", "packages", "gunicorn.conf.py", "env"]
    assert {part["before"] for part in diff} == {""}
    assert "version: v1\n" in after["app"]
    assert after["packages"] == "django==5.2\ngunicorn==27.0.1\n"
    assert after["env"] == "MODE=(hidden)\nSECRET_KEY=(hidden)\n"
    assert SECRET not in json.dumps(diff)


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"config": "workers = 4\n"}, {"gunicorn.conf.py": "workers = 4\n"}, id="config"),
        pytest.param(
            {"env": {"SECRET_KEY": "hunter3", "MODE": "production"}},
            {"env": "MODE=(hidden)\nSECRET_KEY=(hidden, changed)\n"}, id="a value",
        ),
        pytest.param(
            {"env": {"SECRET_KEY": SECRET, "TOKEN": "hunter3"}},
            {"env": "SECRET_KEY=(hidden)\nTOKEN=(hidden)\n"}, id="variables",
        ),
    ],
)  # fmt: skip
def test_the_diff_shows_what_changes_and_no_value(release, store, changed, parts):
    _seal(store, release())
    diff = release(**changed).diff()
    assert {part["after_header"]: part["after"] for part in diff} == parts
    assert "hunter" not in json.dumps(diff)


def test_the_diff_of_other_code_says_so_once(release, store):
    config = "chdir = '{}'\n"
    _seal(store, release(config=config.format(store.item("sources", "s1"))))
    source = store.item("sources", "s2")
    (part,) = release(source=source, version="v2", config=config.format(source)).diff()
    changed = set(part["after"].splitlines()) ^ set(part["before"].splitlines())
    assert changed == {"source: s1", "source: s2", "version: v1", "version: v2"}


def test_the_diff_of_what_check_mode_can_not_know_yet(release, store, tmp_path, monkeypatch, write):
    _seal(store, release())
    monkeypatch.setattr(stores, "TRIAL", str(tmp_path / "trial"))
    unknown = {"source": UNKNOWN, "venv": store.item("venvs", "v2"), "config": UNKNOWN}
    after = {part["after_header"]: part["after"] for part in release(**unknown).diff()}
    assert "source: (not known yet)\n" in after["app"]
    assert (after["packages"], after["gunicorn.conf.py"]) == ("(not known yet)\n", "(not known yet)\n")
    write(store.trial().item("venvs", "v2"), {"installed.txt": "django==5.3\n"})
    assert {part["after_header"]: part["after"] for part in release(**unknown).diff()}["packages"] == "django==5.3\n"


@pytest.mark.parametrize(
    ("changed", "alike"),
    [
        pytest.param({"config": "workers = 4\n"}, True, id="a setting"),
        pytest.param({"memory_max": "512M"}, True, id="a limit"),
        pytest.param({"source": "/srv/shop/sources/s2"}, False, id="other code"),
        pytest.param({"venv": "/srv/shop/venvs/v2"}, False, id="other packages"),
        pytest.param({"env": {"SECRET_KEY": "hunter3", "MODE": "production"}}, False, id="another value"),
    ],
)
def test_the_serving_release_answers_for_one_that_has_the_same_code_packages_and_environment(
    release, store, changed, alike
):
    assert release().alike() is None
    sealed = release()
    _seal(store, sealed)
    assert release(**changed).alike() == (sealed.id if alike else None)
    other = release(**changed)
    os.mkdir(other.path)
    assert other.alike() == other.id


def test_an_account_that_check_mode_has_yet_to_make(release, store):
    theirs = release(user="nobody-has-this-name")
    assert "Group=nobody-has-this-name\n" in "".join(theirs.units().values())
    # Nothing can be asked of a release that can't run.
    os.mkdir(theirs.path)
    assert theirs.alike() is None


def test_the_diff_of_a_new_limit_is_in_the_unit(release, store):
    _seal(store, release())
    (part,) = release(memory_max="512M").diff()
    assert part["after_header"] == "service"
    assert set(part["after"].splitlines()) - set(part["before"].splitlines()) == {"MemoryMax=512M"}


@pytest.mark.parametrize(
    ("changed", "summary"),
    [
        pytest.param({}, "3 workers (2 x 1 CPUs + 1), about", id="as planned"),
        pytest.param(
            {"workers": 7}, "7 workers (set in gunicorn_conf_file), about 732 MiB", id="the user's own number"
        ),
    ],
)
def test_the_plan_gives_way_to_what_is_in_force(release, store, monkeypatch, changed, summary):
    sealed = release()
    assert sealed.plan()["summary"].startswith("planned: 3 workers")
    monkeypatch.setitem(globals(), "IN_FORCE", {**IN_FORCE, **changed})
    _seal(store, sealed)
    assert sealed.plan()["summary"].startswith(summary)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{store}/files", "the app must not write its own code, which is in {store}: choose another folder"),
        ("{store}", "the app must not write its own code"),
        ("{tmp}", "the app must not write its own code"),
        ("{tmp}/link", "which is a link to {tmp}/there: use that"),
        ("{tmp}/link/below", "which is a link to {tmp}/there/below: use that"),
        ("{tmp}/file", "which is no folder: name the one that it is in"),
    ],
)
def test_a_path_that_the_app_can_not_have(release, store, tmp_path, write, path, said):
    write(tmp_path, {"file": "", "there/x": ""})
    (tmp_path / "link").symlink_to("there")
    places = {"store": store.path, "tmp": str(tmp_path)}
    with pytest.raises(ReleaseError) as caught:
        release(writable_paths=[str(tmp_path / "fine"), path.format(**places)]).missing_folders()
    assert str(caught.value).startswith(f"gunicorn_writable_paths has {path.format(**places)!r}, ")
    assert said.format(**places) in str(caught.value)


def test_a_missing_folder_is_made_and_one_that_is_there_left_alone(release, tmp_path, as_root):
    (tmp_path / "there").mkdir(mode=0o701)
    mine = release(writable_paths=[str(tmp_path / "there"), str(tmp_path / "far/files")])

    missing = mine.missing_folders()
    assert missing == [str(tmp_path / "far/files")]
    for path in missing:
        mine.make_folder(path)

    assert stat.S_IMODE((tmp_path / "far/files").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o701
    assert os.listdir(tmp_path / "far") == ["files"]
    assert mine.missing_folders() == []


def test_a_fault_of_the_unit_is_told_by_the_users_own_line(release):
    mine = release(unit={"ProtectSystem": "maybe", "Nice": 99})
    lines = mine._service.service_unit().splitlines()
    numbers = {text: lines.index(text) + 1 for text in ("Nice=99", "ProtectSystem=maybe", "User=" + USER)}
    place = f"/x/gunicorn-shop@{mine.id}.service"
    said = f"{place}:{numbers['Nice=99']}: out of range\n{place}:{numbers['ProtectSystem=maybe']}: no value"
    assert mine._blame(said).splitlines() == [
        "gunicorn_unit has Nice=99, which systemd refuses: out of range",
        "gunicorn_unit has ProtectSystem=maybe, which systemd refuses: no value",
    ]
    most = "99999999999999999999%"
    limited = release(cpu_quota=most)
    line = limited._service.service_unit().splitlines().index(f"CPUQuota={most}") + 1
    place = f"/x/gunicorn-shop@{limited.id}.service"
    assert limited._blame(f"{place}:{line}: out of range").startswith(f"gunicorn_cpu_quota is '{most}', which")
    # What is not the user's is told as systemd said it.
    ours = f"/x/a.service:{numbers['User=' + USER]}: what?"
    assert mine._blame(ours) == ours


WORKER = {"command": ["rq", "worker"], "settle": 1}
TIDY = {"command": ["manage.py", "tidy"], "at": "*-*-* 03:00:00"}


@pytest.mark.parametrize(
    "changed",
    [
        {"processes": {"worker": {**WORKER, "settle": 2}}},
        {"processes": {"worker": {**WORKER, "count": 2}}},
        {"processes": {"worker": {**WORKER, "command": ["rq", "worker", "high"]}}},
        {"processes": {"other": WORKER}},
        {"schedule": {"tidy": {**TIDY, "at": "*-*-* 04:00:00"}}},
        {"schedule": {"tidy": {**TIDY, "jitter": "5m"}}},
        {"schedule": {}},
    ],
)
def test_each_part_of_a_companion_makes_another_release(release, changed):
    given = {"processes": {"worker": WORKER}, "schedule": {"tidy": TIDY}}
    assert release(**given).id != release(**{**given, **changed}).id


def test_its_companions_are_in_its_record_its_folder_and_its_units(release, store, write):
    mine = release(processes={"worker": {**WORKER, "count": 2}}, schedule={"tidy": TIDY})
    folder = write(store.item("releases", mine.id), {"env": ""})
    mine._write_companions(str(folder), {"pythonpath": ["/srv/shop/lib"]})
    mine._write_record(str(folder), IN_FORCE)
    units = [f"gunicorn-shop-worker-{number}@{mine.id}.service" for number in (1, 2)]
    assert set(mine.units()) >= {*units, f"gunicorn-shop-tidy-job@{mine.id}.service"}
    assert (folder / "processes").read_text() == "".join(f"{unit}\n" for unit in units)
    assert (folder / "companions.env").read_text() == 'PYTHONPATH="/srv/shop/lib"\n'
    record = store.release(mine.id)
    assert release(processes=record["processes"], schedule=record["schedule"]).id == mine.id
    assert stat.S_IMODE(os.stat(os.path.join(store.path, "locks/worker")).st_mode) == 0o640
    assert stat.S_IMODE(os.stat(os.path.join(store.path, "locks")).st_mode) == 0o750


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"processes": {"worker": {"command": ["celry"]}}},
            "gunicorn_processes has 'celry'.*did you mean celery.*worker",
        ),
        (
            {"processes": {"worker": {"command": ["manage.py", "work"]}}},
            "gunicorn_processes has manage.py.*gunicorn_chdir",
        ),
        ({"processes": {"worker": {"command": ["/nosuch/node"]}}}, "the host has no such file"),
        (
            {"schedule": {"tidy": {**TIDY, "at": "every day"}}},
            "gunicorn_schedule has manage.py(.|\n)*at 'every day'.*can't read",
        ),
        ({"schedule": {"tidy": {**TIDY, "command": ["celery"], "at": "2020-01-01"}}}, "which is past"),
    ],
)
def test_a_companion_that_can_not_be_started_is_refused(release, store, write, given, says):
    for name in ("celery", "gunicorn", "python", "activate"):
        (write(store.item("venvs", "v1"), {f"bin/{name}": ""}) / "bin" / name).chmod(0o755)
    with pytest.raises(ReleaseError, match=says):
        release(**given).check_companions()


def test_companions_that_can_be_started_pass(release, store, write):
    (write(store.item("venvs", "v1"), {"bin/celery": ""}) / "bin/celery").chmod(0o755)
    write(store.item("sources", "s1"), {"site/manage.py": ""})
    processes = {"worker": {"command": ["celery"]}, "shell": {"command": ["/bin/sh"]}}
    release(chdir="site", processes=processes, schedule={"tidy": TIDY}).check_companions()


def test_what_only_check_mode_has_of_an_environment_refuses_no_companion(release, store, tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "TRIAL", str(tmp_path / "check"))
    venv = store.item("venvs", "v2")
    os.makedirs(f"{stores.TRIAL}{venv}/bin")
    release(venv=venv, processes={"worker": {"command": ["celery", "worker"]}}).check_companions()


def test_what_debian_s_packages_may_bring_is_refused_when_it_is_not_there_and_not_before(release, store):
    os.makedirs(f"{store.item('venvs', 'v1')}/bin")
    made = release(processes={"page": {"command": ["/nosuch/node", "server.js"]}})
    made.check_companions(foretold=True)
    with pytest.raises(ReleaseError, match="gunicorn_packages"):
        made.check_companions()


def test_the_diff_has_the_next_times_of_a_job(release, store):
    _seal(store, release())
    (diff,) = [
        each for each in release(schedule={"tidy": TIDY}).diff() if each["after_header"] == "processes and schedule"
    ]
    assert diff["before"] == ""
    assert diff["after"].startswith("tidy: manage.py tidy (at *-*-* 03:00:00)\n")
    assert diff["after"].count("  next: ") == diff["after"].count(" 03:00:00 ") == 3
