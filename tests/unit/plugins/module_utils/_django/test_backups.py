# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of real SQLite databases by a real Django, and what comes back."""

from __future__ import annotations

import contextlib
import getpass
import os
import sqlite3
import stat
import threading
import types

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django import backups as saved
from ansible_collections.pyweb.stack.plugins.module_utils._django import dumps, migrating
from ansible_collections.pyweb.stack.plugins.module_utils._django.backups import Backups
from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.migrating import MigrationFailed, Safety
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from django.db.backends.mysql import client as mysql
from django.db.backends.postgresql import client as postgresql

USER = getpass.getuser()
TWO = {
    "shop/migrations/0002_two.py": """
        from django.db import migrations
        class Migration(migrations.Migration):
            dependencies = [("shop", "0001_initial")]
            operations = [migrations.RunSQL("{}")]
    """
}


@pytest.fixture
def manage(release, run):
    """Return the `manage.py` of a release, run by itself."""
    return Manage(f"{release}/venv/bin/python", run, "")


@pytest.fixture
def migrate(manage, release):
    """Migrate the database, with these backups, or none."""

    def migrate(backups: Backups | None = None, alias: str = "default", **more) -> migrating.Migrated:
        argv = [f"{release}/venv/bin/python", "manage.py", "migrate", "--noinput", "--no-color", f"--database={alias}"]
        safety = backups and Safety(backups, told={"serves": "0123456789ab", "release": None}, **more)
        return migrating.migrate(manage, "shop", USER, alias, argv, safety)

    return migrate


@pytest.fixture
def backups(tmp_path):
    """Return backups in a folder of their own."""
    return Backups("shop", str(tmp_path / "backups"))


class OldMysql:
    """What Django before 3.2 has for MySQL."""

    @staticmethod
    def settings_to_cmd_args_env(settings, _parameters):
        return ["mysql", "--user=ann", f"--password={settings['PASSWORD']}", "shop"], None


@pytest.mark.parametrize("of", [postgresql.DatabaseClient, mysql.DatabaseClient, OldMysql])
def test_a_tool_finds_the_password_in_its_environment_and_not_among_its_words(of):
    script: dict = {"os": os}
    exec(dumps.BACK_UP, script)
    settings = {"NAME": "shop", "USER": "ann", "PASSWORD": "hunter2", "HOST": "db", "PORT": "", "OPTIONS": {}}
    argv, env = script["client"](types.SimpleNamespace(client=of, settings_dict=settings), "pg_dump")
    assert argv[0] == "pg_dump"
    assert argv[-1] == "shop"
    assert "hunter2" not in " ".join(argv)
    assert list(env.values()) == ["hunter2"]


class Recorder:
    """A connection to a MySQL that has these tables and views, and the statements that it was given."""

    def __init__(self, **kinds):
        self.done: list[str] = []
        self.settings_dict = {"PASSWORD": "hunter2"}
        self.client = OldMysql
        self.ops = types.SimpleNamespace(quote_name=lambda name: f"`{name}`")
        found = [types.SimpleNamespace(name=name, type=kind) for name, kind in kinds.items()]
        tables = [name for name, kind in kinds.items() if kind == "t"]
        self.introspection = types.SimpleNamespace(
            get_table_list=lambda cursor: found, table_names=lambda cursor: tables
        )
        self.execute = self.done.append

    def cursor(self):
        return contextlib.nullcontext(self)

    def close(self):
        self.done.append("close")


def test_what_came_to_mysql_since_goes_whether_a_table_or_a_view(tmp_path):
    script: dict = {"os": os, "connections": {"default": Recorder(shop_book="t", latest="v")}}
    exec(dumps.BACK_UP + dumps.BRING_BACK, script)
    ran = []
    script["tool"] = lambda argv, env, **how: ran.append(how["stdin"].read())
    (tmp_path / "given").write_text("the dump")
    script["bring_back_mysql"]("default", tmp_path / "given")
    wanted = ["SET FOREIGN_KEY_CHECKS = 0", "DROP TABLE `shop_book`", "DROP VIEW `latest`", "close"]
    assert script["connections"]["default"].done == wanted
    assert ran == ["the dump"]


def _execute(path, statement, *values):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute(statement, *values).fetchall()
        connection.commit()
    return found


def _books(path):
    return _execute(path, "SELECT * FROM shop_book ORDER BY id")


def _write(path, stop):
    """Write as long as nobody says stop."""
    while not stop.is_set():
        _execute(path, "INSERT INTO shop_book (title) VALUES ('meanwhile')")


