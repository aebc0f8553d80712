# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a handover, as systemd is asked for it; what systemd makes of it is tested on servers."""

from __future__ import annotations

import errno
import json
import os
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._release.history import History
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving import instance, probe
from ansible_collections.pyweb.stack.plugins.module_utils._serving.front import Front
from ansible_collections.pyweb.stack.plugins.module_utils._serving.handover import Handover, Outcome, Refused
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Health
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance
from ansible_collections.pyweb.stack.plugins.module_utils._serving.processes import (
    Processes,
    ProcessRefused,
    Succession,
)
from ansible_collections.pyweb.stack.plugins.module_utils._serving.timers import Timers

HEALTH = Health(["/healthz"], "www.example.com", range(200, 400), 5)
OLD, NEW, STRAY = "0b1a2f3e4d5c", "4f6a7d8e9c0b", "1c2d3e4f5a6b"
# Notes what current names and what is asked. The old instance runs until it is told to stop.
SYSTEMCTL = """#!/bin/sh
[ "$1" = show ] || echo "$(basename "$(readlink {root}/shop/current)")" "$@" >> {root}/asked
case "$*" in
  list-units*) echo '[{{"unit": "gunicorn-shop@{old}.service", "load": "loaded", "active": "active"}}]'; exit ;;
  stop*{old}.service*) touch {root}/ended ;;
esac
[ "$1" = show ] || exit 0
shift
for unit; do
  case "$unit" in
    --*) ;;
    *{old}*) [ -e {root}/ended ] && echo ActiveState=activating || echo ActiveState=active; echo MainPID=0; echo ;;
    *) printf '%s\\n' ActiveState=active SubState=running NRestarts=0 MainPID={pid} UnitFileState=enabled '' ;;
  esac
done
"""


@pytest.fixture
def handover(tmp_path, monkeypatch, write):
    """Return a function that hands over between releases with these values of overlap, and says in which order."""
    with subprocess.Popen(["flock", "--no-fork", tmp_path, "sleep", "600"]) as gunicorn:
        write(
            tmp_path,
            {
                "bin/systemctl": SYSTEMCTL.format(root=tmp_path, old=OLD, pid=gunicorn.pid),
                "bin/journalctl": "#!/bin/sh\necho It broke.\n",
                "bin/systemd-analyze": "#!/bin/sh\n",
            },
        )
        for program in (tmp_path / "bin").iterdir():
            program.chmod(0o755)
        (tmp_path / "units").mkdir()
        monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
        monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
        monkeypatch.setattr(instance, "STATE", str(tmp_path))
        monkeypatch.setattr(systemd, "unit_of", lambda _pid: f"gunicorn-shop@{NEW}.service")

        def run(
            old: bool, new: bool, status: int = 200, replaces: str | None = None, to: str = NEW, keep: int = 5
        ) -> tuple[str, list[str]]:
            # The socket would be in /run.
            monkeypatch.setattr(probe, "get", lambda *_arguments: probe.Answer(status, ""))
            store = Store(str(tmp_path), "shop")
            for release, overlap in ((OLD, old), (NEW, new), (STRAY, new)):
                record = {"in_force": {"workers": 0}, "overlap": overlap, "version": "v1", "built": ""}
                write(store.item("releases", release), {"release.json": json.dumps(record)})
            (tmp_path / "asked").touch()
            store.history.record("serves", STRAY, by="bob")
            store.history.record("serves", OLD, by="bob", previous=STRAY)
            store.switch(OLD)
            try:
                handover = Handover(store, "shop", drain_timeout=5, keep_releases=keep, bind=None)
                said = str(handover.run(handover.look(to), HEALTH, replaces, by="ann"))
            except Refused as refusal:
                said = str(refusal)
            return said, [
                line.replace(f"gunicorn-shop@{NEW}", "NEW")
                .replace(f"gunicorn-shop@{OLD}", "OLD")
                .replace(f"@{OLD}", "@")
                for line in (tmp_path / "asked").read_text().splitlines()
                if ("start " in line or "stop " in line) and line.split()[1] in ("start", "stop")
            ]

        yield run
        gunicorn.kill()


