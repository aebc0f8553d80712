# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups of an app's databases, and how one is made, looked at and brought back. Private to the collection.

A backup is made by the app's account in its sandbox, which may write one folder more for it. What lies there when that has
ended is moved to where root alone reads it.

  FOLDER/20261126T173000Z-default.sqlite3    a copy of SQLite, or .dump of pg_dump, .sql of mysqldump, .backup of a command
  FOLDER/20261126T173000Z-default.json       when, of which database, before which migrations, and how many rows it has
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._django.databases import STATES
from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import BACKUPS

# How many of each database are kept where nobody says it.
KEEP = 3
LATEST = "latest"
_STAGE = ".stage-"
_ENDINGS = {"sqlite": ".sqlite3", "postgresql": ".dump", "mysql": ".sql", "command": ".backup"}
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-\w[\w.-]*", re.ASCII)

# For scripts of Manage.ask, with STATES before them: how a database is backed up into FOLDER, and brought back from there.
# All of them are backed up where EVERY says so, else SQLite alone. What may change meanwhile does: each is a state of one moment.
BACK_UP = """
import contextlib, shutil, sqlite3, subprocess, time
from django.db import DatabaseError

class Failed(Exception):
    pass

class Late(Exception):
    pass

# Of the disk, for all else that is on it.
SPARE = 64 << 20

def alone(alias):
    # Beside the project's own, and beside its pool.
    found = connections[alias].copy()
    options = found.settings_dict.get("OPTIONS") or {}
    found.settings_dict["OPTIONS"] = {name: value for name, value in options.items() if name != "pool"}
    return found

def tool(argv, env, **how):
    try:
        done = subprocess.run(
            argv, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **how
        )
    except OSError as error:
        raise Failed("%s can't be run (%s): the Debian package that has it can be named in gunicorn_packages" % (argv[0], error))
    if done.returncode:
        raise Failed("%s ends with exit status %d: %s" % (argv[0], done.returncode, done.stderr.strip()[-2000:]))
    return done.stdout

def client(connection, program):
    # As Django's dbshell calls one: a password is in the environment.
    argv, env = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    secret = [one.partition("=")[2] for one in argv if one.startswith("--password=")]
    env = {**(env or {}), **({"MYSQL_PWD": secret[0]} if secret else {})}
    return [program, *[one for one in argv[1:] if not one.startswith("--password=")]], env

def room(folder, size):
    info = os.statvfs(folder)
    free = info.f_bavail * info.f_frsize
    if free < size + SPARE:
        raise Failed("it may take %d MiB, but %s has room for %d" % ((size >> 20) + 1, folder, max(0, free - SPARE) >> 20))

def rows(connection):
    # None where that takes too long.
    found, deadline = {}, time.monotonic() + 30
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if time.monotonic() > deadline:
                return None
            cursor.execute("SELECT COUNT(*) FROM " + connection.ops.quote_name(table))
            found[table] = cursor.fetchone()[0]
    return found

def applied(alias):
    loader = MigrationExecutor(connections[alias]).loader
    return sorted("%s.%s" % key for key in loader.applied_migrations)

def sqlite_file(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA database_list")
        return [path for number, name, path in cursor.fetchall() if name == "main"][0]

def copy_sqlite(source, target):
    # In pieces, between which others write; a write begins it anew. With a log of writes nobody waits for it anyhow.
    deadline = time.monotonic() + 20

    def progress(status, remaining, total):
        if time.monotonic() > deadline:
            raise Late()

    with contextlib.closing(sqlite3.connect(source, timeout=60)) as original:
        logged = original.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        try:
            with contextlib.closing(sqlite3.connect(target)) as copy:
                original.backup(copy, pages=-1 if logged else 4096, progress=None if logged else progress)
        except Late:
            os.unlink(target)
            with contextlib.closing(sqlite3.connect(target)) as copy:
                original.backup(copy)

def damage(path, alias):
    # What breaks a rule of the project's is there, and no damage of the file.
    copy = alone(alias)
    copy.settings_dict["NAME"] = path
    try:
        with copy.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            said = [line for (line,) in cursor.fetchall()]
        broken = ("NULL value in ", "CHECK constraint failed in ")
        found = [line for line in said if line != "ok" and not line.startswith(broken)]
        return found, None if found else rows(copy)
    except DatabaseError as error:
        return [str(error)], None
    finally:
        copy.close()

def back_up_sqlite(alias, path):
    source = sqlite_file(alias)
    if not source or not os.path.getsize(source):
        return None
    room(os.path.dirname(path), sum(os.path.getsize(one) for one in (source, source + "-wal") if os.path.exists(one)))
    copy_sqlite(source, path)
    found, counted = damage(path, alias)
    if found:
        raise Failed("the database %s is damaged: %s" % (source, "; ".join(found[:5])))
    return counted

def back_up_postgresql(alias, path):
    reader = alone(alias)
    try:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_export_snapshot(), pg_database_size(current_database())")
            snapshot, size = cursor.fetchone()
        room(os.path.dirname(path), size)
        counted = rows(reader)
        if counted != {}:
            argv, env = client(reader, "pg_dump")
            tool([*argv, "--no-password", "--format=custom", "--snapshot=" + snapshot, "--file=" + path], env)
    finally:
        reader.close()
    if counted != {} and not tool(["pg_restore", "--list", path], {}).strip():
        raise Failed("pg_restore finds nothing in what pg_dump wrote")
    return counted or None

def back_up_mysql(alias, path):
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(SUM(data_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()")
        room(os.path.dirname(path), int(cursor.fetchone()[0]))
    counted = rows(connection)
    if counted == {}:
        return None
    argv, env = client(connection, "mariadb-dump" if shutil.which("mariadb-dump") else "mysqldump")
    tool([*argv, "--single-transaction", "--quick", "--no-tablespaces", "--routines", "--result-file=" + path], env)
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 200))
        if b"-- Dump completed" not in file.read():
            raise Failed("%s did not write its last line" % argv[0])
    return counted

def back_up_command(alias, path):
    tool(COMMAND, {"BACKUP_FILE": path, "BACKUP_DATABASE": alias})
    if not os.path.isfile(path) or not os.path.getsize(path):
        raise Failed("%s wrote nothing to the file that BACKUP_FILE names" % COMMAND[0])
    return {}

def back_up(alias, told):
    vendor = "command" if COMMAND else connections[alias].vendor
    kinds = {"sqlite": back_up_sqlite, "postgresql": back_up_postgresql, "mysql": back_up_mysql, "command": back_up_command}
    if vendor not in (kinds if EVERY else ["sqlite"]):
        return False
    path, taken = os.path.join(FOLDER, "data"), time.time()
    try:
        counted = kinds[vendor](alias, path)
        if counted is None and not os.path.exists(path):
            return False
        about = {**told, "alias": alias, "vendor": vendor, "rows": counted, "applied": applied(alias), "taken": taken}
        for name, text in ((path, None), (os.path.join(FOLDER, "about.part"), json.dumps(about))):
            with open(name, "r+" if text is None else "w") as file:
                file.write(text or "")
                file.flush()
                os.fsync(file.fileno())
    except (OSError, sqlite3.Error, DatabaseError) as error:
        raise Failed("%s: %s" % (type(error).__name__, " ".join(str(error).split())))
    os.rename(os.path.join(FOLDER, "about.part"), os.path.join(FOLDER, "about.json"))
    return True
"""
BRING_BACK = """
def overwrite_sqlite(path, target):
    # All of it in one transaction.
    with contextlib.closing(sqlite3.connect(path)) as copy, contextlib.closing(sqlite3.connect(target, timeout=60)) as live:
        copy.backup(live)

def bring_back_sqlite(alias, path):
    target = sqlite_file(alias)
    connections[alias].close()
    room(os.path.dirname(target), os.path.getsize(path))
    try:
        overwrite_sqlite(path, target)
    except sqlite3.DatabaseError:
        if not damage(target, alias)[0]:
            raise
        # Nobody has it open, and it may have a place of its own (gunicorn_shared_paths), so that it can't be replaced.
        os.truncate(target, 0)
        for log in (target + "-wal", target + "-shm", target + "-journal"):
            with contextlib.suppress(OSError):
                os.unlink(log)
        overwrite_sqlite(path, target)
    found, counted = damage(target, alias)
    if found:
        raise Failed("the database %s is damaged: %s" % (target, "; ".join(found[:5])))

def bring_back_postgresql(alias, path):
    connection = connections[alias]
    # What only an administrator may make stays; all else of the role goes, and what the backup has comes, in one transaction.
    kept = (" EXTENSION ", " COMMENT - EXTENSION ", " SCHEMA - public ")
    listed = tool(["pg_restore", "--list", path], {}).splitlines()
    with open(os.path.join(FOLDER, "list"), "w") as file:
        file.write("".join(line + chr(10) for line in listed if not any(word in line for word in kept)))
    with connection.cursor() as cursor:
        cursor.execute(OWN)
        drops = ["DROP %s IF EXISTS %s CASCADE;" % row for row in cursor.fetchall()]
    with open(os.path.join(FOLDER, "drops.sql"), "w") as file:
        file.write("SET client_min_messages = warning;" + chr(10) + chr(10).join(drops) + chr(10))
    script, chosen = os.path.join(FOLDER, "script.sql"), "--use-list=" + os.path.join(FOLDER, "list")
    tool(["pg_restore", "--no-owner", "--no-privileges", "--clean", "--if-exists", chosen, "--file=" + script, path], {})
    connection.close()
    argv, env = client(connection, "psql")
    files = ["--file=" + os.path.join(FOLDER, name) for name in ("drops.sql", "script.sql")]
    how = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--single-transaction"]
    tool([*argv, *how, *files], env)

OWN = (
    "SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' "
    "WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, quote_ident(n.nspname) || '.' || quote_ident(c.relname) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND left(n.nspname, 3) <> 'pg_' "
    "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') "
    # With it go the sequences of its columns.
    "ORDER BY c.relkind = 'S'"
)

def bring_back_mysql(alias, path):
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for table in connection.introspection.table_names(cursor):
            cursor.execute("DROP TABLE " + connection.ops.quote_name(table))
    connection.close()
    argv, env = client(connection, "mariadb" if shutil.which("mariadb") else "mysql")
    with open(path) as file:
        tool(argv, env, stdin=file)

def bring_back(alias, vendor, path):
    if vendor != connections[alias].vendor:
        raise Failed("it is one of %s, but the settings have %s for the database" % (vendor, connections[alias].vendor))
    kinds = {"sqlite": bring_back_sqlite, "postgresql": bring_back_postgresql, "mysql": bring_back_mysql}
    kinds[vendor](alias, path)
"""