def test_of_a_new_database_there_is_nothing_to_keep(project, migrate, backups):
    project()
    assert migrate(backups) == migrating.Migrated(["shop.0001_initial"], None, 0)
    assert backups.names() == []


def test_nothing_to_apply_makes_no_backup(project, migrate, backups):
    project()
    migrate()
    assert migrate(backups) == migrating.Migrated([], None, 0)
    assert backups.names() == []


def test_a_backup_is_of_what_was_there_before_and_root_s_alone(project, migrate, backups, tmp_path):
    source = project()
    migrate()
    _execute(source / "db.sqlite3", "INSERT INTO shop_book (title) VALUES ('one')")
    project({name: text.format("DELETE FROM shop_book") for name, text in TWO.items()})
    done = migrate(backups)
    assert (done.applied, backups.names()) == (["shop.0002_two"], [done.backup])
    assert _books(source / "db.sqlite3") == []
    assert _books(backups.path(done.backup)) == [(1, "one")]
    assert stat.S_IMODE(os.stat(backups.path(done.backup)).st_mode) == 0o600
    about = backups.about(done.backup)
    assert (about["before"], about["applied"], about["serves"]) == (
        ["shop.0002_two"],
        ["shop.0001_initial"],
        "0123456789ab",
    )
    assert about["rows"]["shop_book"] == 1
    # Nothing else is left.
    assert len(os.listdir(tmp_path / "backups")) == 2


@pytest.mark.alike
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_writer_meanwhile_harms_neither_the_backup_nor_itself(project, migrate, manage, backups, mode):
    source = project()
    migrate()
    database = source / "db.sqlite3"
    _execute(database, f"PRAGMA journal_mode={mode}")
    for _each in range(20):
        _execute(database, "INSERT INTO shop_book (title) VALUES (hex(randomblob(20000)))")
    stop, failures = threading.Event(), []

    def write():
        try:
            _write(database, stop)
        except sqlite3.Error as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        name = saved.save(manage, USER, "default", backups, {})
    finally:
        stop.set()
        writer.join()
    kept, live = _books(backups.path(name)), _books(database)
    assert failures == []
    # The rows of one moment: those that were there first, in their order, and none twice.
    assert kept == live[: len(kept)]
    assert 20 <= len(kept) <= len(live)
    assert _execute(backups.path(name), "PRAGMA integrity_check") == [("ok",)]
    assert backups.about(name)["rows"]["shop_book"] == len(kept)


def test_a_lock_that_comes_after_the_copy_and_stays_does_not_fail_it(project, migrate, manage, backups):
    project()
    migrate()
    project(
        settings="""
        import sqlite3
        from django.db.backends.signals import connection_created
        LIVE = DATABASES["default"]["NAME"]
        DATABASES["default"]["OPTIONS"] = {"timeout": 0.1}
        def lock(connection, **rest):
            global holder
            if connection.settings_dict["NAME"] != LIVE:
                holder = sqlite3.connect(LIVE)
                holder.execute("BEGIN EXCLUSIVE")
        connection_created.connect(lock)
        """
    )
    name = saved.save(manage, USER, "default", backups, {})
    assert backups.about(name)["applied"] == ["shop.0001_initial"]


def test_it_comes_back_row_by_row_and_says_what_that_loses(project, migrate, manage, backups):
    source = project()
    migrate()
    database = source / "db.sqlite3"
    for title in ("one", "two"):
        _execute(database, "INSERT INTO shop_book (title) VALUES (?)", (title,))
    before = list(_execute(database, "SELECT name, sql FROM sqlite_master ORDER BY name"))
    project({name: text.format("CREATE TABLE more (a int)") for name, text in TWO.items()})
    name = migrate(backups).backup
    _execute(database, "INSERT INTO shop_book (title) VALUES ('three')")
    assert saved.lost(backups.about(name), saved.look(manage, "default")) == [
        "django_migrations: 1 rows in the backup, 2 rows now",
        "more: not there in the backup, 0 rows now",
        "shop_book: 2 rows in the backup, 3 rows now",
        "migrations that were applied since: shop.0002_two",
    ]
    saved.bring_back(manage, USER, backups, name)
    assert _books(database) == [(1, "one"), (2, "two")]
    assert list(_execute(database, "SELECT name, sql FROM sqlite_master ORDER BY name")) == before
    assert saved.lost(backups.about(name), saved.look(manage, "default")) == []