START = [f"{OLD} start NEW.socket", f"{OLD} start --no-block NEW.service"]
END_OLD = [f"{OLD} stop --no-block OLD.service", f"{OLD} stop OLD.service"]
RELAY = [f"{NEW} start gunicorn-shop-relay@.service"]
STOP_OLD = [f"{NEW} stop OLD.service OLD.socket"]
DISCARD = [f"{OLD} stop --no-block NEW.service NEW.socket", f"{OLD} stop NEW.service NEW.socket"]
START_OLD = [f"{OLD} start OLD.socket", f"{OLD} start --no-block OLD.service"]


@pytest.mark.parametrize(
    ("old", "new", "order"),
    [
        pytest.param(True, True, START + STOP_OLD, id="both may run at once"),
        pytest.param(False, False, START + END_OLD + RELAY + STOP_OLD, id="neither may"),
        pytest.param(True, False, START + END_OLD + RELAY + STOP_OLD, id="the new one may not"),
        pytest.param(False, True, START + END_OLD + RELAY + STOP_OLD, id="the old one may not"),
    ],
)
def test_the_old_one_stops_when_the_new_one_serves_or_ends_before_the_new_one_is_proved(handover, old, new, order):
    said, asked = handover(old, new)
    assert "changed=True" in said
    assert asked == order


@pytest.mark.parametrize(
    ("overlap", "order", "outcome"),
    [
        pytest.param(True, START + DISCARD, f"release {OLD} is still active, untouched", id="both may run at once"),
        pytest.param(
            False, START + END_OLD + DISCARD + START_OLD, f"release {OLD} was started again", id="neither may"
        ),
    ],
)
def test_a_refused_one_leaves_the_old_one_serving(handover, overlap, order, outcome):
    said, asked = handover(overlap, overlap, status=500)
    assert outcome in said
    assert "It broke.\nNothing there says why. Where the app handles errors itself" in said
    assert asked == order


def test_an_app_that_keeps_the_lock_to_itself_ends_before_the_new_one_is_proved(handover, monkeypatch):
    monkeypatch.setattr(Instance, "line_up", lambda *_arguments: False)
    assert handover(True, True)[1] == START + END_OLD + RELAY + STOP_OLD


@pytest.mark.parametrize("overlap", [True, False])
def test_nobody_ends_for_one_that_another_process_keeps_in_line(handover, monkeypatch, tmp_path, overlap):
    worker = f"gunicorn-shop-worker@{OLD}.service"
    monkeypatch.setattr(Instance, "line_up", lambda *_arguments: False)
    monkeypatch.setattr(systemd, "unit_of", lambda _pid: worker)
    said, asked = handover(overlap, overlap)
    assert f"it waits for the lock on {tmp_path}, which process " in said
    assert f" of {worker} has: end that process, or have its code leave the lock alone; release {OLD} is still" in said
    assert asked == START + DISCARD


def test_the_process_of_an_instance_that_ends_anyway_keeps_nobody_in_line(handover, monkeypatch):
    monkeypatch.setattr(Instance, "line_up", lambda *_arguments: False)
    monkeypatch.setattr(systemd, "unit_of", lambda _pid: f"gunicorn-shop@{OLD}.service")
    assert handover(True, True)[1] == START + END_OLD + RELAY + STOP_OLD


@pytest.mark.parametrize(
    ("edited", "order"),
    [
        (["service"], ["stop OLD.service", "start OLD.socket", "start --no-block OLD.service"]),
        (["service", "socket"], ["stop OLD.service OLD.socket", "start OLD.socket", "start --no-block OLD.service"]),
        ([], []),
    ],
)
def test_one_whose_units_were_edited_starts_with_what_they_say(handover, tmp_path, monkeypatch, edited, order):
    for name, answer in (("line_up", True), ("prove", "200")):
        monkeypatch.setattr(Instance, name, lambda *_arguments, answer=answer: answer)
    original = Instance.__init__

    def init(self, app, release):
        original(self, app, release)
        self._edited = str(tmp_path / f"{release}.edited")

    monkeypatch.setattr(Instance, "__init__", init)
    Instance("shop", OLD).note_edits([f"gunicorn-shop@{OLD}.{kind}" for kind in edited])
    assert handover(True, True, to=OLD)[1] == [f"{OLD} {line}" for line in order]
    assert not (tmp_path / f"{OLD}.edited").exists()


