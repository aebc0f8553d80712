# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real nginx, on which only systemd is played."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.pyweb.stack.plugins.module_utils._host import ports, scratch, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import acme, edits, selfsigned, server
from ansible_collections.pyweb.stack.plugins.modules import nginx_site

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
LONG = 60
CONF = """
pid {run}/nginx.pid;
error_log {run}/error.log;
events {{}}
http {{
    include {etc}/mime.types;
    access_log off;
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi;
    scgi_temp_path {run}/scgi;
    include {etc}/sites-enabled/*;
}}
"""
DEFAULT = "server { listen 80 default_server; server_name _; return 200 'Welcome to nginx'; }\n"


class Host:
    """A host with nginx's tree at `etc`. nginx itself reads a copy of it, with a port that anybody can have for port 80."""

    def __init__(self, folder: pathlib.Path):
        self.etc, self.log, self._copy = folder / "etc", folder / "run", folder / "copy"
        with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as another:
            self.port, self.tls_port = free.getsockname()[1], another.getsockname()[1]
        self.process: subprocess.Popen | None = None
        self.load_state, self.reloads, self.asked = "loaded", True, []
        self.requests: list[http.server.BaseHTTPRequestHandler] = []

    def copied(self, tree: str) -> str:
        """Have nginx see a tree as it would in the place of its own; return where it is."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(tree, self._copy, symlinks=True)
        for path in self._copy.rglob("*"):
            if path.is_symlink():
                target = os.readlink(path).replace(str(self.etc), str(self._copy))
                path.unlink()
                path.symlink_to(target)
            elif path.is_file():
                text = path.read_text().replace(str(self.etc), str(self._copy))
                text = text.replace("root /etc/nginx;", f"root {self._copy};")
                text = text.replace(" /var/log/nginx/", f" {self.log}/")
                text = re.sub(r"listen 80\b", f"listen 127.0.0.1:{self.port}", text)
                text = re.sub(r"listen 443\b", f"listen 127.0.0.1:{self.tls_port}", text)
                path.write_text(re.sub(r"listen \[::\]:(80|443)\b[^;]*;", "", text))
                if os.geteuid() == 0:
                    os.chown(path, 0, pathlib.Path(tree, path.relative_to(self._copy)).stat().st_gid)
        return str(self._copy)

    def run(self, *argv: str) -> Done:
        """Play server._run: nginx by itself, or in a namespace where another tree has the place of its own."""
        if argv[-1] != "-T":
            done = subprocess.run([NGINX, *argv[1:]], capture_output=True, text=True, check=False)
            return Done(argv, done.returncode, done.stdout, done.stderr)
        mount = [each for each in argv if "BindReadOnlyPaths" in each]
        tree = mount[0].split("=", 2)[2].split(":")[0] if mount else str(self.etc)
        copy = self.copied(tree)
        command = [NGINX, "-T", "-p", copy, "-c", f"{copy}/nginx.conf"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Done(argv, done.returncode, *(each.replace(copy, str(self.etc)) for each in (done.stdout, done.stderr)))

    def ctl(self, verb: str, *arguments: str) -> Done:
        """Play systemctl."""
        self.asked.append(verb)
        running = bool(self.process) and self.process.poll() is None
        said, code = "", 0
        if verb == "show":
            values = {
                "ActiveState": "active" if running else "inactive",
                "MainPID": self.process.pid if running else 0,
                "LoadState": self.load_state,
                "UnitFileState": "enabled",
            }
            said = "".join(f"{name}={value}\n" for name, value in values.items())
        elif verb == "start":
            copy = self.copied(str(self.etc))
            command = [NGINX, "-g", "daemon off;", "-p", copy, "-c", f"{copy}/nginx.conf"]
            self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            self.until(self.answer)
        elif verb == "reload" and self.reloads:
            self.copied(str(self.etc))
            self.process.send_signal(1)
        elif verb == "reload":
            code = 1
        return Done([verb, *arguments], code, said, "")

    def ask(self, path: str = "/", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        """Return what nginx answers, read to its end: `body` has its bytes, `said` its text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        with contextlib.closing(connection):
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            answer.body = answer.read()
            answer.said = answer.body.decode(errors="replace")
            return answer

    def answer(self) -> str:
        """Return status and body of what nginx answers."""
        try:
            answer = self.ask()
            return f"{answer.status} {answer.said}"
        except OSError:
            return ""

    @staticmethod
    def until(true) -> None:
        """Wait until something is so: for a moment workers of before may be those who answer."""
        deadline = time.monotonic() + LONG
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    @contextlib.contextmanager
    def reloaded(self):
        """Wait until none of the workers of before is there, which might answer."""
        before = server._workers()
        yield
        self.until(lambda: not before & server._workers())

    def sooner(self, said: str, than: str) -> None:
        """Have nginx take up its default site with less patience than it has, since a test can't wait."""
        path = self.etc / "sites-available/default"
        before = path.read_text()
        assert than in before
        path.write_text(before.replace(than, said))
        with self.reloaded():
            self.ctl("reload")

    def files(self) -> dict[str, str]:
        """Return nginx's tree: texts and links by their paths."""
        return {
            str(path.relative_to(self.etc)): os.readlink(path) if path.is_symlink() else path.read_text()
            for path in self.etc.rglob("*")
            if path.is_symlink() or path.is_file()
        }

    def end(self):
        if self.process:
            self.process.terminate()
            self.process.wait(LONG)


