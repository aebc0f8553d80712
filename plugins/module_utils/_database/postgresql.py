# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database of one app in Debian's PostgreSQL on this host. Private to the collection.

The app's account is the name of its role there: the kernel tells PostgreSQL over the socket who asks (*peer*), so there is
no password, and no other account can be that role.
"""

from __future__ import annotations

import json
import pwd
import shutil
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts, shell

SOCKET = "/run/postgresql"
_ADMIN = "postgres"
# Seconds for an answer; making and dropping a database copies or removes files.
_ANSWER = 300
# Sorted by code point, in each version of Debian alike: an upgrade of its C library leaves every index as it is.
_LOCALE = "C.UTF-8"
# What a role may do beyond its own database.
_MIGHTY = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
_STATE = """SELECT json_build_object(
  'role', (SELECT json_build_object('login', rolcanlogin, 'mighty', {mighty},
      'mark', coalesce(shobj_description(oid, 'pg_authid'), '')) FROM pg_roles WHERE rolname = {role}),
  'database', (SELECT json_build_object('owner', pg_get_userbyid(datdba), 'open', has_database_privilege('public', oid, 'CONNECT'),
      'mark', coalesce(shobj_description(oid, 'pg_database'), '')) FROM pg_database WHERE datname = {name}),
  'sessions', (SELECT count(*) FROM pg_stat_activity WHERE datname = {name}))
"""


class DatabaseError(Exception):
    """PostgreSQL can't do what was asked; the message says why, and what to do."""


class Postgresql:
    """The database `name`, of the role `role`; `mark` tells what was made here from what was there before."""

    def __init__(self, name: str, role: str, mark: str):
        self._name = name
        self._role = role
        self._mark = mark

    def url(self) -> str:
        """Return its URL for the app's account."""
        return f"postgresql:///{self._name}?host={SOCKET}"

    def state(self) -> dict[str, Any]:
        """Return what there is of it. Raises DatabaseError where PostgreSQL doesn't answer."""
        told = self._as_admin(_STATE.format(mighty=_MIGHTY, role=f"'{self._role}'", name=f"'{self._name}'"))
        state: dict[str, Any] = json.loads(told)
        return state

    def fault(self, state: dict[str, Any]) -> str | None:
        """Return why the app can't have what is there, or None."""
        role, database = state["role"], state["database"]
        if role and role["mighty"]:
            return (
                f"the role {self._role} of PostgreSQL may do more than its app needs (it is a superuser, or makes roles or "
                "databases): take that from it by ALTER ROLE, or have the app run as another account"
            )
        if database and database["owner"] != self._role:
            return (
                f"the database {self._name} is there already and belongs to {database['owner']}: give it to the app by "
                f'ALTER DATABASE {self._name} OWNER TO "{self._role}", or rename one of them'
            )
        return None

    def lacking(self, state: dict[str, Any]) -> dict[str, str]:
        """Return what is not as it is to be, by the words for it: the statements that make it so, in their order."""
        name, role, found = f'"{self._name}"', f'"{self._role}"', {}
        if not state["role"]:
            found[f"role {self._role}"] = f"CREATE ROLE {role} LOGIN; COMMENT ON ROLE {role} IS '{self._mark}';"
        elif not state["role"]["login"]:
            found[f"role {self._role} may log in"] = f"ALTER ROLE {role} LOGIN;"
        closed = f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC;"
        if not state["database"]:
            found[f"database {self._name} of {self._role}"] = (
                f"CREATE DATABASE {name} OWNER {role} TEMPLATE template0 ENCODING 'UTF8' LOCALE '{_LOCALE}'; {closed} "
                f"COMMENT ON DATABASE {name} IS '{self._mark}';"
            )
        elif state["database"]["open"]:
            found[f"database {self._name} closed to others"] = closed
        return found

    def there(self, state: dict[str, Any]) -> list[str]:
        """Return the words for what there is."""
        return [words for kind, words in self._words().items() if state[kind]]

    def made_here(self, state: dict[str, Any]) -> dict[str, str]:
        """Return what was made here, by the words for it: the statements that remove it, in their order."""
        ours = {kind: state[kind] and state[kind]["mark"] == self._mark for kind in self._words()}
        # A database that stays needs its owner.
        ours["role"] = ours["role"] and (ours["database"] or not state["database"])
        names = {"database": self._name, "role": self._role}
        return {words: f'DROP {kind.upper()} "{names[kind]}";' for kind, words in self._words().items() if ours[kind]}

    def _words(self) -> dict[str, str]:
        return {"database": f"database {self._name}", "role": f"role {self._role}"}

    def execute(self, statements: str) -> None:
        """Do what was found to be lacking. Raises DatabaseError."""
        self._as_admin(statements)

    def prove(self) -> None:
        """See that the app's account comes in, and no other as it. Raises DatabaseError."""
        own = pwd.getpwnam(self._role)
        done = self._psql(shell.Account(own.pw_uid, own.pw_gid), self._role, self._name, "SELECT 1")
        if done.returncode:
            raise DatabaseError(
                f"the account {self._role} can't use the database {self._name}: {done.stderr.strip()}: pg_hba.conf needs a "
                "line 'local all all peer', which is Debian's own, before others that are for this database"
            )
        if self._psql(accounts.NOBODY, self._role, self._name, "SELECT 1").returncode == 0:
            raise DatabaseError(
                f"any account of this host can be the role {self._role}: have the 'local' lines of pg_hba.conf say peer, as "
                "Debian's own do, and reload PostgreSQL"
            )

    def _as_admin(self, statements: str) -> str:
        try:
            admin = pwd.getpwnam(_ADMIN)
        except KeyError:
            raise DatabaseError(
                f"PostgreSQL has no account {_ADMIN} on this host: install Debian's own package"
            ) from None
        done = self._psql(shell.Account(admin.pw_uid, admin.pw_gid), _ADMIN, _ADMIN, statements)
        if done.returncode:
            raise DatabaseError(
                f"PostgreSQL says: {done.stderr.strip()}: see systemctl status 'postgresql*' and pg_lsclusters"
            )
        return done.stdout

    def _psql(self, account: shell.Account, role: str, database: str, statements: str) -> shell.Done:
        argv = [
            "psql",
            "--no-psqlrc",
            "--no-password",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
        ]
        argv += [f"--host={SOCKET}", f"--username={role}", f"--dbname={database}", "--file=-"]
        # The program is Debian's, and asks for nothing of the account's.
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": _LOCALE, "PGCONNECT_TIMEOUT": "20"}
        return shell.run(argv, identity=account, sandbox=None, seconds=_ANSWER, stdin=statements, env=env, cwd="/")


def installed() -> bool:
    """Say whether PostgreSQL and its client are on this host."""
    return bool(shutil.which("psql")) and any(one.pw_name == _ADMIN for one in pwd.getpwall())
