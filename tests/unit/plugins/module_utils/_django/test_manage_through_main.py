# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules django_manage and django_project_info through their own main, with a real project and its database."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django import backups, commands, migrating, static_root
from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied, env_file, unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import hold
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

OLD, NEW, LATER = "0b1a2f3e4d5c", "4f6a7d8e9c0b", "9d8c7b6a5f4e"
SECOND = """
    from django.db import migrations, models
    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_initial")]
        operations = [migrations.AddField("Book", "pages", models.IntegerField(default=1))]
"""


@pytest.fixture
def store(tmp_path, monkeypatch, as_root):
    """Return the store of an app without a release; commands of its releases run where their code is."""
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    monkeypatch.setattr(systemd, "commands", lambda _app: [])
    of = {"User": getpass.getuser()}
    monkeypatch.setattr(command_line.Release, "properties", lambda release: [("Of", release.id), *of.items()])
    for room in (backups, applied):
        monkeypatch.setattr(room, "BACKUPS", str(tmp_path / "backups-{}"))

    def run(_app, properties, argv, _seconds):
        release = store.item("releases", dict(properties)["Of"])
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            naming.START_VARIABLE: f"{release}/{unit_files.START}",
        }
        return subprocess.run(argv, cwd=f"{release}/src", env=environment, capture_output=True, text=True, check=False)

    monkeypatch.setattr(systemd, "run", run)
    store = Store(str(tmp_path / "srv"), "shop")
    with store.locked("making it"):
        pass
    return store


@pytest.fixture
def add(store, project, venv, tmp_path):
    """Add a release with these files in place of the project's usual ones; all share a database."""

    def add(name: str, files=None, settings="", **recorded) -> None:
        folder = pathlib.Path(store.item("releases", name))
        folder.mkdir()
        database = f'DATABASES["default"]["NAME"] = {str(tmp_path / "shared.sqlite3")!r}\n'
        shutil.copytree(project(files, database + settings), folder / "src")
        (folder / "venv").symlink_to(venv)
        (folder / unit_files.START).write_text(static_root.START, encoding="utf-8")
        (folder / "env").write_text(env_file.render({"SECRET_KEY": "hunter2-and-more"}), encoding="utf-8")
        record = {"in_force": {}, "env": {}, "version": name, "built": "2026-01-01", **recorded}
        (folder / "release.json").write_text(json.dumps(record), encoding="utf-8")
        shutil.rmtree(tmp_path / "source")

    return add


@pytest.fixture
def manage(store, play):
    """Play django_manage with a command and a release."""

    def manage(command, release=NEW, check=False, **given) -> dict:
        root = os.path.dirname(store.path)
        return play("django_manage", check, name="shop", root=root, command=command, release=release, **given)

    return manage


def test_missing_migrations_are_foretold_and_applied_once(manage, add):
    add(NEW)
    foretold = manage("migrate", check=True)
    assert (foretold["changed"], foretold["migrations"]) == (True, ["shop.0001_initial"])
    done = manage("migrate")
    assert (done["changed"], done["migrations"], done["diff"]) == (True, foretold["migrations"], foretold["diff"])
    assert done["msg"] == "1 migrations were missing."
    again = manage("migrate")
    assert (again["changed"], again["msg"]) == (False, "The database has every migration.")


def test_whoever_waited_for_another_with_the_same_database_is_told(manage, add, monkeypatch):
    add(NEW)
    monkeypatch.setattr(commands.Commands, "migrate", lambda *_arguments: migrating.Migrated([], None, 7))
    done = manage("migrate")
    assert (done["changed"], done["migrations"]) == (False, [])
    assert "this run waited 7 s for the migrations of another with the same database" in done["warned"]


@pytest.mark.slow
def test_what_is_refused_after_migrations_names_them_and_the_backup(manage, add, store):
    add(OLD)
    manage("migrate", OLD)
    store.history.record("serves", OLD)
    store.switch(OLD)
    bad = SECOND.replace("0001_initial", "0002_pages").replace(
        "migrations.AddField", "migrations.RunSQL('x'), migrations.AddField"
    )
    add(NEW, {"shop/migrations/0002_pages.py": SECOND, "shop/migrations/0003_bad.py": bad})
    refused = manage("migrate")["msg"]
    (name,) = backups.Backups("shop").names()
    assert f"release {NEW} of the app shop: a migration of the database default failed:" in refused
    assert f"were applied before and stay: shop.0002_pages. Release {OLD} goes on with them" in refused
    assert (
        f"is the backup {name}: ansible-playbook pyweb.stack.restore -e gunicorn_name=shop -e backup={name} says"
        in refused
    )
    # A run that comes later, and has nothing to migrate or fails before that, says so as well.
    add(LATER, settings='raise RuntimeError("a fault")\n')
    later = manage("check", LATER)["msg"]
    assert "a fault" in later
    assert later.splitlines()[-2:] == refused.splitlines()[-2:]