_SAVE = """
def save():
    try:
        return {"refused": None, "backup": back_up(ALIAS, TOLD)}
    except Failed as error:
        return {"refused": str(error)}

tell(**save())
"""
_RETURN = """
def turn_back():
    try:
        bring_back(ALIAS, VENDOR, PATH)
    except (Failed, OSError, sqlite3.Error, DatabaseError) as error:
        return str(error) or type(error).__name__

tell(refused=turn_back())
"""


class Backups:
    """The backups of the app `app`, in `folder` or where they are by default, of which `keep` of each database are kept, all where that is None."""

    def __init__(self, app: str, folder: str | None = None, keep: int | None = KEEP):
        self.folder = folder or BACKUPS.format(app)
        self._keep = keep
        # By name, those that were made since.
        self.made: list[str] = []

    @contextlib.contextmanager
    def stage(self, user: str) -> Iterator[str]:
        """Yield a folder that the account `user` may write; a backup that is in it at the end is taken over.

        So is what a run left there that was killed. Raises DjangoError.
        """
        try:
            self._prepare()
            with contextlib.suppress(FileNotFoundError):
                for left in os.listdir(self.folder):
                    if left.startswith(_STAGE):
                        self._take(os.path.join(self.folder, left))
            stage = tempfile.mkdtemp(prefix=_STAGE, dir=self.folder)
            shutil.chown(stage, user, pwd.getpwnam(user).pw_gid)
        except (OSError, LookupError) as error:
            raise DjangoError(f"no backup can be made in {self.folder}: {error}: see path in django_backup") from error
        try:
            yield stage
        finally:
            self._take(stage)
            self._prune()
            # One that has nothing is of no use to anybody.
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)

    def names(self) -> list[str]:
        """Return the names of all backups, the latest first."""
        with contextlib.suppress(FileNotFoundError):
            there = [name.removesuffix(".json") for name in os.listdir(self.folder) if name.endswith(".json")]
            return sorted(filter(_NAME.fullmatch, there), reverse=True)
        return []

    def about(self, name: str) -> dict[str, Any]:
        """Return what is known of a backup: `alias`, `vendor`, `rows`, `applied`, `taken`, `serves`, `release`, `before`.

        Raises DjangoError where there is no such backup.
        """
        if name not in self.names():
            raise DjangoError(
                f"there is no backup {name!r} in {self.folder}; there are {', '.join(self.names()) or 'none'}"
            )
        return _about(files.read(os.path.join(self.folder, f"{name}.json")))

    def path(self, name: str) -> str:
        """Return the file of a backup."""
        return os.path.join(self.folder, name + _ENDINGS[self.about(name)["vendor"]])

    def _prepare(self) -> None:
        os.makedirs(self.folder, mode=0o711, exist_ok=True)
        with files.opened_folder(self.folder) as folder:
            info = os.fstat(folder)
            if info.st_uid != os.geteuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError("others than root may write to it")
            # For the account's way to the folder that it writes.
            os.fchmod(folder, 0o711)

    def _take(self, stage: str) -> None:
        """Move a finished backup out of a stage, and remove the rest. Raises DjangoError."""
        try:
            about = _about(_text_of(os.path.join(stage, "about.json")))
        except (OSError, ValueError):
            # Half of one, or none.
            shutil.rmtree(stage, ignore_errors=True)
            return
        name = self._free_name(about["alias"], about["taken"])
        final = os.path.join(self.folder, name + _ENDINGS[about["vendor"]])
        try:
            os.rename(os.path.join(stage, "data"), final)
            _make_roots(final)
            files.create(os.path.join(self.folder, f"{name}.json"), json.dumps(about, sort_keys=True) + "\n", 0o600)
            files.sync_folder(self.folder)
        except OSError as error:
            raise DjangoError(f"the backup can't be kept in {self.folder}: {error}") from error
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        self.made.append(name)

    def _free_name(self, alias: str, taken: float) -> str:
        while True:
            name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(taken))}-{alias}"
            if name not in self.names():
                return name
            taken += 1

    def _prune(self) -> None:
        """Remove all but the latest of each database."""
        if self._keep is None:
            return
        of_alias: dict[str, list[str]] = {}
        for name in self.names():
            of_alias.setdefault(name.partition("-")[2], []).append(name)
        for names in of_alias.values():
            for name in names[max(1, self._keep) :]:
                for ending in (".json", *_ENDINGS.values()):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(os.path.join(self.folder, name + ending))


