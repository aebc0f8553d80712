"""What each app is made of, wherever it came from; runs on the server, and asks each on its own socket.

Its arguments are those of the apps, if any, whose interpreter is one of the mirror.
"""

import http.client
import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import unittest

MIRRORED = set(sys.argv[1:])
APPS = {"private_git", "from_controller", "offline", "from_url", *MIRRORED}
PYTHONS = "/usr/local/lib/pyweb-stack/pythons"
# Which doesn't find itself, neither here nor where this file is sent to.
PLANTED = "planted[-][a-z-]+"


def ask(app):
    """Return what an app says of itself."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(f"/srv/{app}/current/app.sock")
        connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return json.loads(answer.read())


def record(app):
    """Return the record of the active release."""
    return json.loads(pathlib.Path(f"/srv/{app}/current/release.json").read_text())


class Sources(unittest.TestCase):
    def test_every_app_has_what_it_needs(self):
        for app in APPS:
            self.assertIn("itsdangerous==2.2.0", ask(app)["packages"], app)
            self.assertLessEqual({"gunicorn==27.0.1", "itsdangerous==2.2.0"}, set(record(app)["installed"]), app)

    def test_the_submodule_came_along(self):
        self.assertEqual({app for app in APPS if ask(app)["word"] == "from the submodule"}, {"private_git"})

    def test_a_requirement_came_from_a_repository_of_its_own(self):
        self.assertEqual({app for app in APPS if "helper==1.0" in ask(app)["packages"]}, {"private_git"})

    def test_what_a_requirement_s_build_saw_was_no_key(self):
        (path,) = pathlib.Path("/srv/private_git/current/venv/").glob("lib/*/site-packages/helper.json")
        seen = json.loads(path.read_text())
        self.assertIn("GIT_CONFIG_GLOBAL", seen["environment"])
        self.assertEqual(seen["keys"], [])

    def test_the_interpreter_is_the_one_asked_for(self):
        self.assertEqual({app for app in APPS if ask(app)["python"] == "/opt/python"}, {"offline"})

    @unittest.skipUnless(MIRRORED, "no app has one")
    def test_an_interpreter_of_a_mirror_is_shared_and_root_s_alone(self):
        (python,) = {ask(app)["python"] for app in MIRRORED}
        self.assertRegex(python, rf"^{PYTHONS}/3\.\d+\.99-20261110/cpython-3\.\d+\.99-linux-")
        self.assertEqual(os.listdir(PYTHONS), [python.split("/")[-2]])
        others = [
            "(",
            "!",
            "-user",
            "root",
            "-o",
            "-perm",
            "/022",
            "!",
            "-type",
            "l",
            "-o",
            "-links",
            "+1",
            "-type",
            "f",
            ")",
        ]
        found = subprocess.run(["find", PYTHONS, *others], capture_output=True, text=True, check=True)
        self.assertEqual(found.stdout, "")

    def test_people_can_read_where_it_came_from(self):
        versions = {
            "private_git": "main",
            "from_controller": "hello-1.0.tar.gz",
            "from_url": "hello-1.0.tar.gz",
            "offline": "",
            **dict.fromkeys(MIRRORED, ""),
        }
        for app in APPS:
            self.assertEqual(record(app)["version"], versions[app])

    def test_the_one_folder_of_an_archive_is_the_top(self):
        for app in APPS:
            self.assertTrue(os.path.isfile(f"/srv/{app}/current/src/hello.py"), app)

    def test_no_secret_is_in_a_file_of_the_runs(self):
        for secret in (PLANTED, self.key()):
            changed = ["find", "/", "/run", "/tmp", "-xdev", "-type", "f", "-cnewer", "/opt/ready", "-print0"]
            files = subprocess.run(changed, capture_output=True, check=True).stdout
            search = ["xargs", "--null", "grep", "--files-with-matches", "--extended-regexp", "--regexp", secret]
            found = subprocess.run(search, input=files, capture_output=True, check=False).stdout.decode().splitlines()
            told = [
                path
                for path in found
                if not re.fullmatch("/srv/secretive/releases/[0-9a-f]{12}/(env|gunicorn.conf.py)", path)
            ]
            self.assertEqual(told, [])
            for path in found:
                mode = stat.S_IMODE(os.stat(path).st_mode)
                self.assertEqual((path, oct(mode)), (path, oct(0o600 if path.endswith("env") else 0o640)))
            # It does find what is there.
            self.assertEqual(bool(found), secret == PLANTED)

    def test_no_secret_is_in_the_journal_or_in_what_systemd_tells(self):
        for secret in (PLANTED, self.key()):
            for argv in (["journalctl", "--no-pager", "--all", "--output=export"], ["systemctl", "show", "*"]):
                said = subprocess.run(argv, capture_output=True, check=True).stdout.decode(errors="replace")
                self.assertEqual(re.findall(f".*{secret}.*", said), [], argv)

    def test_no_secret_was_in_the_list_of_processes(self):
        subprocess.run(["systemctl", "is-active", "--quiet", "watch"], check=True)
        self.assertEqual(pathlib.Path("/opt/seen").read_text(), "")

    def key(self):
        """Return a line of the private key."""
        return re.escape(pathlib.Path("/opt/key").read_text().splitlines()[2])

    def test_the_packages_asked_for_are_there(self):
        self.assertTrue(os.path.exists("/usr/bin/bc"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