@pytest.mark.slow
def test_a_damaged_database_is_not_migrated(project, migrate, backups):
    source = project()
    migrate()
    for _each in range(50):
        _execute(source / "db.sqlite3", "INSERT INTO shop_book (title) VALUES (hex(randomblob(900)))")
    with open(source / "db.sqlite3", "r+b") as file:
        file.seek(-6000, os.SEEK_END)
        file.write(b"\xff" * 5000)
    project({name: text.format("DELETE FROM shop_book") for name, text in TWO.items()})
    with pytest.raises(
        DjangoError, match=r"can't be backed up before its migrations, so none was applied: .*db.sqlite3 is damaged"
    ):
        migrate(backups)
    assert backups.names() == []
    assert _execute(source / "db.sqlite3", "SELECT count(*) FROM django_migrations") == [(1,)]


@pytest.mark.slow
def test_a_damaged_database_is_replaced(project, migrate, manage, backups):
    source = project()
    migrate()
    _execute(source / "db.sqlite3", "INSERT INTO shop_book (title) VALUES ('one')")
    name = saved.save(manage, USER, "default", backups, {})
    (source / "db.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(DjangoError, match="the database default can't be asked for what is in it:"):
        saved.look(manage, "default")
    saved.bring_back(manage, USER, backups, name)
    assert _books(source / "db.sqlite3") == [(1, "one")]


@pytest.mark.slow
def test_without_room_nothing_is_migrated(project, migrate, backups, monkeypatch):
    source = project()
    migrate()
    project({name: text.format("DELETE FROM shop_book") for name, text in TWO.items()})
    script = migrating._SCRIPT.replace("SPARE = 64 << 20", "SPARE = 1 << 60")
    monkeypatch.setattr(migrating, "_SCRIPT", script)
    with pytest.raises(DjangoError, match=r"so none was applied: it may take 1 MiB, but \S+ has room for 0"):
        migrate(backups)
    assert _execute(source / "db.sqlite3", "SELECT count(*) FROM django_migrations") == [(1,)]


@pytest.mark.slow
def test_a_migration_that_fails_says_what_was_applied_and_where_the_backup_is(project, migrate, backups):
    project()
    migrate()
    third = TWO["shop/migrations/0002_two.py"].replace("0001_initial", "0002_two").format("SELECT * FROM nowhere")
    project({**{name: text.format("SELECT 1") for name, text in TWO.items()}, "shop/migrations/0003_bad.py": third})
    with pytest.raises(MigrationFailed, match=r"^a migration of the database default failed:\n") as caught:
        migrate(backups)
    assert "no such table: nowhere" in str(caught.value)
    assert str(caught.value).endswith("\nThe migration is shop.0003_bad.")
    assert caught.value.migrated == migrating.Migrated(["shop.0002_two"], backups.names()[0], 0)


@pytest.mark.alike
@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param(["sh", "-c", 'echo "$BACKUP_DATABASE" > "$BACKUP_FILE"'], None, id="it writes"),
        pytest.param(["sh", "-c", "echo no; echo why >&2; exit 3"], "sh ends with exit status 3: why", id="it fails"),
        pytest.param(["true"], "true wrote nothing to the file that BACKUP_FILE names", id="it writes nothing"),
        pytest.param(["nosuch"], "nosuch can't be run .*: the Debian package that has it", id="it is not there"),
    ],
)
def test_a_command_of_the_user_s(project, migrate, backups, command, said):
    project()
    if said:
        with pytest.raises(DjangoError, match=f"so none was applied: {said}"):
            migrate(backups, every=True, command=command)
        return
    done = migrate(backups, every=True, command=command)
    with open(backups.path(done.backup), encoding="utf-8") as file:
        assert file.read() == "default\n"


def test_so_many_are_kept_of_each_database(project, manage, tmp_path):
    project(settings='DATABASES["far"] = {**DATABASES["default"], "NAME": os.path.join(BASE_DIR, "far.sqlite3")}')
    few = Backups("shop", str(tmp_path / "backups"), keep=2)
    for database in ("db", "far"):
        _execute(tmp_path / f"source/{database}.sqlite3", "CREATE TABLE a (b int)")
    made = [saved.save(manage, USER, alias, few, {}) for alias in ("far", "default", "default", "default")]
    # Several in one second have names of their own.
    assert len(set(made)) == 4
    assert few.names() == sorted([made[0], *made[2:]], reverse=True)
    assert len(os.listdir(few.folder)) == 6