@pytest.mark.alike
@pytest.mark.parametrize(("backup", "made"), [({}, 1), ({"keep": 5}, 1), ({"keep": 0}, 0)])
def test_sqlite_is_backed_up_unless_none_are_kept(manage, add, backup, made):
    add(OLD)
    manage("migrate", OLD)
    add(NEW, {"shop/migrations/0002_pages.py": SECOND})
    assert manage("migrate", check=True, backup=backup)["backups"] == []
    done = manage("migrate", backup=backup)
    assert (done["migrations"], len(done["backups"])) == (["shop.0002_pages"], made)
    assert backups.Backups("shop").names() == done["backups"]


@pytest.fixture
def restore(store, play, monkeypatch):
    """Play django_restore; the app stands still by itself."""
    stillness = hold.Stillness(0, ("gunicorn-shop-beat.service",))
    monkeypatch.setattr(hold, "still", lambda *_of: contextlib.nullcontext(stillness))
    monkeypatch.setattr(systemd, "releases_at_work", lambda _app: {OLD})
    return lambda check=False, **given: play(
        "django_restore", check, name="shop", root=os.path.dirname(store.path), **given
    )


def test_a_backup_is_brought_back_once_it_is_confirmed_and_can_be_undone(manage, restore, add, store):
    add(OLD)
    manage("migrate", OLD)
    add(NEW, {"shop/migrations/0002_pages.py": SECOND})
    (name,) = manage("migrate")["backups"]
    store.switch(NEW)
    told = restore()
    assert (told["changed"], told["backup"], told["saved"]) == (False, name, None)
    assert "migrations that were applied since: shop.0002_pages" in told["lost"]
    assert told["messages"][-1] == f"Nothing was done. To bring it back: -e backup={name} -e confirmed={name}"
    assert restore(confirmed="another")["changed"] is False
    assert restore(check=True, confirmed=name)["changed"] is True
    assert backups.Backups("shop").names() == [name]
    (pathlib.Path(store.item("releases", NEW)) / "once.jsonl").write_text("{}\n", encoding="utf-8")
    done = restore(backup=name, confirmed=name)
    assert done["changed"] is True
    # What was done to the database is undone with it, and would be done again.
    assert applied.told(store) == []
    assert not (pathlib.Path(store.item("releases", NEW)) / "once.jsonl").exists()
    assert done["stood_still"] == ["gunicorn-shop-beat.service"]
    assert "Meanwhile these stood still, and were started again: gunicorn-shop-beat.service." in done["messages"]
    assert "commands of people, such as a shell, ran on meanwhile" in done["warned"]
    assert "has migrations that the database lacks now: shop.0002_pages" in done["warned"]
    assert manage("migrate", check=True)["migrations"] == ["shop.0002_pages"]
    restore(backup=done["saved"], confirmed=done["saved"])
    assert manage("migrate", check=True)["migrations"] == []


@pytest.mark.slow
def test_a_damaged_database_can_only_be_replaced_unsaved(manage, restore, add, store, tmp_path):
    add(OLD)
    manage("migrate", OLD)
    store.switch(OLD)
    add(NEW, {"shop/migrations/0002_pages.py": SECOND})
    (name,) = manage("migrate")["backups"]
    damaged = b"no database" * 1000
    (tmp_path / "shared.sqlite3").write_bytes(damaged)
    assert "file is not a database" in "".join(restore()["lost"])
    refused = restore(confirmed=name, backup=name)["msg"]
    assert "nothing was changed: to go on without that, set save to false" in refused
    assert (tmp_path / "shared.sqlite3").read_bytes() == damaged
    assert restore(confirmed=name, backup=name, save=False)["saved"] is None
    assert manage("migrate", check=True)["migrations"] == ["shop.0002_pages"]


def test_there_is_nothing_to_bring_back(restore, add, store):
    assert "no release of the app shop is active" in restore()["msg"]
    add(NEW)
    store.switch(NEW)
    assert "there is no backup in" in restore()["msg"]
    assert "there is no backup '../../etc/passwd' in" in restore(backup="../../etc/passwd")["msg"]