@pytest.fixture
def host(write, monkeypatch, app):
    if not NGINX:
        pytest.skip("there is no nginx here: ./dev unit has one, or install nginx")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nginx-"))
    # nginx's workers are of another account, where the tests are root's.
    folder.chmod(0o755)
    made = Host(folder)
    write(folder, {"run/x": "", "etc/nginx.conf": CONF.format(run=folder / "run", etc=made.etc)})
    write(
        made.etc, {"sites-available/default": DEFAULT, "sites-enabled/x": "", "mime.types": "types { text/css css; }\n"}
    )
    (made.etc / "sites-enabled/x").unlink()
    (made.etc / "sites-enabled/default").symlink_to(made.etc / "sites-available/default")
    for name, value in {
        "ETC": str(made.etc),
        "_PENDING": str(folder / "run/pending"),
        "_LOCK": str(folder / "run/lock"),
        "_RELOAD_PATIENCE": LONG,
        "_run": made.run,
        "installed": lambda: True,
    }.items():
        monkeypatch.setattr(server, name, value)
    monkeypatch.setattr(scratch, "_FOLDER", str(folder / "run"))
    monkeypatch.setattr(acme, "WEBROOT", str(folder / "var/acme"))
    monkeypatch.setattr(edits, "_FOLDER", str(folder / "var/sites"))
    monkeypatch.setattr(systemd, "ctl", made.ctl)
    monkeypatch.setattr(systemd, "journal", lambda *_arguments: "what nginx said\n")
    monkeypatch.setattr(ports, "listens", lambda *_arguments: True)
    made.ctl("start", "nginx.service")
    (folder / "srv/shop/current").mkdir(parents=True)
    made.requests = app(folder / "srv/shop/current/app.sock", 203)
    (folder / "srv/shop/current/app.sock").chmod(0o777)
    yield made
    made.end()
    shutil.rmtree(folder)


@pytest.fixture
def site(capsys, host, monkeypatch):
    """Play the module and return its result."""
    root, warned = str(host.etc.parent / "srv"), []
    # Else they are those of all modules that were played in this process.
    monkeypatch.setattr(Module, "warn", lambda _module, text: warned.append(text))

    def site(**given) -> dict:
        warned.clear()
        check = {"_ansible_check_mode": given.pop("check", False)}
        with patch_module_args({"app": "shop", "app_root": root, **given, **check}), pytest.raises(SystemExit):
            nginx_site.main()
        return {**json.loads(capsys.readouterr().out), "warnings": [*warned]}

    return site


@pytest.fixture
def own(host, site, monkeypatch):
    """Play the module with a certificate that the host makes itself; TLS has a port that anybody can have, too."""
    monkeypatch.setattr(selfsigned, "FOLDER", str(host.etc.parent / "certificates"))
    return lambda **given: site(tls={"selfsigned": True}, server_names=["www.example.com"], **given)