def test_a_stray_ends_before_the_one_that_serves(handover, tmp_path):
    """As soon as that one ends its visitors have it started again, and it gets in line behind the stray alone."""
    systemctl = tmp_path / "bin/systemctl"
    stray = f'{{"unit": "gunicorn-shop@{STRAY}.service", "load": "loaded", "active": "active"}}'
    systemctl.write_text(systemctl.read_text().replace('"active"}]', f'"active"}}, {stray}]'))
    asked = handover(False, False)[1]
    assert asked.index(f"{OLD} stop gunicorn-shop@{STRAY}.service gunicorn-shop@{STRAY}.socket") < asked.index(
        END_OLD[0]
    )


def test_what_is_kept_no_longer_goes_in_the_same_run(handover, tmp_path):
    handover(True, True, keep=1)
    assert sorted(os.listdir(tmp_path / "shop/releases")) == [OLD, NEW]


def test_who_was_overtaken_takes_nobodys_place(handover):
    said, asked = handover(True, True, replaces="c0ffeec0ffee")
    assert f"release {OLD} became active during this run, at 2" in said
    assert f"by bob, so this run did not replace it; run again to deploy release {NEW}" in said
    assert asked == []


def test_a_release_whose_interpreter_is_gone_is_not_tried(handover, tmp_path):
    programs = tmp_path / "shop/releases" / NEW / "venv/bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to("/no/such/python3.13")
    said, asked = handover(True, True)
    assert (
        f"release {NEW} can't be active again: its interpreter, /no/such/python3.13, is no longer on this host" in said
    )
    assert "run the playbook without gunicorn_release" in said
    assert asked == []


def test_who_was_not_overtaken_goes_on(handover):
    assert "changed=True" in handover(True, True, replaces=OLD)[0]


@pytest.mark.parametrize(("whose", "prevented"), [(History, "record"), (Store, "switch")])
def test_a_full_disk_leaves_the_old_one_serving_and_going_back_as_it_was(
    handover, monkeypatch, tmp_path, whose, prevented
):
    actual = getattr(whose, prevented)

    def full(one, *arguments, **details):
        if NEW in arguments:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "history.jsonl")
        actual(one, *arguments, **details)

    monkeypatch.setattr(whose, prevented, full)
    said, asked = handover(True, True)
    assert f"No space left on device: 'history.jsonl'; release {OLD} is still active, untouched" in said
    assert asked == START + DISCARD
    store = Store(str(tmp_path), "shop")
    assert (store.current(), [event["release"] for event in store.activations()]) == (OLD, [STRAY, OLD])


def test_a_failure_right_after_the_switch_takes_nothing_from_what_serves_now(handover, monkeypatch):
    actual = Store.switch

    def fail_late(store, release):
        actual(store, release)
        if release == NEW:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Store, "switch", fail_late)
    said, asked = handover(True, True)
    assert "Input/output error; it is the one that nginx goes to" in said
    assert asked == START


def _nothing_runs(verb, *units) -> Done:
    states = ["ActiveState=inactive\nUnitFileState=\n"] * (len(units) - 1)
    return Done([], 0, "\n".join(states) if verb == "show" else "[]", "")


def test_a_release_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(systemd, "ctl", _nothing_runs)
    handover = Handover(Store(str(tmp_path), "shop"), "shop", drain_timeout=1, keep_releases=5, bind=None)
    with pytest.raises(
        StoreError, match=r"is '4f6a7d8e9c0b', but there is no such release of the app shop; there are none"
    ):
        handover.run(handover.look("4f6a7d8e9c0b"), HEALTH)


def test_a_fixed_address_that_somebody_has_is_refused_before_anything_is_asked(tmp_path, monkeypatch, listening, write):
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path))
    monkeypatch.setattr(systemd, "ctl", _nothing_runs)
    store = Store(str(tmp_path), "shop")
    write(store.item("releases", NEW), {"release.json": '{"version": "v1", "built": ""}'})
    store.switch(NEW)
    handover = Handover(store, "shop", drain_timeout=1, keep_releases=5, bind=listening)
    with pytest.raises(
        Refused, match=f"gunicorn_bind is '{listening}', but .* release {NEW} is still active, untouched"
    ):
        handover.run(handover.look(NEW), HEALTH)