def test_what_a_killed_run_left_is_taken_over(project, manage, backups, tmp_path):
    project()
    _execute(tmp_path / "source/db.sqlite3", "CREATE TABLE a (b int)")
    name = saved.save(manage, USER, "default", backups, {})
    stage = tmp_path / "backups/.stage-shop-killed"
    stage.mkdir()
    os.rename(backups.path(name), stage / "data")
    os.rename(tmp_path / f"backups/{name}.json", stage / "about.json")
    (tmp_path / "backups/.stage-shop-half").mkdir()
    (tmp_path / "backups/.stage-shop-half/data").write_text("half", encoding="utf-8")
    assert backups.names() == []
    saved.save(manage, USER, "default", backups, {})
    assert len(backups.names()) == 2
    assert name in backups.names()


@pytest.mark.parametrize("lie", ["link", "twice", "vendor", "alias", "list", "rows", "applied", "taken", "no time"])
def test_what_is_no_backup_of_the_app_s_own_is_not_taken(backups, tmp_path, lie):
    secret = tmp_path / "secret"
    secret.write_text("of root", encoding="utf-8")
    told = {"alias": "default", "vendor": "sqlite", "taken": 1.0, "rows": {}, "applied": []}
    lies = {
        "vendor": {"vendor": "../x"},
        "alias": {"alias": "../../x"},
        "rows": {"rows": [1]},
        "applied": {"applied": 1},
    }
    lies |= {"taken": {"taken": 1e300}, "no time": {"taken": float("nan")}, "list": {}}
    told |= lies.get(lie, {})
    failure = contextlib.nullcontext() if lie in lies else pytest.raises(DjangoError, match="can't be kept")
    with failure, backups.stage(USER) as stage:
        (os.symlink if lie == "link" else os.link)(secret, os.path.join(stage, "data"))
        with open(os.path.join(stage, "about.json"), "w", encoding="utf-8") as file:
            file.write(saved.json.dumps([told] if lie == "list" else told))
    assert list(tmp_path.glob("backups/*")) == []
    assert (secret.read_text(encoding="utf-8"), secret.stat().st_nlink) == ("of root", 1)


def test_a_backup_of_which_a_power_cut_left_a_part_is_named(backups, tmp_path):
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups/20261127T000000Z-default.json").write_text("", encoding="utf-8")
    with pytest.raises(
        DjangoError, match=r"the backup 20261127T000000Z-default in .* is not whole: .*: choose another"
    ):
        backups.about("20261127T000000Z-default")


def test_a_backup_is_durable_before_it_has_its_name(backups, monkeypatch):
    synced = []
    monkeypatch.setattr(saved.os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    with backups.stage(USER) as stage:
        for name, text in (("data", "rows"), ("about.json", '{"alias": "default", "vendor": "sqlite", "taken": 1}')):
            with open(os.path.join(stage, name), "w", encoding="utf-8") as file:
                file.write(text)
    assert synced[0] == backups.path(backups.made[0])
    assert synced[-1] == backups.folder


def test_a_folder_of_the_administrator_s_stays_as_it_is(tmp_path):
    folder = tmp_path / "backups"
    (folder / ".stage-of-his").mkdir(parents=True)
    folder.chmod(0o755)
    with Backups("shop", str(folder)).stage(USER):
        pass
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert os.listdir(folder) == [".stage-of-his"]
    folder.chmod(0o700)
    with (
        pytest.raises(DjangoError, match=r"the app's account can't pass through it: chmod o\+x"),
        Backups("shop", str(folder)).stage(USER),
    ):
        pass


def test_a_backup_is_not_written_over_what_the_account_put_in_its_way(backups, tmp_path, monkeypatch):
    (tmp_path / "precious").write_text("as it was", encoding="utf-8")
    with backups.stage(USER) as stage:
        for name, text in (("data", "rows"), ("about.json", '{"alias": "default", "vendor": "sqlite", "taken": 1}')):
            with open(os.path.join(stage, name), "w", encoding="utf-8") as file:
                file.write(text)
    real = saved.tempfile.mkdtemp

    def quicker(**given):
        stage = real(**given)
        os.symlink(tmp_path / "precious", os.path.join(stage, "given"))
        return stage

    monkeypatch.setattr(saved.tempfile, "mkdtemp", quicker)
    with pytest.raises(DjangoError, match=r"can't be brought back: .*File exists"):
        saved.bring_back(None, USER, backups, backups.made[0])
    assert (tmp_path / "precious").read_text(encoding="utf-8") == "as it was"


def test_a_folder_that_others_may_write_to_is_refused(backups, tmp_path):
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups").chmod(0o777)
    with (
        pytest.raises(DjangoError, match=r"no backup can be made in .*: others than root may write to it"),
        backups.stage(USER),
    ):
        pass


def test_a_backup_that_there_is_not(backups):
    with pytest.raises(DjangoError, match=r"there is no backup '../x' in .*; there are none"):
        backups.about("../x")
