# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of an app: made, locked, staged, switched, pruned."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import pwd
import re
import stat
import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError

pytestmark = pytest.mark.usefixtures("as_root")


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "srv"), "shop")


@pytest.fixture
def prepared(store):
    with store.locked("preparing"):
        return store


def _key(path, length=32, mode=0o600):
    path.write_bytes(bytes(length))
    path.chmod(mode)


def _like_ours(path, link_to=None, **key):
    for kind in ("sources", "venvs", "releases"):
        (path / kind).mkdir(parents=True)
    _key(link_to or path / "key", **key)
    if link_to:
        (path / "key").symlink_to(link_to)


def test_a_key_that_a_power_cut_left_empty_is_made_anew(prepared):
    os.truncate(os.path.join(prepared.path, "key"), 0)
    with prepared.locked("a later run"):
        assert len(prepared.key()) == 32


def _made(store, *releases):
    """Have folders of releases there."""
    for release in releases:
        os.makedirs(store.item("releases", release), exist_ok=True)


def _mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_an_app_that_was_never_deployed(store):
    assert (store.current(), store.key(), store.names("releases"), store.history.events()) == (None, None, [], [])
    assert not os.path.exists(store.path)


def test_the_folder_is_made_once_with_a_key_of_its_own(store):
    with store.locked("a first run"):
        key = store.key()
    with store.locked("a second run"):
        assert store.key() == key
    assert len(key) == 32
    assert os.listdir(os.path.dirname(store.path)) == ["shop"]


def test_others_reach_nothing_but_a_release_whose_name_they_know(prepared):
    modes = {name: _mode(os.path.join(prepared.path, name)) for name in os.listdir(prepared.path)}
    assert modes == {"sources": 0o750, "venvs": 0o750, "releases": 0o751, "key": 0o600, "lock": 0o600}
    assert _mode(prepared.path) == 0o711


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to somebody else")
def test_the_apps_user_may_read_what_others_may_not(store):
    with Store(os.path.dirname(store.path), "shop", "daemon").locked("preparing"):
        infos = [os.stat(os.path.join(store.path, kind)) for kind in ("sources", "venvs")]
    assert {(info.st_uid, info.st_gid) for info in infos} == {(0, pwd.getpwnam("daemon").pw_gid)}


def test_apps_share_a_root(store):
    for app in ("blog", "shop"):
        with Store(os.path.dirname(store.path), app).locked("preparing"):
            pass
    assert sorted(os.listdir(os.path.dirname(store.path))) == ["blog", "shop"]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path, _aside: (path.mkdir(), (path / "theirs").touch()), id="a folder with a file"),
        pytest.param(lambda path, _aside: path.touch(), id="a file"),
        pytest.param(lambda path, aside: (aside.mkdir(), path.symlink_to(aside)), id="a link to an empty folder"),
        pytest.param(lambda path, aside: path.symlink_to(aside), id="a link to nothing"),
        pytest.param(lambda path, _aside: (path.mkdir(), _key(path / "key")), id="a folder with a key"),
        pytest.param(lambda path, _aside: _like_ours(path, length=1704), id="a key of another length"),
        pytest.param(lambda path, _aside: _like_ours(path, mode=0o640), id="a key that others read"),
        pytest.param(lambda path, aside: _like_ours(path, link_to=aside), id="a link to a key"),
    ],
)
def test_what_somebody_else_made_is_not_touched(store, tmp_path, make):
    theirs, aside = tmp_path / "srv/shop", tmp_path / "aside"
    theirs.parent.mkdir()
    make(theirs, aside)
    before = sorted((str(path), path.lstat().st_mode) for path in tmp_path.rglob("*"))

    with pytest.raises(StoreError, match="was not made by this role: move it away"), store.locked("deploying"):
        pass

    assert sorted((str(path), path.lstat().st_mode) for path in tmp_path.rglob("*")) == before


def test_an_account_that_is_not_there_leaves_no_folder(tmp_path):
    store = Store(str(tmp_path), "shop", "nobody_here")
    with pytest.raises(StoreError, match="gunicorn_user is 'nobody_here', but the host has no such account"):
        store.locked("a run").__enter__()
    assert os.listdir(tmp_path) == []