def save(manage: Manage, user: str, alias: str, backups: Backups, told: dict[str, str | None]) -> str | None:
    """Back a database up, of whatever kind; return the name of the backup, None where there is nothing in it.

    `user` is the account of the app, and `told` what the backup is to say of the app. Raises DjangoError.
    """
    with backups.stage(user) as folder:
        script = f"{STATES}{BACK_UP}{_SAVE}"
        given = {"ALIAS": alias, "FOLDER": folder, "TOLD": told, "EVERY": True, "COMMAND": []}
        done = manage.ask(script, "the database can't be backed up", writable(folder), **given)
    if done["refused"]:
        raise DjangoError(f"the database {alias} can't be backed up: {done['refused']}")
    return backups.made[-1] if done["backup"] else None


def look(manage: Manage, alias: str) -> dict[str, Any]:
    """Return the `rows` of a database by its tables, None where counting takes too long, and what is `applied`."""
    script = f"{STATES}{BACK_UP}\ntell(rows=rows(connections[ALIAS]), applied=applied(ALIAS))\n"
    return manage.ask(script, f"the database {alias} can't be asked for what is in it", ALIAS=alias)


def bring_back(manage: Manage, user: str, backups: Backups, name: str) -> None:
    """Put a backup into the place of its database. Raises DjangoError, and then leaves that as it is, but for MySQL."""
    about = backups.about(name)
    with backups.stage(user) as folder:
        path = os.path.join(folder, "given")
        try:
            shutil.copyfile(backups.path(name), path)
            shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
        except OSError as error:
            raise DjangoError(f"the backup {name} can't be brought back: {error}") from error
        script = f"{STATES}{BACK_UP}{BRING_BACK}{_RETURN}"
        given = {"ALIAS": about["alias"], "VENDOR": about["vendor"], "FOLDER": folder, "PATH": path}
        done = manage.ask(script, f"the backup {name} can't be brought back", writable(folder), **given)
    if done["refused"]:
        raise DjangoError(f"the backup {name} can't be brought back: {done['refused']}")


