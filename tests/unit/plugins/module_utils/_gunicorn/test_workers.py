# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apps learn of their visitors from each worker class of each gunicorn, over a unix socket as nginx asks."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import sysconfig
import time
import venv

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.settings import Settings

APPS = """
import json

def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [json.dumps([environ[name] for name in ("REMOTE_ADDR", "wsgi.url_scheme", "SCRIPT_NAME", "PATH_INFO")]).encode()]

async def asgi(scope, receive, send):
    if scope["type"] == "http":
        seen = [scope["client"][0], scope["scheme"], scope["root_path"], scope["path"]]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
"""
# Each with the app that it takes; and what they need beside gunicorn.
CLASSES = {
    "sync": "wsgi",
    "gthread": "wsgi",
    "gevent": "wsgi",
    "gevent_pywsgi": "wsgi",
    "tornado": "wsgi",
    "asgi": "asgi",
    "uvicorn_worker.UvicornWorker": "asgi",
}
PACKAGES = ("gevent==26.9.0", "packaging==26.4", "tornado==6.6.1", "uvicorn-worker==0.4.0")
NGINX = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "SCRIPT_NAME": "/shop"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> pathlib.Path:
    """Return a folder with what the worker classes need."""
    folder = tmp_path_factory.mktemp("packages")
    argv = [os.path.join(sysconfig.get_path("scripts"), "uv"), "pip", "install", "--quiet"]
    subprocess.run([*argv, f"--python={sys.executable}", f"--target={folder}", *PACKAGES], check=True)
    return folder


@pytest.fixture
def serve(tmp_path, write, pythons, packages):
    """Serve the apps by these classes of a gunicorn; return what asks each, as nginx does where it is given headers."""
    processes = {}

    def serve(version: str, kinds: list[str]):
        python = _python(pythons[version], packages, tmp_path / "venv")
        settings = Settings(
            python,
            {"wsgi_app": "apps:wsgi", "chdir": str(tmp_path)},
            {"workers": 1, "graceful_timeout": 1},
            writable=[],
        )
        write(tmp_path, {"apps.py": APPS, "gunicorn.conf.py": settings.render()})
        for kind in kinds:
            argv = [python, "-m", "gunicorn", f"--config={tmp_path}/gunicorn.conf.py", f"--worker-class={kind}"]
            argv += [f"--bind=unix:{tmp_path}/{kind}.sock", f"apps:{CLASSES[kind]}"]
            with open(tmp_path / f"{kind}.log", "wb") as log:
                processes[kind] = subprocess.Popen(argv, cwd=tmp_path, stdout=log, stderr=log)

        def ask(kind: str, **headers: str) -> list[str]:
            with _connected(tmp_path / kind, processes[kind]) as connection:
                told = {"Host": "shop.example.com", **headers}
                lines = ["GET /shop/items HTTP/1.0", *(f"{name}: {value}" for name, value in told.items()), "", ""]
                connection.sendall("\r\n".join(lines).encode())
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                return json.loads(answer.read())

        return ask

    yield serve
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        process.wait()


def _python(python: str, packages: pathlib.Path, folder: pathlib.Path) -> str:
    """Return an interpreter that has the gunicorn of this one, and these packages."""
    if not folder.exists():
        venv.create(folder, symlinks=True)
        purelib = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        of_gunicorn = subprocess.run(purelib, capture_output=True, text=True, check=True).stdout.strip()
        (own,) = folder.glob("lib/python3*/site-packages")
        (own / "more.pth").write_text(f"{of_gunicorn}\n{packages}\n")
    return f"{folder}/bin/python"


def _connected(place: pathlib.Path, process: subprocess.Popen) -> socket.socket:
    """Return a connection to the socket of a gunicorn that has been started."""
    until = time.monotonic() + 60
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(60)
            connection.connect(f"{place}.sock")
        except OSError:
            connection.close()
            assert process.poll() is None, pathlib.Path(f"{place}.log").read_text()
            assert time.monotonic() < until, pathlib.Path(f"{place}.log").read_text()
            time.sleep(0.05)
        else:
            return connection


@pytest.mark.alike
def test_an_app_knows_its_visitor_by_each_class_of_each_gunicorn(serve, version):
    # Which 23 doesn't have.
    kinds = [kind for kind in CLASSES if (kind, version) != ("asgi", "23.0.0")]
    ask = serve(version, kinds)
    by_nginx = {kind: ask(kind, **NGINX) for kind in kinds}
    assert {kind: seen[:2] for kind, seen in by_nginx.items()} == {kind: ["203.0.113.7", "https"] for kind in kinds}
    # The other classes hand on what nginx says of the prefix as a header like any other.
    prefixed = {kind: seen[2:] for kind, seen in by_nginx.items() if kind not in ("gevent_pywsgi", "tornado")}
    right = {"wsgi": ["/shop", "/items"], "asgi": ["/shop", "/shop/items"]}
    assert prefixed == {kind: right[CLASSES[kind]] for kind in prefixed}
    nobody = {kind: ask(kind) for kind in kinds}
    # Tornado has an address of its own for who has none.
    addresses = {kind: "0.0.0.0" if kind == "tornado" else "127.0.0.1" for kind in kinds}
    assert nobody == {kind: [addresses[kind], "http", "", "/shop/items"] for kind in kinds}
