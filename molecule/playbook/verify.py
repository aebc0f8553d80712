"""Who answers on which name, and what is left of what was there before; runs on the server."""

import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

HOST = sys.argv.pop()
ZOO = pathlib.Path({"bookworm": "/etc/nginx/sites-enabled/zoo", "trixie": "/etc/nginx/conf.d/zoo.conf"}[HOST])
APPS = {"bare", "talk", "notes", "alone", "imported", "listed"}


def get(host, path="/"):
    """Return body and headers of an answer; nothing where nginx closes without one."""
    connection = http.client.HTTPConnection("127.0.0.1", timeout=20)
    connection.request("GET", path, headers={"Host": host})
    try:
        answer = connection.getresponse()
    except http.client.RemoteDisconnected:
        return None, {}
    return answer.read().decode(), answer.headers


def show(app, name):
    """Return a property of the unit that serves."""
    unit = f"gunicorn-{app}@{os.path.basename(os.readlink(f'/srv/{app}/current'))}.service"
    argv = ["systemctl", "show", unit, f"--property={name}", "--value"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


class Apps(unittest.TestCase):
    def test_each_answers_on_its_name_as_its_user(self):
        self.assertEqual(
            json.loads(get("bare.example.com")[0]),
            {"app": "bare", "colour": "green", "socket": "gevent._socket3", "user": "painter"},
        )
        for name in ("talk.example.com", "a.talk.example.com"):
            self.assertEqual(json.loads(get(name)[0]), {"app": "talk", "colour": None, "user": "talk"})
        self.assertEqual(get("notes.example.com")[0], "")
        self.assertEqual(get("alone.example.com")[0], "alone, first\n")
        self.assertIn("Hello world!", get("imported.example.com")[0])
        self.assertIn("Hello world!", get("listed.example.com")[0])
        for app in APPS:
            self.assertEqual(show(app, "User"), {"bare": "painter"}.get(app, app))

    def test_nothing_of_one_reaches_another(self):
        self.assertEqual({app for app in APPS if "MemoryDenyWriteExecute=yes" not in self._unit(app)}, {"bare"})
        self.assertEqual({app for app in APPS if "/var/lib/paint" in self._unit(app)}, {"bare"})
        self.assertEqual({app for app in APPS if "gevent" in self._text(app, "venv/installed.txt")}, {"bare"})
        self.assertEqual({app for app in APPS if "COLOUR" in self._text(app, "env")}, {"bare", "listed"})
        self.assertEqual(
            {app for app in APPS if "\nworker_class = 'asgi'" in self._text(app, "gunicorn.conf.py")}, {"talk"}
        )
        self.assertEqual({app for app in APPS if get(f"{app}.example.com")[1].get("X-Colour")}, {"bare"})

    def _unit(self, app):
        release = os.path.basename(os.readlink(f"/srv/{app}/current"))
        return pathlib.Path(f"/etc/systemd/system/gunicorn-{app}@{release}.service").read_text()

    def _text(self, app, name):
        return pathlib.Path(f"/srv/{app}/current", name).read_text()

    def test_names_that_are_nobody_s_reach_no_app(self):
        other = {"bookworm": "the zoo", "trixie": "Welcome to nginx"}[HOST]
        for name in ("nobody.example.com", "example.com", "127.0.0.1", "talk.example.com.example", "xbare.example.com"):
            self.assertIn(other, get(name)[0], name)


class Others(unittest.TestCase):
    def test_the_other_site_is_untouched(self):
        self.assertEqual(get("zoo.example.com")[0], "the zoo\n")
        self.assertIn("Somebody else's site", ZOO.read_text())

    def test_nginx_has_its_own_change_and_its_own_account(self):
        tree = subprocess.run(["nginx", "-T"], capture_output=True, text=True, check=True).stdout
        self.assertIn("worker_connections 2000;", tree)
        user = re.search(r"^user ([\w-]+);", tree, re.MULTILINE)[1]
        self.assertEqual(user, {"bookworm": "www-data", "trixie": "nginx"}[HOST])
        self.assertEqual(pathlib.Path("/srv/bare/current/app.sock").owner(), user)

    def test_the_sites_are_where_this_nginx_has_them(self):
        self.assertEqual(os.path.isdir("/etc/nginx/sites-available"), HOST == "bookworm")

    def test_everything_runs(self):
        argv = ["systemctl", "list-units", "--failed", "--plain", "--no-legend"]
        self.assertEqual(subprocess.run(argv, capture_output=True, text=True, check=True).stdout, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