def writable(folder: str | None) -> list[tuple[str, str]]:
    """Return what a unit needs for a folder that its command may write besides."""
    return [("ReadWritePaths", folder), ("NoExecPaths", folder)] if folder else []


def lost(about: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what of the state `now` (`rows`, `applied`) a backup lacks, as people read it."""
    found = []
    before, after = about["rows"] or {}, now["rows"] or {}
    for table in sorted({*before, *after}):
        if before.get(table) != after.get(table):
            there = [f"{each[table]} rows" if table in each else "not there" for each in (before, after)]
            found.append(f"{table}: {there[0]} in the backup, {there[1]} now")
    since = [name for name in now["applied"] if name not in about["applied"]]
    if since:
        found.append(f"migrations that were applied since: {', '.join(since)}")
    return found


def _about(text: str) -> dict[str, Any]:
    """Return what an account wrote of its backup, as far as it is what it should be. Raises ValueError where it isn't."""
    told = json.loads(text)
    about: dict[str, Any] = {name: told.get(name) for name in ("alias", "vendor", "taken", "serves", "release")}
    for name in ("applied", "before"):
        about[name] = [one for one in told.get(name) or [] if isinstance(one, str) and one.isprintable()]
    rows = told.get("rows")
    about["rows"] = {name: count for name, count in rows.items() if isinstance(count, int)} if rows else None
    if about["vendor"] not in _ENDINGS or not isinstance(about["taken"], (int, float)):
        raise ValueError("not what is written of a backup")
    if not isinstance(about["alias"], str) or not re.fullmatch(r"\w[\w.-]*", about["alias"], re.ASCII):
        raise ValueError("not the alias of a database")
    return about


def _text_of(path: str) -> str:
    """Return the text of a file in a folder that another account could write."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        return file.read(1 << 24)


def _make_roots(path: str) -> None:
    """Give a file that another account wrote to root alone. Raises OSError where it is no file of its own, and removes it."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
                raise OSError(f"{path} is no file of its own")
            os.fchown(file.fileno(), os.geteuid(), os.getegid())
            os.fchmod(file.fileno(), 0o600)
    except OSError:
        os.unlink(path)
        raise
