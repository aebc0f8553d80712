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

from ansible_collections.pyweb.stack.plugins.module_utils._django import dumps
from ansible_collections.pyweb.stack.plugins.module_utils._django.databases import STATES
from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import BACKUPS

# How many of each database are kept where nobody says it.
KEEP = 3
LATEST = "latest"
_ENDINGS = {"sqlite": ".sqlite3", "postgresql": ".dump", "mysql": ".sql", "command": ".backup"}
# Seconds since 1970, which have a date of four digits.
_LAST_DATE = 1e11
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-\w[\w.-]*", re.ASCII)

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
        self._stage = f".stage-{app}-"
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
                    if left.startswith(self._stage):
                        self._take(os.path.join(self.folder, left))
            stage = tempfile.mkdtemp(prefix=self._stage, dir=self.folder)
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

        Raises DjangoError where there is no such backup, or not the whole of it.
        """
        if name not in self.names():
            raise DjangoError(
                f"there is no backup {name!r} in {self.folder}; there are {', '.join(self.names()) or 'none'}"
            )
        try:
            return _about(files.read(os.path.join(self.folder, f"{name}.json")))
        except ValueError as error:
            raise DjangoError(
                f"the backup {name} in {self.folder} is not whole: {error}: choose another, and remove it"
            ) from error

    def path(self, name: str) -> str:
        """Return the file of a backup."""
        return os.path.join(self.folder, name + _ENDINGS[self.about(name)["vendor"]])

    def _prepare(self) -> None:
        if not os.path.isdir(self.folder):
            files.make_folder(self.folder, 0o711)
        with files.opened_folder(self.folder) as folder:
            info = os.fstat(folder)
            if info.st_uid != os.geteuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError("others than root may write to it")
            # On its way to the folder that it writes.
            if not info.st_mode & stat.S_IXOTH:
                raise PermissionError("the app's account can't pass through it: chmod o+x")

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
            files.replace(os.path.join(self.folder, f"{name}.json"), json.dumps(about, sort_keys=True) + "\n", 0o600)
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
        script = f"{STATES}{dumps.BACK_UP}{_SAVE}"
        given = {"ALIAS": alias, "FOLDER": folder, "TOLD": told, "EVERY": True, "COMMAND": []}
        done = manage.ask(script, "the database can't be backed up", writable(folder), **given)
    if done["refused"]:
        raise DjangoError(f"the database {alias} can't be backed up: {done['refused']}")
    return backups.made[-1] if done["backup"] else None


def look(manage: Manage, alias: str) -> dict[str, Any]:
    """Return the `rows` of a database by its tables, None where counting takes too long, and what is `applied`."""
    script = f"{STATES}{dumps.BACK_UP}\ntell(**content(connections[ALIAS]))\n"
    return manage.ask(script, f"the database {alias} can't be asked for what is in it", ALIAS=alias)


def bring_back(manage: Manage, user: str, backups: Backups, name: str) -> None:
    """Put a backup into the place of its database. Raises DjangoError, and then leaves that as it is, but for MySQL."""
    about = backups.about(name)
    with backups.stage(user) as folder:
        path = os.path.join(folder, "given")
        try:
            account = pwd.getpwnam(user)
            # The account may have put something there.
            with open(backups.path(name), "rb") as kept, open(path, "xb") as file:
                os.fchmod(file.fileno(), 0o600)
                shutil.copyfileobj(kept, file)
                os.fchown(file.fileno(), account.pw_uid, account.pw_gid)
        except OSError as error:
            raise DjangoError(f"the backup {name} can't be brought back: {error}") from error
        script = f"{STATES}{dumps.BACK_UP}{dumps.BRING_BACK}{_RETURN}"
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
    try:
        told = json.loads(text)
        about: dict[str, Any] = {name: told.get(name) for name in ("alias", "vendor", "taken", "serves", "release")}
        for name in ("applied", "before"):
            about[name] = [one for one in told.get(name) or [] if isinstance(one, str) and one.isprintable()]
        rows = told.get("rows")
        about["rows"] = {name: count for name, count in rows.items() if isinstance(count, int)} if rows else None
        known = about["vendor"] in _ENDINGS and 0 <= about["taken"] < _LAST_DATE
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError("not what is written of a backup") from error
    if not known:
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
            files.sync(file)
    except OSError:
        os.unlink(path)
        raise