def test_what_the_active_release_went_on_after_is_told(handover, tmp_path):
    said = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'pkg_resources'\n"
    # Backwards, as it is asked for it.
    lines = "\n".join(reversed(said.splitlines()))
    (tmp_path / "bin/journalctl").write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n")
    told, order = handover(True, True, to=OLD)
    assert f"release {OLD} is active, but its journal has:" in told
    assert "add setuptools<81 to gunicorn_requirements" in told
    assert not [line for line in order if "NEW" in line or "OLD.service" in line]


def test_a_process_that_ends_again_and_again_is_told(handover, monkeypatch):
    def asked(_processes, release, _since):
        return {f"gunicorn-shop-beat@{release}.service": (7, "KeyError: 'BROKER'\n")}

    monkeypatch.setattr(Processes, "unsteady", asked)
    told, _order = handover(True, True, to=OLD)
    assert f"its process gunicorn-shop-beat@{OLD}.service ended, and systemd starts it again (so far: 7)" in told
    assert "KeyError: 'BROKER'" in told


def test_it_is_known_where_the_active_release_runs(handover, tmp_path, monkeypatch):
    monkeypatch.setattr(Store, "workdir", lambda _store, release: f"/srv/shop/sources/{'8f9b' * 10}/of-{release}")
    lines = "OSError: [Errno 30] Read-only file system: 'a.log'\nTraceback (most recent call last):"
    (tmp_path / "bin/journalctl").write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n")
    for wanted in (OLD, NEW):
        told, _order = handover(True, True, to=wanted)
        assert f"The app writes to of-{wanted}/a.log in its source" in told


@pytest.fixture
def shown(tmp_path, monkeypatch, write):
    """Return what a handover to a release would change, on a host where all runs but what stands in the file idle."""
    systemctl = """#!/bin/sh
echo "$1" >> {root}/verbs
case "$1" in
  list-units) echo '[]' ;;
  show) shift; for unit; do
    case "$unit" in --*) exit ;; esac
    grep -qx "$unit" {root}/idle && echo ActiveState=inactive || echo ActiveState=active
    printf 'UnitFileState=enabled\\nDropInPaths=%s\\n\\n' "$(cat {root}/drop-ins "{root}/of-$unit" 2>/dev/null)"
  done ;;
esac
"""
    write(tmp_path, {"bin/systemctl": systemctl.replace("{root}", str(tmp_path)), "idle": "", "drop-ins": ""})
    (tmp_path / "bin/systemctl").chmod(0o755)
    (tmp_path / "units").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
    store = Store(str(tmp_path), "shop")
    for turn, release in enumerate(("a", "b", OLD)):
        record = {"version": f"v{turn}", "built": f"2026-01-0{turn + 1}"}
        write(store.item("releases", release), {"release.json": json.dumps(record)})
    store.switch(OLD)
    front = Front("shop", store.path, None)
    front.install(front.look(systemd.show_all(front.asked(), "ActiveState", "UnitFileState")))

    def shown(release, idle="", keep=5, bind=None):
        (tmp_path / "idle").write_text(idle)
        handover = Handover(store, "shop", drain_timeout=1, keep_releases=keep, bind=bind)
        seen = handover.look(release)
        lines, *_units = handover.diff(seen, "v9")
        return handover.needed(seen), lines["before"], lines["after"]

    return shown


def test_what_a_handover_would_change(shown):
    assert shown(OLD) == (False, f"{OLD} v2\n", f"{OLD} v9\n")
    assert shown(NEW) == (True, f"{OLD} v2\n", f"{NEW} v9\n")
    assert shown(None) == (True, f"{OLD} v2\n", "(not known yet) v9\n")
    assert shown(NEW, bind="127.0.0.1:9999")[2] == f"{NEW} v9\n127.0.0.1:9999\n"


@pytest.mark.parametrize("unit", [f"gunicorn-shop@{OLD}.service", "gunicorn-shop.service"])
def test_what_somebody_stopped_is_said_to_be_started(shown, unit):
    needed, before, after = shown(OLD, idle=unit)
    assert needed
    assert f"{unit}: stopped or disabled\n" in before
    assert f"{unit}: running\n" in after