@pytest.mark.slow
def test_a_run_that_was_overtaken_leaves_the_database_alone(manage, add, store):
    add(NEW)
    add(OLD)
    store.history.record("serves", OLD, by="bob")
    store.switch(OLD)
    refused = manage("migrate", replaces="c0ffeec0ffee")["msg"]
    assert f"release {NEW} of the app shop: the database was not touched: release {OLD} became active" in refused
    assert manage("migrate", replaces=OLD)["changed"]


def test_the_check_is_made_and_its_warnings_are_told(manage, add):
    add(NEW)
    checked = manage("check")
    assert not checked["changed"]
    assert checked["msg"] == "The check found no error."
    assert "Django's check for deployment: " in checked["warned"]
    assert any(each.startswith("security.W") for each in checked["messages"])


def test_an_error_of_the_check_names_the_release_and_no_secret(manage, add, store):
    add(OLD)
    store.switch(OLD)
    add(NEW, settings='raise RuntimeError("hunter2-and-more")\n')
    refused = manage("check")["msg"]
    assert refused.startswith(f"release {NEW} of the app shop: ")
    assert "hunter2" not in refused
    assert refused.endswith(f"; release {OLD} is still active, untouched")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "said", "none_before"),
    [
        (
            {
                "mysite/urls.py": "from shop.models import Book\nurlpatterns = [each for each in Book.objects.all()]\n",
            },
            "no check of Django's can run",
            True,
        ),
    ],
)
def test_a_check_that_takes_tables_is_left_for_later(manage, add, files, said, none_before):
    add(NEW, files)
    checked = manage("check")
    assert (checked["later"], checked["unchecked"]) == (True, none_before)
    assert said in checked["warned"]
    assert said in checked["msg"]
    assert manage("migrate", unchecked=True)["changed"]
    assert not manage("check")["later"]


def test_going_back_says_which_migrations_the_older_code_lacks(manage, add, store):
    add(OLD)
    add(NEW, {"shop/migrations/0002_pages.py": SECOND})
    manage("migrate")
    store.history.record("serves", OLD, by="ann")
    store.history.record("serves", NEW, by="ann", previous=OLD)
    store.switch(NEW)
    compared = manage("compare", "previous")
    assert (compared["changed"], compared["migrations"]) == (False, ["shop.0002_pages"])
    assert f"with migrations that release {OLD} lacks: shop.0002_pages" in compared["warned"]
    same = manage("compare", NEW)
    assert (same["migrations"], same["warned"]) == ([], "")
    assert same["msg"] == f"The database has no migration that release {NEW} lacks."


@pytest.mark.slow
def test_a_release_that_can_not_be_asked_does_not_keep_one_from_going_back(manage, add, store):
    add(OLD)
    add(LATER, {"shop/migrations/0002_pages.py": SECOND})
    add(NEW, settings="raise RuntimeError('broken')\n")
    store.switch(NEW)
    # Of the two it is the one that is gone back to that is asked first.
    assert manage("compare", OLD)["migrations"] == []
    manage("migrate", LATER)
    compared = manage("compare", OLD)
    assert compared["msg"] == "This can't be determined."
    assert f"which migrations are applied and missing in release {OLD} can't be determined" in compared["warned"]
    assert manage("compare", OLD, replaces=LATER)["migrations"] == ["shop.0002_pages"]


def test_releases_with_the_same_migrations_need_not_be_asked(manage, add, store, monkeypatch):
    for name in (OLD, NEW):
        add(name, migrations="a digest")
    store.switch(NEW)
    monkeypatch.setattr(systemd, "run", lambda *_args, **_kwargs: pytest.fail("asked"))
    assert manage("compare", OLD)["msg"] == f"The database has no migration that release {OLD} lacks."


@pytest.mark.slow
def test_releases_with_other_migrations_are_asked(manage, add, store):
    add(OLD, migrations="a digest")
    add(NEW, {"shop/migrations/0002_pages.py": SECOND}, migrations="another")
    manage("migrate")
    store.switch(NEW)
    assert manage("compare", OLD)["migrations"] == ["shop.0002_pages"]