def test_a_root_in_which_nothing_can_be_made(tmp_path):
    (tmp_path / "file").touch()
    store = Store(str(tmp_path / "file"), "shop")
    with pytest.raises(StoreError, match=f"gunicorn_root is '{tmp_path}/file', but nothing can be made there"):
        store.locked("a run").__enter__()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no room is left for the app shop: .*No space left.*: make some .gunicorn_root is '{root}'"),
        (errno.EPERM, "not permitted"),
    ],
)
def test_a_full_disk_is_told_from_other_faults(store, number, said):
    root = os.path.dirname(store.path)
    with pytest.raises((StoreError, OSError), match=said.format(root=root)), store.locked("a run"):
        raise OSError(number, os.strerror(number), "app.py")


def test_what_a_killed_run_left_at_work_is_waited_for(prepared, monkeypatch):
    left = [["gunicorn-shop-run-0a1b2c3d.service"], []]
    monkeypatch.setattr(stores.systemd, "commands", lambda app: left.pop(0))
    with prepared.locked("deploying"):
        assert left == []


def test_what_a_killed_run_left_at_work_is_named_where_it_does_not_end(prepared, monkeypatch):
    monkeypatch.setattr(stores.systemd, "commands", lambda app: [f"gunicorn-{app}-run-0a1b2c3d.service"])
    with (
        pytest.raises(StoreError, match=r"of an earlier run .*: gunicorn-shop-run-0a1b2c3d\.service .*: wait for it"),
        prepared.locked("deploying", patience=0),
    ):
        pass


def test_a_second_run_is_told_who_holds_the_lock(store):
    with store.locked("something with a rather long name"):
        pass
    with store.locked("switching its release"):
        with (
            pytest.raises(StoreError) as caught,
            Store(os.path.dirname(store.path), "shop").locked("deploying", patience=0),
        ):
            pass
        assert f"process {os.getpid()}, switching its release, since 2" in str(caught.value)
        assert "wait for it, then run again" in str(caught.value)
        assert "long name" not in str(caught.value)
    with store.locked("deploying", patience=0):
        pass


def test_an_item_is_there_whole_or_not_at_all(prepared, write):
    with prepared.stage("sources", "aa") as stage:
        write(stage, {"app.py": "one"})
        assert prepared.names("sources") == []
        # What is proved in it is proved as the app's user.
        assert _mode(stage) == 0o755
    assert prepared.names("sources") == ["aa"]
    assert os.listdir(prepared.item("sources", "aa")) == ["app.py"]