def test_releases_that_go_are_said_to(shown):
    needed, before, _after = shown(OLD, keep=2)
    assert needed
    assert before.splitlines()[1:] == ["a: of no more use"]


def test_the_host_is_asked_once_for_all_that_is_decided(shown, tmp_path):
    store = Store(str(tmp_path), "shop")
    handover = Handover(store, "shop", drain_timeout=1, keep_releases=5, bind=None)
    (tmp_path / "verbs").unlink()
    seen = handover.look(OLD)
    assert not handover.needed(seen)
    handover.diff(seen, "v2")
    assert handover.run(seen, HEALTH) == Outcome(changed=False)
    assert (tmp_path / "verbs").read_text().split() == ["show", "list-units"]


def test_who_else_changes_the_units_of_the_release_is_told(shown, tmp_path):
    handover = Handover(Store(str(tmp_path), "shop"), "shop", drain_timeout=1, keep_releases=5, bind=None)
    own, all_units = (
        f"/etc/systemd/system/gunicorn-shop@{OLD}.service.d/mine.conf",
        "/etc/systemd/system/service.d/all.conf",
    )
    (tmp_path / "drop-ins").write_text(f"{own} {all_units}")
    assert handover.run(handover.look(OLD), HEALTH).drop_ins == (own,)


def test_who_changes_the_units_of_its_processes_and_jobs_is_told_too(shown, tmp_path, write):
    store = Store(str(tmp_path), "shop")
    beside = {"processes": {"worker": {"command": ["rq"]}}, "schedule": {"tidy": {"command": ["tidy"], "at": "daily"}}}
    record = {"version": "v2", "built": "2026-01-03", **beside}
    write(store.item("releases", OLD), {"release.json": json.dumps(record)})
    units = (
        *(f"gunicorn-shop-worker@{OLD}.service", f"gunicorn-shop-tidy-job@{OLD}.service"),
        *("gunicorn-shop-tidy.timer", "gunicorn-shop-processes.service"),
    )
    drop_ins = {unit: f"/etc/systemd/system/{unit}.d/mine.conf" for unit in units}
    write(tmp_path, {f"of-{unit}": path for unit, path in drop_ins.items()})
    handover = Handover(store, "shop", drain_timeout=1, keep_releases=5, bind=None)
    assert handover.look(OLD).drop_ins == tuple(sorted(drop_ins.values()))


def test_assets_of_releases_that_go_go_with_them(shown, tmp_path, write):
    """At once, so that the next run finds nothing to do."""
    store = Store(str(tmp_path), "shop")
    for number, release in enumerate(("a", "b", OLD)):
        store.history.record("serves", release)
        write(store.item("releases", release), {f"static/site.{number:012x}.css": ""})
    store.switch(OLD)
    everything = Handover(store, "shop", 1, None, None, keep_assets=3)
    everything.run(everything.look(OLD), HEALTH)
    assert len(os.listdir(tmp_path / "shop/assets")) == 3
    one = Handover(store, "shop", 1, 1, None, keep_assets=3)
    assert one.needed(one.look(OLD))
    assert one.run(one.look(OLD), HEALTH).changed
    assert not one.needed(one.look(OLD))


WORKER = f"gunicorn-shop-worker@{OLD}.service"


@pytest.fixture
def takes_over(tmp_path, monkeypatch):
    """Have a worker of the old release run, and note when the processes of the new one take over.

    Where these are refused, the old ones that are named start again.
    """

    def takes_over(refusal: Exception | None = None, again: tuple[str, ...] = ()):
        systemctl = tmp_path / "bin/systemctl"
        worker = f'{{"unit": "{WORKER}", "load": "loaded", "active": "active"}}'
        systemctl.write_text(systemctl.read_text().replace('"active"}]', f'"active"}}, {worker}]'))

        def note(what):
            with open(tmp_path / "asked", "a", encoding="utf-8") as file:
                file.write(f"{os.path.basename(os.readlink(tmp_path / 'shop/current'))} start processes: {what}\n")

        def run(_succession):
            note("take over")
            if refusal:
                raise refusal

        monkeypatch.setattr(Succession, "run", run)
        monkeypatch.setattr(Succession, "undo", lambda _succession: note("undo") or again)

    return takes_over