@pytest.mark.slow
def test_an_active_release_that_is_gone_does_not_keep_one_from_going_back(manage, add, store):
    add(OLD)
    add(LATER, {"shop/migrations/0002_pages.py": SECOND})
    store.switch(OLD)
    assert manage("compare", OLD, replaces=NEW)["migrations"] == []
    manage("migrate", LATER)
    assert manage("compare", OLD, replaces=NEW)["msg"] == "This can't be determined."


@pytest.mark.slow
def test_what_failed_before_the_release_was_whole_is_asked_again(manage, add):
    add(NEW)
    told = manage("check")["told"]
    told["deployed"]["failure"] = "SystemCheckError: not yet"
    assert manage("check", told=told)["msg"] == "The check found no error."


@pytest.mark.slow
def test_what_was_told_a_moment_ago_is_not_asked_again(manage, add, monkeypatch):
    add(NEW)
    checked = manage("check")
    assert manage("migrate", told=checked["told"])["migrations"] == ["shop.0001_initial"]
    told = manage("check")["told"]
    monkeypatch.setattr(systemd, "run", lambda *_args, **_kwargs: pytest.fail("asked"))
    assert manage("migrate", told=told)["msg"] == "The database has every migration."
    told["deployed"]["said"] = "?: (security.W001) Much. More."
    again = manage("check", told=told)
    assert (again["messages"], again["told"]) == (["security.W001: Much. More."], told)


@pytest.mark.slow
def test_databases_that_are_not_named_are_warned_of(manage, add, tmp_path):
    two = f'DATABASES["far"] = {{"ENGINE": "django.db.backends.sqlite3", "NAME": {str(tmp_path / "far")!r}}}\n'
    add(NEW, settings=two)
    assert "the database far lacks 1 migrations" in manage("migrate")["warned"]
    assert manage("migrate", databases=["default", "far"])["migrations"] == ["shop.0001_initial (far)"]


def test_a_project_without_a_database_has_no_migrations(manage, add):
    add(NEW, settings="DATABASES.clear()\n")
    done = manage("migrate")
    assert (done["changed"], done["migrations"], done["msg"]) == (False, [], "The project has no database.")


@pytest.mark.parametrize("command", ["migrate", "check"])
def test_a_release_that_is_not_built_yet_is_not_known_yet(manage, command):
    foretold = manage(command, check=True)
    assert foretold["changed"] is (command == "migrate")
    assert foretold["msg"] == "The release is not built yet, so this can't be known before the run."


def test_a_release_that_is_not_there_can_not_be_compared(manage):
    assert "there is no such release" in manage("compare", "c0ffeec0ffee")["msg"]


def test_a_command_that_does_not_end_is_told_of(manage, add, monkeypatch):
    add(NEW)

    def hang(*_arguments):
        raise shell.Overdue("it did not end within 900 s")

    monkeypatch.setattr(systemd, "run", hang)
    assert "it may wait for what isn't there, such as a database" in manage("check")["msg"]


@pytest.fixture
def info(play, monkeypatch):
    """Play django_project_info."""
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    return lambda check=False, **given: play("django_project_info", check, **given)


def test_the_parts_of_a_project_are_found(info, project):
    found = info(source=str(project()))
    assert (found["changed"], found["settings_module"], found["wsgi_app"]) == (
        *(False, "mysite.settings"),
        "mysite.wsgi:application",
    )
    assert found["env"]["DJANGO_SETTINGS_MODULE"] == "mysite.settings"


def test_settings_that_are_named_count(info, project):
    source = str(project({"mysite/other.py": "from mysite.settings import *\n"}))
    assert info(source=source, settings_module="mysite.other")["settings_module"] == "mysite.other"
    both = {"settings_module": "mysite.other", "env": {"DJANGO_SETTINGS_MODULE": "mysite.settings", "KEY": "hunter2"}}
    refused = info(source=source, **both)
    assert "django_settings_module is 'mysite.other', but gunicorn_env has DJANGO_SETTINGS_MODULE" in refused["msg"]
    assert "hunter2" not in json.dumps(refused)


def test_what_is_no_project_is_refused(info, tmp_path):
    assert info()["msg"].startswith("gunicorn_source is empty")
    (tmp_path / "empty").mkdir()
    assert "manage.py" in info(source=str(tmp_path / "empty"))["msg"]


def test_before_the_source_is_there_check_mode_says_what_is_given(info):
    found = info(check=True, source="", settings_module="mysite.other", chdir="web")
    assert (found["settings_module"], found["chdir"], found["wsgi_app"]) == ("mysite.other", "web", "unknown")
    assert info(check=True, source="")["settings_module"] == "unknown"