def test_an_item_that_failed_leaves_nothing(prepared, write):
    def fail():
        with prepared.stage("sources", "aa") as stage:
            write(stage, {"app.py": "one"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(os.path.join(prepared.path, "sources")) == []


def test_what_a_killed_run_left_half_built_goes_with_the_next_run(prepared, write):
    write(prepared.item("venvs", ".stage-x"), {"pyvenv.cfg": ""})
    assert prepared.names("venvs") == []
    with prepared.locked("the next run"):
        assert os.listdir(os.path.join(prepared.path, "venvs")) == []


def test_a_sealed_item_is_never_replaced(prepared, write):
    write(prepared.item("sources", "aa"), {"app.py": "sealed"})
    try:
        with prepared.stage("sources", "aa") as stage:
            write(stage, {"app.py": "late"})
    except OSError:
        pass
    assert os.listdir(os.path.join(prepared.path, "sources")) == ["aa"]
    with open(os.path.join(prepared.item("sources", "aa"), "app.py"), encoding="utf-8") as file:
        assert file.read() == "sealed"


def test_a_switch_is_a_link_that_may_be_moved_with_its_folder(prepared):
    _made(prepared, "a1", "b2")
    for release in ("a1", "b2", "a1"):
        prepared.switch(release)
        assert prepared.current() == release
    assert os.readlink(prepared.current_link) == "releases/a1"


def test_what_is_no_link_to_a_release_is_named(prepared):
    # As a copy of the folder has it that followed links.
    os.mkdir(prepared.current_link)
    assert prepared.current() is None
    with pytest.raises(StoreError, match="current is no link to a release: remove it"), prepared.locked("deploying"):
        pass
    assert os.path.isdir(prepared.current_link)


def test_a_release_whose_folder_is_gone_serves_no_more(prepared):
    _made(prepared, "a1")
    prepared.switch("a1")
    os.rmdir(prepared.item("releases", "a1"))
    assert prepared.current() is None


@pytest.mark.parametrize("left", [None, "{"])
def test_a_release_without_its_record_is_named(prepared, left):
    _made(prepared, "a1")
    if left:
        with open(os.path.join(prepared.item("releases", "a1"), "release.json"), "w", encoding="utf-8") as file:
            file.write(left)
    with pytest.raises(
        StoreError, match=r"release a1 of the app shop lacks its release\.json.*: remove .*a1, then run again"
    ):
        prepared.release("a1")


def test_a_switch_that_was_killed_does_not_hinder_the_next(prepared):
    _made(prepared, "a1")
    os.symlink("releases/b2", os.path.join(prepared.path, ".current"))
    assert prepared.current() is None
    prepared.switch("a1")
    assert prepared.current() == "a1"


@pytest.mark.parametrize(
    ("wanted", "replaces", "said"),
    [
        ("b2", "a1", None),
        ("b2", None, None),
        ("a1", "c3", None),
        (
            "b2",
            "c3",
            "release a1 became active during this run, at 2.* by ann, so this run did not replace it",
        ),
        ("b2", "", "release a1 became active"),
    ],
)
def test_who_was_quicker(prepared, wanted, replaces, said):
    _made(prepared, "a1", "b2")
    prepared.history.record("serves", "a1", by="ann")
    prepared.switch("a1")
    found = prepared.overtaken(wanted, replaces)
    assert re.match(said, found) if said else found is None


def test_whose_app_was_removed_meanwhile_is_told(prepared):
    assert "was removed during this run" in prepared.overtaken("b2", "a1")


def test_others_read_no_history(prepared):
    history = os.path.join(prepared.path, "history.jsonl")
    for _turn in range(2):
        prepared.history.record("serves", "a1", asked={"path": "/healthz?token=secret"})
        assert _mode(history) == 0o640
        # As it was with earlier versions.
        os.chmod(history, 0o644)


def test_the_history_is_in_order(prepared):
    prepared.history.record("serves", "a1", previous=None)
    prepared.history.record("refused", "b2", reason="503\nand more")
    events = [{name: value for name, value in event.items() if name != "time"} for event in prepared.history.events()]
    assert events == [
        {"event": "serves", "release": "a1", "previous": None},
        {"event": "refused", "release": "b2", "reason": "503\nand more"},
    ]
    assert "2026" < prepared.history.events()[0]["time"] <= prepared.history.events()[1]["time"]


def test_the_history_outlives_a_crash_in_the_middle_of_a_line(prepared):
    prepared.history.record("serves", "a1", previous=None)
    with open(os.path.join(prepared.path, "history.jsonl"), "a", encoding="utf-8") as file:
        file.write('{"event": "serves", "rel')
    prepared.history.record("refused", "b2", reason="503")
    prepared.history.record("serves", "c3", previous="a1")

    events = [(event["event"], event["release"]) for event in prepared.history.events()]
    assert events == [("serves", "a1"), ("refused", "b2"), ("serves", "c3")]


@pytest.mark.parametrize(
    ("events", "keep", "kept"),
    [
        pytest.param("a b c d", 5, "abcd", id="fewer than are kept"),
        pytest.param("a b c d", 2, "cd", id="the latest"),
        pytest.param("a b c d", 1, "cd", id="the one before in any case"),
        pytest.param("a b c d a", 1, "ad", id="after a way back"),
        pytest.param("a b c d a", 3, "acd", id="a way back makes a release the latest"),
        pytest.param("a b !c", 1, "abc", id="a refused one counts as the latest"),
        pytest.param("a b !c !d", 1, "abd", id="refused ones do not pile up"),
        pytest.param("a b b b", 1, "ab", id="the one before is another one"),
        pytest.param("!a", 1, "a", id="none served yet"),
        pytest.param("a b x", 1, "ab", id="events of releases that are gone"),
    ],
)
def test_prune_keeps(prepared, write, events, keep, kept):
    """Releases are built in the order of the alphabet; `!` before one says that it was refused."""
    for name in sorted(set(events) & set("abcd")):
        write(
            prepared.item("releases", name),
            {"release.json": json.dumps({"built": f"2026-01-01T00:00:0{ord(name) - 97}"})},
        )
    lines = [
        {"time": f"2026-01-01T00:01:0{n}", "event": "refused" if name[0] == "!" else "serves", "release": name[-1]}
        for n, name in enumerate(events.split())
    ]
    write(prepared.path, {"history.jsonl": "".join(f"{json.dumps(line)}\n" for line in lines)})
    served = [line["release"] for line in lines if line["event"] == "serves" and line["release"] != "x"]
    if served:
        prepared.switch(served[-1])

    surplus = prepared.surplus(keep)
    prepared.prune(surplus)

    assert prepared.names("releases") == list(kept)
    assert sorted(surplus) == sorted(set(events) & set("abcd") - set(kept))


def test_a_release_of_which_a_command_runs_stays(prepared, write, monkeypatch):
    for number, name in enumerate("abcd"):
        built = json.dumps({"built": f"2026-01-01T00:00:0{number}"})
        write(prepared.item("releases", name), {"release.json": built})
    monkeypatch.setattr(stores.systemd, "releases_at_work", lambda app: {"a"} if app == "shop" else set())
    assert prepared.surplus(1) == ["b", "c"]


def test_what_check_mode_reads_before_it_is_in_its_place(prepared, write, tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "TRIAL", str(tmp_path / "trial"))
    path = prepared.item("sources", "s1")
    assert stores.readable(path) == path
    trial = prepared.trial()
    write(trial.item("sources", "s1"), {"backend/app.py": ""})
    assert stores.readable(f"{path}/backend") == f"{tmp_path}/trial{path}/backend"
    write(path, {"backend/app.py": ""})
    assert stores.readable(f"{path}/backend") == f"{path}/backend"
    prepared.clear_trial()
    assert prepared.names("sources") == ["s1"]
    assert not os.path.exists(trial.path)


@pytest.fixture
def deployed(prepared, write):
    """Return a function that serves releases in turn; `<` before one says that this went back to it."""

    def serve(events: str):
        before = None
        for name in events.split():
            release = name[-1]
            write(prepared.item("releases", release), {"release.json": json.dumps({"built": "2026", "version": "v1"})})
            prepared.history.record("serves", release, previous=before, back=name[0] == "<")
            prepared.switch(release)
            before = release
        return prepared

    return serve


@pytest.mark.parametrize(
    ("events", "previous"),
    [
        pytest.param("", None, id="nothing yet"),
        pytest.param("a", None, id="a first deploy"),
        pytest.param("a b", "a", id="a second deploy"),
        pytest.param("a b <a", "a", id="going back is no deploy"),
        pytest.param("a b <a <b", "a", id="forth and back"),
        pytest.param("a b <a c", "a", id="a deploy after a way back"),
        pytest.param("a b a", "b", id="an earlier version, deployed"),
        pytest.param("a b c <a", "b", id="back beyond what the last deploy replaced"),
    ],
)
def test_previous_is_what_the_last_deploy_replaced(deployed, events, previous):
    store = deployed(events)
    assert store.previous() == previous
    if previous:
        assert store.resolve("previous") == store.resolve(previous) == previous
        # However few are kept, and however long ago it served.
        store.prune(store.surplus(1))
        assert store.previous() == previous
    else:
        with pytest.raises(StoreError, match="gunicorn_release is 'previous', but no deploy replaced a release"):
            store.resolve("previous")


@pytest.mark.parametrize("events", ["a b", "a b <a", "a b <a <b"])
@pytest.mark.parametrize("back", [False, True])
def test_a_switch_that_was_killed_changes_nothing_of_the_way_back(deployed, write, events, back):
    store = deployed(events)
    before = store.previous(), store.last_activation("c"), store.surplus(1)
    store.history.record("serves", "c", previous=store.current(), back=back)
    assert (store.previous(), store.last_activation("c"), store.surplus(1)) == before
    store.history.record("refused", "c", reason="503")
    assert store.previous() == before[0]
    # Nor does it once something else followed.
    store.history.record("serves", "a", previous=store.current(), back=True)
    store.switch("a")
    assert (store.previous(), store.last_activation("c")) == before[:2]


def test_a_release_that_is_not_there_is_refused_with_those_that_are(deployed):
    with pytest.raises(
        StoreError, match=r"is 'x', but there is no such release of the app shop; there are b \(v1\), a \(v1\)"
    ):
        deployed("a b").resolve("x")


def test_when_a_release_last_began_to_serve(deployed):
    store = deployed("a b <a")
    assert store.last_activation("a")["previous"] == "b"
    assert store.last_activation("c") == {}


def test_prune_takes_sources_and_environments_that_no_release_uses(prepared, write, monkeypatch):
    for name, source, venv in (("a", "s1", "v1"), ("b", "s1", "v2"), ("c", None, "v2")):
        folder = write(
            prepared.item("releases", name), {"release.json": json.dumps({"built": f"2026-01-01T00:00:0{name}"})}
        )
        write(prepared.item("venvs", venv), {"pyvenv.cfg": ""})
        (folder / "venv").symlink_to(f"../../venvs/{venv}")
        if source:
            write(prepared.item("sources", source), {"app.py": ""})
            (folder / "src").symlink_to(f"../../sources/{source}")
    write(prepared.item("sources", "s0"), {"app.py": "of a release that never came to be, or not yet"})
    prepared.switch("c")

    prepared.prune(prepared.surplus(2))
    assert (prepared.names("sources"), prepared.names("venvs")) == (["s0", "s1"], ["v2"])
    prepared.prune(prepared.surplus(1))
    assert (prepared.names("sources"), prepared.names("venvs")) == (["s0"], ["v2"])
    monkeypatch.setattr(stores, "_RUN", -1)
    prepared.prune(prepared.surplus(1))
    assert (prepared.names("sources"), prepared.names("venvs")) == ([], ["v2"])
    assert os.listdir(os.path.join(prepared.path, "sources")) == []


def test_what_another_check_run_works_with_stays(tmp_path, monkeypatch, write):
    monkeypatch.setattr(stores, "TRIAL", str(tmp_path / "trial"))
    store = stores.Store(str(tmp_path / "srv"), "shop")
    store.clear_trial()
    path = pathlib.Path(write(store.trial().item("sources", "s1"), {"app.py": ""}))
    other = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_SH); print(1, flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", other, f"{store.trial().path}.lock"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        store.clear_trial(ends=True)
        assert path.exists()
        process.stdin.close()
    store.clear_trial(ends=True)
    assert os.listdir(os.path.dirname(store.trial().path)) == []


def test_a_lock_that_was_removed_meanwhile_is_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "TRIAL", str(tmp_path / "trial"))
    store = stores.Store(str(tmp_path / "srv"), "shop")
    lock = f"{store.trial().path}.lock"
    flock, removed = fcntl.flock, []

    def remove_once(descriptor, how):
        flock(descriptor, how)
        if not removed:
            removed.append(os.unlink(lock))

    monkeypatch.setattr(fcntl, "flock", remove_once)
    store.clear_trial()
    assert removed
    assert os.path.exists(lock)


def test_an_account_with_another_number_gets_to_read_its_releases_again(prepared, write, monkeypatch):
    write(prepared.item("releases", "r1"), {"gunicorn.conf.py": "", "env": "", "release.json": ""})
    os.chmod(f"{prepared.item('releases', 'r1')}/env", 0o600)
    os.symlink("/etc/passwd", f"{prepared.item('releases', 'r1')}/src")
    account = pwd.struct_passwd(("shop", "x", 4242, os.getgid() + 1, "", "/", "/"))
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: account)
    chowned = []
    monkeypatch.setattr(os, "chown", lambda path, *to, **_options: chowned.append((os.path.basename(path), *to)))
    store = Store(os.path.dirname(prepared.path), "shop", "shop")
    closed = store.closed_to_its_account()
    assert [os.path.basename(path) for path in closed] == ["gunicorn.conf.py", "release.json"]
    store.open_to_its_account(closed)
    assert chowned == [(name, 0, os.getgid() + 1) for name in ("gunicorn.conf.py", "release.json")]
    assert Store(os.path.dirname(prepared.path), "shop").closed_to_its_account() == []