def test_processes_take_over_between_the_proof_and_the_switch(handover, takes_over):
    takes_over()
    said, asked = handover(True, True)
    end = f"{NEW} stop --no-block {WORKER}".replace(f"@{OLD}", "@")
    assert asked[: len(START) + 2] == [*START, f"{OLD} start processes: take over", end]
    assert f"ending=('worker of release {OLD} ({WORKER})',)" in said


def test_a_process_that_dies_leaves_the_old_ones_running(handover, takes_over):
    takes_over(ProcessRefused("its process x ended", "gunicorn-shop-x@1.service", "The queue is gone.\n"))
    said, asked = handover(True, True)
    assert "did not prove itself: its process x ended; release 0b1a2f3e4d5c is still active, untouched" in said
    assert "journalctl --unit=gunicorn-shop-x@1.service. From that:\nThe queue is gone." in said
    assert asked == [*START, f"{OLD} start processes: take over", *DISCARD, f"{OLD} start processes: undo"]


@pytest.mark.parametrize(
    ("overlap", "outcome"),
    [(True, "is still active, and what"), (False, "was started again and takes those who waited, and what")],
)
def test_what_had_ended_for_one_that_dies_is_told_to_run_again(handover, takes_over, overlap, outcome):
    takes_over(ProcessRefused("its process x ended", "gunicorn-shop-x@1.service", ""), again=("beat of release 1",))
    said, _asked = handover(overlap, overlap)
    assert f"release {OLD} {outcome} of it had ended for the new one was started again: beat of release 1. " in said
    assert "untouched" not in said


def test_a_web_process_that_is_refused_brings_no_other(handover, takes_over):
    takes_over()
    _said, asked = handover(True, True, status=500)
    assert f"{OLD} start processes: take over" not in asked


@pytest.mark.parametrize(
    ("busy", "stays"), [(f"worker@{STRAY}", True), (f"tidy-job@{STRAY}", True), (f"relay@{STRAY}", False)]
)
def test_a_release_of_which_something_still_runs_stays(handover, tmp_path, busy, stays):
    systemctl = tmp_path / "bin/systemctl"
    unit = f'{{"unit": "gunicorn-shop-{busy}.service", "load": "loaded", "active": "deactivating"}}'
    systemctl.write_text(systemctl.read_text().replace('"active"}]', f'"active"}}, {unit}]'))
    for name in (
        f"gunicorn-shop@{STRAY}.service",
        f"gunicorn-shop-worker@{STRAY}.service",
        f"gunicorn-shop-tidy-job@{STRAY}.service",
    ):
        (tmp_path / "units" / name).touch()
    handover(True, True, keep=1)
    assert (tmp_path / "shop/releases" / STRAY).exists() is stays
    left = [path.name for path in (tmp_path / "units").iterdir() if STRAY in path.name]
    assert bool(left) is stays


def test_the_timers_are_those_of_the_release_that_serves(handover, monkeypatch):
    installed = []
    monkeypatch.setattr(Timers, "look", lambda _timers, release: (f"of {release}",))
    monkeypatch.setattr(Timers, "install", lambda _timers, release: installed.append(release))
    handover(True, True)
    assert installed == [NEW]
    installed.clear()
    handover(True, True, status=500)
    assert installed == []


def test_a_process_alone_that_does_not_run_is_reason_enough(shown, tmp_path, write):
    store = Store(str(tmp_path), "shop")
    record = {**store.release(OLD), "processes": {"worker": {"command": ["rq"]}}}
    write(store.item("releases", OLD), {"release.json": json.dumps(record)})
    handover = Handover(store, "shop", drain_timeout=1, keep_releases=5, bind=None)
    assert not handover.look(OLD).active


def test_a_process_that_does_not_run_is_said_to_be_started(shown, tmp_path, write):
    store = Store(str(tmp_path), "shop")
    record = {
        **store.release(OLD),
        "processes": {"worker": {"command": ["rq"]}},
        "schedule": {"tidy": {"command": ["x"], "at": "daily"}},
    }
    write(store.item("releases", OLD), {"release.json": json.dumps(record)})
    needed, before, after = shown(OLD)
    assert needed
    assert f"{WORKER}: stopped or disabled\n" in before
    assert f"{WORKER}: running\n" in after
    assert "gunicorn-shop-tidy.timer: not as the release has it\n" in before
