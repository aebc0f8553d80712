"""What a visitor sees of the album, whose parts run beside the pages; runs on the server, and asks by way of nginx."""

import hashlib
import http.cookiejar
import os
import re
import subprocess
import time
import unittest
import urllib.request

SITE = "http://127.0.0.1"
# Seconds within which a task is done, and beat has its next turn, also on a machine with much else to do.
PATIENCE = 120


def get(path):
    """Return the body of a page."""
    with urllib.request.urlopen(SITE + path, timeout=60) as answer:
        return answer.read()


def bring(name, content):
    """Send a file by the form."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = browser.open(SITE).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    parts = [
        f'Content-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}'.encode(),
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content,
    ]
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=edge", "Origin": SITE}
    browser.open(urllib.request.Request(SITE, body, headers))


def wait_for(pattern):
    """Wait until the page has it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := re.search(pattern, get("/").decode())):
        if time.monotonic() > deadline:
            raise AssertionError(f"no {pattern} in {get('/').decode()}")
        time.sleep(0.2)
    return found


def run(*argv):
    """Return what a command prints."""
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


class Album(unittest.TestCase):
    def test_a_picture_is_kept_served_and_looked_at_by_a_worker(self):
        content = os.urandom(100_000)
        bring(f"{content[:4].hex()}.png", content)
        path = wait_for(rf'href="(/media/{content[:4].hex()}\.png)"')[1]
        self.assertEqual(get(path), content)
        wait_for(hashlib.sha256(content).hexdigest())

    def test_beat_has_the_pictures_counted(self):
        bring("x.png", b"x")
        wait_for(rf"{len(run('find', '/var/lib/gunicorn-album/media', '-type', 'f').split())} counted")

    def test_what_npm_built_is_served_by_names_of_its_content(self):
        script, style = (re.search(rf'"(/static/album\.\w+\.{kind})"', get("/").decode())[1] for kind in ("js", "css"))
        # What the package says that the script imports, and a style without its blanks.
        self.assertIn(b"just now", get(script))
        self.assertIn(b"overflow-wrap:anywhere", get(style))

    def test_of_the_build_nothing_stays_but_what_it_made(self):
        there = set(os.listdir("/srv/album/current/src/frontend"))
        self.assertEqual(there, {".gitignore", "dist", "package-lock.json", "package.json", "src"})

    def test_the_database_is_postgresql_and_its_password_none(self):
        told = run(
            "gunicorn-album", "manage.py", "shell", "-c", "from django.db import connection as c; print(c.vendor)"
        )
        self.assertIn("postgresql", told)

    def test_status_has_all_that_runs(self):
        told = run("gunicorn-album", "status")
        for unit in (r"gunicorn-album@\w+", r"gunicorn-album-worker@\w+", r"gunicorn-album-beat@\w+"):
            self.assertRegex(told, rf"{unit}\.service +active \(running\)")
        self.assertRegex(told, r"gunicorn-album-clearsessions\.timer +active \(waiting\) +next \w")
        self.assertEqual(run("systemctl", "list-units", "--failed", "--plain", "--no-legend"), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
