# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migrations of one database: in turn with other hosts, and after a backup. Private to the collection.

  wait for the turn | look what is lacking | back up, and check that | migrate | look what was applied

All of it in one process of the app, since the turn is a lock in the database itself, which ends with its connection. An
app may have one database and several hosts; whoever comes second finds nothing to do. SQLite has one host, and that its lock.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
from collections.abc import Sequence

from ansible_collections.pyweb.stack.plugins.module_utils._django import backups, databases, dumps
from ansible_collections.pyweb.stack.plugins.module_utils._django.backups import Backups
from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import remedies

# Seconds that a host waits for another one's migrations.
PATIENCE = 900
# The lock of PostgreSQL is held by a transaction, which a pooler leaves on one connection and whose end no pooler forgets. It
# has no snapshot, so that it stands in no index's way.
_TURN = """
@contextlib.contextmanager
def turn(alias):
    vendor = connections[alias].vendor
    if vendor not in ("postgresql", "mysql"):
        yield
        return
    holder, deadline = alone(alias), time.monotonic() + PATIENCE
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            while not (taken_postgresql if vendor == "postgresql" else taken_mysql)(cursor):
                if time.monotonic() > deadline:
                    who = (holder_postgresql if vendor == "postgresql" else holder_mysql)(cursor)
                    raise Failed(
                        "another run migrates the database %s (%s) and did not end within %d s: wait for it, then run again"
                        % (alias, who, PATIENCE)
                    )
                time.sleep(0.5)
            yield
    finally:
        holder.close()

def taken_postgresql(cursor):
    cursor.execute(
        "SELECT set_config('application_name', %s, true), set_config('idle_in_transaction_session_timeout', '0', true), "
        "pg_try_advisory_xact_lock(1886025570, 1)", [WHO]
    )
    return cursor.fetchone()[2]

def holder_postgresql(cursor):
    cursor.execute(
        "SELECT application_name, coalesce(host(client_addr), 'on its own host'), xact_start FROM pg_stat_activity "
        "JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted AND classid = 1886025570 AND objid = 1 "
        "AND datname = current_database()"
    )
    return ", ".join("%s, %s, since %s" % row for row in cursor.fetchall()) or "nobody knows which"

def taken_mysql(cursor):
    cursor.execute("SELECT GET_LOCK(CONCAT('pyweb.', SHA1(DATABASE())), 0)")
    return cursor.fetchone()[0]

def holder_mysql(cursor):
    cursor.execute(
        "SELECT user, host, time FROM information_schema.processlist "
        "WHERE id = IS_USED_LOCK(CONCAT('pyweb.', SHA1(DATABASE())))"
    )
    return ", ".join("%s at %s, for %s s" % row for row in cursor.fetchall()) or "nobody knows which"
"""
_MIGRATE = """
import sys

def lacking(alias):
    found = state(alias)
    if "error" in found:
        raise Failed(found["error"])
    return [".".join(one) for one in found["unapplied"]]

def migrate():
    done = {"applied": [], "backup": False, "failure": None, "waited": 0}
    began = time.monotonic()
    try:
        with turn(ALIAS):
            done["waited"] = int(time.monotonic() - began)
            before = lacking(ALIAS)
            if not before:
                return done
            if FOLDER:
                try:
                    done["backup"] = back_up(ALIAS, {**TOLD, "before": before})
                except Failed as error:
                    return {**done, "refused": "it can't be backed up before its migrations, so none was applied: %s" % error}
            connections.close_all()
            ended = subprocess.run(ARGV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            after = lacking(ALIAS)
            done["applied"] = [name for name in before if name not in after]
            if ended.returncode:
                done["failure"] = (ended.stdout + ended.stderr).decode(errors="replace")[-100000:]
    except (Failed, DatabaseError) as error:
        return {**done, "refused": str(error)}
    return done

tell(**migrate())
"""
_SCRIPT = databases.STATES + dumps.BACK_UP + _TURN + _MIGRATE


@dataclasses.dataclass(frozen=True)
class Safety:
    """What is backed up before a migration: into `backups`, of `every` database, or SQLite's alone, and by `command` if given.

    `told` is what the backup is to say of the app.
    """

    backups: Backups
    every: bool = False
    command: Sequence[str] = ()
    told: dict[str, str | None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Migrated:
    """What was `applied`, the name of the `backup` from before if one was made, and the seconds that it `waited` for its turn."""

    applied: list[str]
    backup: str | None
    waited: int


class MigrationFailed(DjangoError):
    """A migration failed; `said` is all that it said, and `migrated` what was done before it."""

    def __init__(self, alias: str, said: str, migrated: Migrated, workdir: str):
        begun = re.findall(r"^ *Applying (\S+)\.\.\.", said, re.MULTILINE)
        named = [f"The migration is {begun[-1]}."] if begun else []
        failed = f"a migration of the database {alias} failed:"
        super().__init__("\n".join([failed, remedies.explain(said, workdir), *named]))
        self.said = said
        self.migrated = migrated


def migrate(manage: Manage, app: str, user: str, alias: str, argv: Sequence[str], safety: Safety | None) -> Migrated:
    """Apply what a database lacks, by the command `argv`, after a backup if there is `safety`. Raises DjangoError.

    `user` is the account of `app`.
    """
    failure = f"the database {alias} can't be migrated"
    with safety.backups.stage(user) if safety else contextlib.nullcontext() as folder:
        done = manage.ask(
            _SCRIPT,
            failure,
            backups.writable(folder),
            ALIAS=alias,
            ARGV=list(argv),
            FOLDER=folder,
            EVERY=bool(safety and safety.every),
            COMMAND=list(safety.command) if safety else [],
            TOLD=safety.told if safety else {},
            PATIENCE=PATIENCE,
            WHO=f"pyweb.stack migrates {app} from {socket.gethostname()}"[:63],
        )
    if done.get("refused"):
        raise DjangoError(f"{failure}: {done['refused']}")
    migrated = Migrated(done["applied"], safety.backups.made[-1] if safety and done["backup"] else None, done["waited"])
    if done["failure"] is not None:
        raise MigrationFailed(alias, done["failure"], migrated, manage.workdir)
    return migrated
