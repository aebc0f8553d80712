# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module nginx_site on a real nginx, from the proof to the way back; only systemd is played."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import types
from unittest import mock

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.pyweb.stack.plugins.module_utils._host import ports, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.modules import nginx_site

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
pytestmark = pytest.mark.skipif(not NGINX, reason="there is no nginx here: ./dev unit has one, or install nginx")
LONG = 60
CONF = """
pid {run}/nginx.pid;
error_log {run}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi;
    scgi_temp_path {run}/scgi;
    include {etc}/sites-enabled/*;
}}
"""
DEFAULT = "server { listen 80 default_server; return 200 'Welcome to nginx'; }\n"


class Host:
    """A host with nginx's tree at `etc`. nginx itself reads a copy of it, with a port that anybody can have for port 80."""

    def __init__(self, folder: pathlib.Path):
        self.etc, self._run, self._copy = folder / "etc", folder / "run", folder / "copy"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen | None = None
        self.load_state, self.reloads, self.asked = "loaded", True, []

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
                text = re.sub(r"listen 80\b", f"listen 127.0.0.1:{self.port}", text)
                path.write_text(re.sub(r"listen \[::\]:80\b[^;]*;", "", text))
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
            _until(self.answer)
        elif verb == "reload" and self.reloads:
            self.copied(str(self.etc))
            self.process.send_signal(1)
        elif verb == "reload":
            code = 1
        return Done([verb, *arguments], code, said, "")

    def answer(self) -> str:
        """Return status and body of what nginx answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            with contextlib.closing(connection):
                connection.request("GET", "/")
                answer = connection.getresponse()
                return f"{answer.status} {answer.read().decode()}"
        except OSError:
            return ""

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


def _until(true) -> None:
    """Wait until something is so: for a moment workers of before may be those who answer."""
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def host(write, monkeypatch, app):
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
        # Which is in /run else, as only root's can be.
        "tempfile": types.SimpleNamespace(
            mkdtemp=lambda prefix, dir: tempfile.mkdtemp(prefix=prefix, dir=folder / "run")
        ),
    }.items():
        monkeypatch.setattr(server, name, value)
    monkeypatch.setattr(systemd, "ctl", made.ctl)
    monkeypatch.setattr(systemd, "journal", lambda *_arguments: "what nginx said\n")
    monkeypatch.setattr(ports, "listens", lambda *_arguments: True)
    made.ctl("start", "nginx.service")
    (folder / "srv/shop/current").mkdir(parents=True)
    app(folder / "srv/shop/current/app.sock", 203)
    (folder / "srv/shop/current/app.sock").chmod(0o777)
    yield made
    made.end()
    shutil.rmtree(folder)


@pytest.fixture
def site(capsys, host):
    """Play the module and return its result."""
    root = str(host.etc.parent / "srv")

    def site(**given) -> dict:
        check = {"_ansible_check_mode": given.pop("check", False)}
        with patch_module_args({"app": "shop", "app_root": root, **given, **check}), pytest.raises(SystemExit):
            nginx_site.main()
        return json.loads(capsys.readouterr().out)

    return site


def test_a_site_takes_the_place_of_the_default_one_and_gives_it_back(host, site):
    before = host.files()
    assert host.answer() == "200 Welcome to nginx"
    assert site()["changed"]
    _until(lambda: host.answer() == "203 ")
    assert not site()["changed"]
    assert site(state="absent")["changed"]
    _until(lambda: host.answer() == "200 Welcome to nginx")
    assert host.files() == before


def test_check_mode_says_the_same_and_does_nothing(host, site):
    before = host.files()
    foretold = site(check=True)
    assert (foretold["changed"], host.files()) == (True, before)
    assert "/srv/shop/current/app.sock" in json.dumps(foretold["diff"])
    assert site()["diff"] == foretold["diff"]


def test_what_nginx_refuses_is_not_put_in_place(host, site):
    site()
    before = host.files()
    refused = site(extra="no_such_directive on;")
    assert 'unknown directive "no_such_directive"' in refused["msg"]
    assert "nothing was changed. nginx still runs with what it has loaded." in refused["msg"]
    assert host.files() == before
    assert not list((host.etc.parent / "run").glob("pyweb-stack-nginx-*"))


def test_where_nginx_does_not_take_it_up_all_is_as_it_was(host, site):
    before = host.files()
    host.reloads = False
    refused = site()
    assert re.search("did not take up .*sites-available/default, so its files are as they were before", refused["msg"])
    assert "what nginx said" in refused["msg"]
    assert host.files() == before
    assert not server.pending()
    assert host.answer() == "200 Welcome to nginx"


def test_what_a_killed_run_left_is_taken_up(host, site, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(server, "make_ready", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            site()
    assert server.pending()
    assert host.answer() == "200 Welcome to nginx"
    assert site()["changed"]
    _until(lambda: host.answer() == "203 ")
    assert not server.pending()


def test_another_site_that_is_broken_is_named(host, site, write):
    write(host.etc, {"sites-enabled/broken": "server { no_such_directive on; }\n"})
    before = host.files()
    refused = site()["msg"]
    assert all(words in refused for words in ("broken already", "sites-enabled/broken:1", "was not touched"))
    assert host.files() == before


def test_its_own_site_is_repaired(host, site):
    site()
    path = host.etc / "sites-available/default"
    text = path.read_text()
    path.write_text(text + "nonsense\n")
    assert site()["changed"]
    assert path.read_text() == text


def test_one_that_is_down_is_started_and_one_that_is_masked_is_told_of(host, site):
    site()
    host.end()
    assert site()["changed"]
    _until(lambda: host.answer() == "203 ")
    host.load_state = "masked"
    assert "nginx.service is masked on this host, so nothing was changed" in site()["msg"]


def test_a_site_that_nginx_would_not_read_is_refused(host, site, monkeypatch):
    run = host.run

    def without_the_site(*argv: str) -> Done:
        done = run(*argv)
        return Done(argv, done.returncode, done.stdout.replace("sites-enabled", "elsewhere"), done.stderr)

    monkeypatch.setattr(server, "_run", without_the_site)
    assert "nginx would not read" in site()["msg"]