def test_nothing_is_closed_to_an_account_that_is_yet_to_be_made(prepared):
    assert Store(os.path.dirname(prepared.path), "shop", "nobody_here").closed_to_its_account() == []


def test_a_switch_is_durable(prepared, write, monkeypatch):
    write(prepared.item("releases", "a"), {"release.json": "{}"})
    synced = []
    sync = stores.files.sync_folder
    monkeypatch.setattr(stores.files, "sync_folder", lambda folder: synced.append(folder) or sync(folder))
    prepared.switch("a")
    assert synced == [prepared.path]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_folder_with_a_key_of_somebody_else_is_not_ours(prepared):
    assert prepared.ours()
    os.chown(f"{prepared.path}/key", 65534, 65534)
    assert not prepared.ours()


def test_the_lock_of_a_folder_that_is_gone_is_none(prepared, monkeypatch):
    """Who waited for it while another run removed the app, and made it anew, has nothing."""
    held = stores.locks.held

    @contextlib.contextmanager
    def held_too_late(path, purpose, patience):
        with held(path, purpose, patience) as lock:
            os.unlink(path)
            with open(path, "w", encoding="utf-8"):
                pass
            yield lock

    monkeypatch.setattr(stores.locks, "held", held_too_late)
    with pytest.raises(StoreError, match="the app shop was removed during this run"), prepared.locked("deploying"):
        pytest.fail("it went on")
