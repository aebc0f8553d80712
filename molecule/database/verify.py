"""Looks at what two apps have of databases and caches, and who gets in; runs on the server. The first argument says when."""

import os
import pathlib
import pwd
import subprocess
import sys
import unittest

WHEN = sys.argv.pop(1)
SQL = ["psql", "--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--host=/run/postgresql"]
KEPT, ROWS = pathlib.Path("/root/kept"), pathlib.Path("/root/rows")
BACKUPS = pathlib.Path("/var/backups/gunicorn-guestbook")


def run(argv, user=None):
    """Return what a command does as somebody else."""
    account = pwd.getpwnam(user) if user else None
    become = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    env = {"PATH": os.environ["PATH"], "PGCONNECT_TIMEOUT": "10"}
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", env=env, **become)


def sql(user, statement, *more, database="guestbook"):
    """Return what PostgreSQL answers somebody."""
    return run([*SQL, f"--dbname={database}", *more, f"--command={statement}"], user)


def cache(user, *command, app="guestbook"):
    """Return what a cache answers somebody, or why it doesn't."""
    done = run(["redis-cli", "-s", f"/run/cache-{app}/cache.sock", *command], user)
    return (done.stdout + done.stderr).strip()


def rows():
    """Return the lines of the guest book, as the app's account reads them."""
    return sql("guestbook", "SELECT id, text, written FROM guestbook_entry ORDER BY id").stdout.splitlines()


class Made(unittest.TestCase):
    def test_each_app_has_its_own(self):
        for app in ("guestbook", "till"):
            self.assertEqual(sql(app, "SELECT current_user", database=app).stdout.strip(), app)
            self.assertEqual(cache(app, "set", "mine", app, app=app), "OK")
            self.assertEqual(cache(app, "get", "mine", app=app), app)

    def test_no_app_gets_into_another_s(self):
        for user in ("till", "nobody", "www-data"):
            self.assertIn("FATAL", sql(user, "SELECT 1").stderr)
            self.assertIn("Peer authentication failed", sql(user, "SELECT 1", "--username=guestbook").stderr)
            over_tcp = sql(user, "SELECT 1", "--host=127.0.0.1", "--username=guestbook")
            self.assertIn("no password supplied", over_tcp.stderr)
            self.assertIn("Permission denied", cache(user, "get", "mine"))
        self.assertIn("permission denied", sql("till", "CREATE DATABASE more", database="till").stderr)
        self.assertIn("permission denied", sql("till", "CREATE ROLE more", database="till").stderr)

    def test_what_is_on_the_disk_is_closed_to_apps(self):
        for path in ("/var/lib/cache-guestbook/", "/var/lib/postgresql/"):
            for user in ("till", "guestbook"):
                read = run(["find", path, "-type", "f", "-exec", "cat", "{}", "+"], user)
                self.assertEqual((read.stdout, "Permission denied" in read.stderr), ("", True), path)

    def test_nothing_of_it_listens_for_other_hosts(self):
        listening = run(["ss", "--listening", "--tcp", "--numeric", "--no-header"]).stdout.splitlines()
        others = [line.split()[3] for line in listening if not line.split()[3].endswith(":80")]
        self.assertEqual([each for each in others if not each.startswith(("127.0.0.1:5432", "[::1]:5432"))], [])

    def test_a_queue_survives_a_restart(self):
        cache("till", "rpush", "tasks", "one", app="till")
        self.assertEqual(run(["systemctl", "restart", "cache-till"]).returncode, 0)
        self.assertEqual(cache("till", "lpop", "tasks", app="till"), "one")

    def test_the_sandbox_of_the_cache_holds(self):
        rated = run(["systemd-analyze", "security", "--no-pager", "cache-till.service"]).stdout.splitlines()[-1]
        self.assertLessEqual(float(rated.split(":")[1].split()[0]), 1.2)

    def test_the_app_has_its_tables_there(self):
        self.assertEqual(sql("guestbook", "SELECT count(*) FROM guestbook_entry").stdout, "0\n")


class Full(unittest.TestCase):
    """After a migration whose release was refused, while somebody wrote: keeps the rows for a later look."""

    def test_the_backup_is_root_s_alone(self):
        (dump,) = BACKUPS.glob("*.dump")
        self.assertEqual((dump.owner(), dump.stat().st_mode & 0o777), ("root", 0o600))
        self.assertNotEqual(run(["cat", dump], "guestbook").returncode, 0)

    def test_the_migration_stays(self):
        self.assertEqual(sql("guestbook", "SELECT name FROM guestbook_mood").stdout, "glad\n")
        ROWS.write_text("\n".join(rows()))


class Back(unittest.TestCase):
    """After the backup came back, while somebody went on writing."""

    def test_each_row_is_as_it_was(self):
        before, now, kept = ROWS.read_text().splitlines(), rows(), int(KEPT.read_text())
        self.assertGreater(kept, 0)
        self.assertLess(kept, len(before))
        # Of two who write at once, the one with the lower number may be the later one.
        self.assertEqual([line for line in before if line in set(now[:kept])], now[:kept])
        # What was written since the backup is lost, and what was written since then goes on from there; a sequence is of no one
        # moment, so it may have been ahead.
        self.assertGreater(len(now), kept)
        self.assertGreater(int(now[kept].split("|")[0]), int(now[kept - 1].split("|")[0]))
        self.assertEqual((set(before) - set(now[:kept])) & set(now), set())

    def test_the_scribe_stood_still_and_writes_again(self):
        before, now, kept = ROWS.read_text().splitlines(), rows(), int(KEPT.read_text())
        scribes = [{line.split("|")[1] for line in lines if "of the scribe" in line} for lines in (before, now[kept:])]
        self.assertEqual([len(each) for each in scribes], [1, 1])
        self.assertNotEqual(*scribes)

    def test_the_migration_is_gone_with_all_it_made(self):
        self.assertIn("does not exist", sql("guestbook", "SELECT name FROM guestbook_mood").stderr)
        applied = sql("guestbook", "SELECT name FROM django_migrations WHERE app = 'guestbook'").stdout
        self.assertEqual(applied.split(), ["0001_initial"])

    def test_what_was_there_before_can_come_back(self):
        self.assertEqual(len(list(BACKUPS.glob("*.dump"))), 2)


class Gone(unittest.TestCase):
    """After the other app's went with its data."""

    def test_nothing_is_left_of_it_and_the_other_s_is_there(self):
        statement = "SELECT rolname FROM pg_roles UNION SELECT datname FROM pg_database"
        found = sql("postgres", statement, database="postgres").stdout.split()
        self.assertNotIn("till", found)
        self.assertIn("guestbook", found)
        for path in ("/etc/systemd/system/cache-till.service", "/run/cache-till", "/var/lib/private/cache-till"):
            self.assertFalse(os.path.lexists(path), path)
        self.assertFalse(os.path.lexists("/var/lib/cache-till"))
        self.assertEqual(cache("guestbook", "get", "mine"), "guestbook")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], WHEN])
