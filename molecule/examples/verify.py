"""What the examples answer on their names; runs on the server, and asks by way of nginx."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import unittest
import urllib.parse


def ask(host, path="/", method="GET", body=None):
    """Return status and body of an answer."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", timeout=20)) as connection:
        connection.request(method, path, body, {"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class Websocket:
    """As much of RFC 6455 as it takes to say a word and to hear one."""

    def __init__(self, host, path):
        self._socket = socket.create_connection(("127.0.0.1", 80), timeout=20)
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        self.status = int(self._file.readline().split()[1])
        while self._file.readline().strip():
            pass

    def close(self):
        """Go away."""
        self._file.close()
        self._socket.close()

    def say(self, text):
        """Send a short text, masked as a client has to."""
        mask, data = os.urandom(4), text.encode()
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self._socket.sendall(bytes([0x81, 0x80 | len(data)]) + mask + masked)

    def hear(self):
        """Return the next short text."""
        _kind, length = self._file.read(2)
        return self._file.read(length).decode()


class Django(unittest.TestCase):
    def test_the_django_project_is_the_default_site(self):
        self.assertIn("Guest book", ask("whatever.example")[1])


class Database(unittest.TestCase):
    def test_the_django_project_keeps_its_entries_in_postgresql(self):
        form = http.client.HTTPConnection("127.0.0.1", timeout=20)
        self.addCleanup(form.close)
        form.request("GET", "/", headers={"Host": "whatever.example"})
        answer = form.getresponse()
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        words = os.urandom(4).hex()
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, "text": words})
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie, "Host": "whatever.example"}
        form.request("POST", "/", body, kind)
        self.assertEqual(form.getresponse().status, 302)
        self.assertIn(words, ask("whatever.example")[1])
        asked = ["runuser", "-u", "guestbook", "--", "psql", "-AtcSELECT text FROM guestbook_entry"]
        self.assertIn(words, subprocess.run(asked, capture_output=True, text=True, check=True, cwd="/").stdout.split())

    def test_it_has_a_cache_of_its_own(self):
        code = "from django.core.cache import cache; cache.set('word', 'kept'); print(cache.get('word'))"
        asked = ["gunicorn-guestbook", "manage.py", "shell", "-c", code]
        self.assertIn("kept", subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split())
        argv = ["redis-cli", "-s", "/run/cache-guestbook/cache.sock", "DBSIZE"]
        self.assertNotEqual(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip(), "0")


class Flask(unittest.TestCase):
    def test_the_flask_app_keeps_notes(self):
        name = os.urandom(4).hex()
        self.assertEqual(ask("notes.example.com", f"/{name}", "PUT", "a word")[0], 204)
        self.assertEqual(ask("notes.example.com", f"/{name}"), (200, "a word"))
        self.assertIn(name, ask("notes.example.com")[1].split())

    def test_the_flask_app_has_threads(self):
        self.assertRegex(pathlib.Path("/srv/notes/current/gunicorn.conf.py").read_text(), "worker_class = 'gthread'")


class FastAPI(unittest.TestCase):
    def test_what_is_said_over_the_websocket_is_heard_in_the_stream_at_once(self):
        connection = http.client.HTTPConnection("127.0.0.1", timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", "/ear", headers={"Host": "chat.example.com", "X-Forwarded-For": "203.0.113.9"})
        stream = connection.getresponse()
        self.assertEqual(stream.readline(), b"data: welcome, 127.0.0.1\n")
        mouth = Websocket("chat.example.com", "/mouth")
        self.addCleanup(mouth.close)
        self.assertEqual(mouth.status, 101)
        for word in ("hello", "again"):
            mouth.say(word)
            # Were the stream gathered anywhere, this line would not come before the stream's end, which never comes.
            self.assertEqual(stream.readline(), b"\n")
            self.assertEqual(stream.readline(), f"data: {word}\n".encode())
            self.assertEqual(mouth.hear(), "told 1")

    def test_the_queue_of_the_asgi_app_is_as_long_as_that_of_the_others(self):
        release = os.path.basename(os.readlink("/srv/chat/current"))
        argv = ["ss", "-Hxl", f"src = /run/gunicorn-chat/{release}.sock"]
        listening = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(listening[3], "2048", listening)


class Packages(unittest.TestCase):
    def test_the_packages_answer(self):
        self.assertIn("Radicale", ask("calendars.example.com", "/.web/")[1])
        self.assertIn("Simple Index", ask("packages.example.com", "/simple/")[1])
        self.assertEqual(json.loads(ask("requests.example.com", "/get?a=b")[1])["args"], {"a": "b"})

    def test_what_was_installed_is_on_record(self):
        record = json.loads(pathlib.Path("/srv/calendars/current/release.json").read_text())
        self.assertIn("radicale==3.9.0", record["installed"])
        self.assertTrue([line for line in record["installed"] if re.match(r"gunicorn==27\.", line)])

    def test_an_app_s_folder_is_its_own(self):
        calendars = pathlib.Path("/var/lib/radicale").stat()
        self.assertEqual(calendars.st_uid, pathlib.Path("/var/lib/gunicorn-calendars").stat().st_uid)
        self.assertEqual(calendars.st_mode & 0o777, 0o750)


if __name__ == "__main__":
    unittest.main(verbosity=2)
