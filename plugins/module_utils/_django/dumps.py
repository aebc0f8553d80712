# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a database is written into a file of a backup, and comes back from there, as Python of the project's own. Private to the collection."""

from __future__ import annotations

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

def applied(connection):
    # Django's own recorder would ask the database that the alias names, and not a copy.
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return []
        cursor.execute("SELECT app, name FROM django_migrations")
        return sorted("%s.%s" % row for row in cursor.fetchall())

def content(connection):
    return {"rows": rows(connection), "applied": applied(connection)}

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

    def copy_all(**how):
        with contextlib.closing(sqlite3.connect(target)) as copy:
            # Writers wait meanwhile; it is made durable after that.
            copy.execute("PRAGMA synchronous=OFF")
            original.backup(copy, **how)

    with contextlib.closing(sqlite3.connect(source, timeout=60)) as original:
        logged = original.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        try:
            copy_all(**({} if logged else {"pages": 4096, "progress": progress}))
        except Late:
            os.unlink(target)
            copy_all()

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
        return found, None if found else content(copy)
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
    found, kept = damage(path, alias)
    if found:
        raise Failed("the database %s is damaged: %s" % (source, "; ".join(found[:5])))
    return kept

def back_up_postgresql(alias, path):
    reader = alone(alias)
    try:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_export_snapshot(), pg_database_size(current_database())")
            snapshot, size = cursor.fetchone()
        room(os.path.dirname(path), size)
        kept = content(reader)
        if kept["rows"] == {}:
            return None
        argv, env = client(reader, "pg_dump")
        tool([*argv, "--no-password", "--format=custom", "--snapshot=" + snapshot, "--file=" + path], env)
    finally:
        reader.close()
    if not tool(["pg_restore", "--list", path], {}).strip():
        raise Failed("pg_restore finds nothing in what pg_dump wrote")
    return kept

def back_up_mysql(alias, path):
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(SUM(data_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()")
        room(os.path.dirname(path), int(cursor.fetchone()[0]))
    kept = content(connection)
    if kept["rows"] == {}:
        return None
    argv, env = client(connection, "mariadb-dump" if shutil.which("mariadb-dump") else "mysqldump")
    tool([*argv, "--single-transaction", "--quick", "--no-tablespaces", "--routines", "--result-file=" + path], env)
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 200))
        if b"-- Dump completed" not in file.read():
            raise Failed("%s did not write its last line" % argv[0])
    return kept

def back_up_command(alias, path):
    tool(COMMAND, {"BACKUP_FILE": path, "BACKUP_DATABASE": alias})
    if not os.path.isfile(path) or not os.path.getsize(path):
        raise Failed("%s wrote nothing to the file that BACKUP_FILE names" % COMMAND[0])
    return {"rows": {}, "applied": applied(connections[alias])}

def back_up(alias, told):
    vendor = "command" if COMMAND else connections[alias].vendor
    kinds = {"sqlite": back_up_sqlite, "postgresql": back_up_postgresql, "mysql": back_up_mysql, "command": back_up_command}
    if vendor not in (kinds if EVERY else ["sqlite"]):
        return False
    path, taken = os.path.join(FOLDER, "data"), time.time()
    try:
        kept = kinds[vendor](alias, path)
        if kept is None:
            return False
        about = {**told, **kept, "alias": alias, "vendor": vendor, "taken": taken}
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
    found = damage(target, alias)[0]
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
        for found in connection.introspection.get_table_list(cursor):
            cursor.execute("DROP %s %s" % ("VIEW" if found.type == "v" else "TABLE", connection.ops.quote_name(found.name)))
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
