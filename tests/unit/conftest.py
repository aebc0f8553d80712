# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real parts that several tests need: files, git, a server on a unix socket, values of variables."""

from __future__ import annotations

import contextlib
import http.server
import os
import pathlib
import socket
import socketserver
import subprocess
import sys
import threading

import hypothesis
import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import locks, sandboxes
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules


def pytest_addoption(parser):
    """Let a day be told from what shows all."""
    parser.addoption(
        "--day",
        action="store_true",
        help="no slow test, of rows that are alike the first, and fewer values made up by hypothesis",
    )


def pytest_collection_modifyitems(config, items):
    """From day to day, leave out what differs little from another test, or another row of the same, and takes seconds."""
    if not config.getoption("day"):
        return
    first = {(item.path, item.originalname): item for item in reversed(items)}
    alike = [item for item in items if item.get_closest_marker("alike") and item not in first.values()]
    left = [item for item in items if item in alike or item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def write():
    """Write files by path, text by text, below a folder that need not be there."""

    def write(folder, files: dict[str, str]) -> pathlib.Path:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return pathlib.Path(folder)

    return write


@pytest.fixture(scope="session", autouse=True)
def _git_without_configuration():
    """Let git behave alike on every machine, also when a hook of git runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "A")
            patch.setenv(f"GIT_{role}_EMAIL", "a@example.com")
        yield


@pytest.fixture(scope="session", autouse=True)
def _places_without_sandboxes():
    """Run as it is what a server would run in a sandbox: what that would see elsewhere is there, and nothing is hidden."""

    @contextlib.contextmanager
    def entered(sandbox, _seconds):
        places = {**sandbox.reads, **sandbox.writes}
        elsewhere = [(path, inside) for inside, path in places.items() if path != inside]
        argv, made = [sys.executable, *sandboxes.FOREMAN[1:]], []
        # What is there already is to be covered, which takes a mount, and the rights for it.
        within = any(inside.startswith(f"{place}/") for place in places for _path, inside in elsewhere)
        if within or any(os.path.exists(inside) for _path, inside in elsewhere):
            made = [inside for _path, inside in elsewhere if not os.path.exists(inside)]
            mounts = "".join(f"mount --bind {path} {inside}; " for path, inside in elsewhere)
            argv = ["unshare", "--mount", "sh", "-ec", f'{mounts} exec "$@"', "sh", *argv]
            for inside in made:
                os.mkdir(inside)
        else:
            for path, inside in elsewhere:
                os.symlink(path, inside)
        try:
            with sandboxes.commands(argv, lambda: None, lambda: "") as run:
                yield run
        finally:
            for _path, inside in elsewhere:
                if os.path.islink(inside):
                    os.unlink(inside)
            for inside in reversed(made):
                os.rmdir(inside)

    def serving(_sandbox, script, told, _seconds):
        argv = [sys.executable, "-I", "-S", "-c", script]
        return sandboxes.helper(argv, told, lambda: None, lambda: "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandboxes.Sandbox, "entered", entered)
        patch.setattr(sandboxes.Sandbox, "serving", serving)
        yield


@pytest.fixture(autouse=True)
def _locks_of_one_test():
    """Give up what a process would share until it ends."""
    yield
    while locks._shared:
        os.close(locks._shared.popitem()[1])


@pytest.fixture(scope="session")
def git():
    """Run git in a folder and return what it printed."""

    def git(folder, *arguments: str) -> str:
        # A submodule of the tests is a folder beside it, which git takes only when told so.
        argv = ["git", "-C", folder, "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    return git


@pytest.fixture(scope="session")
def certificate():
    """Make a certificate of its own in a folder, `NAME.pem`, and its key, `NAME.key`."""

    def certificate(folder, name: str) -> None:
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=localhost")
        files = ("-out", f"{name}.pem", "-keyout", f"{name}.key")
        subprocess.run(["openssl", "req", "-x509", *kind, *files], cwd=folder, capture_output=True, check=True)

    return certificate


@pytest.fixture
def listening():
    """Listen on a loopback address and return it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def as_root(monkeypatch):
    """Let code run that gives files to root; without root's rights the tests say nothing of owners."""
    if os.geteuid() != 0:
        for name in ("chown", "fchown", "lchown"):
            monkeypatch.setattr(os, name, lambda *_arguments, **_options: None)


@pytest.fixture
def app():
    """Start a web app on a unix socket that answers with these statuses, the last one for ever; return its requests."""
    servers = []

    def app(path, *statuses: int) -> list[http.server.BaseHTTPRequestHandler]:
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self)
                self.send_response(statuses[min(len(requests), len(statuses)) - 1])
                self.end_headers()

            def log_message(self, *_arguments):
                """Say nothing: who connects to a unix socket has no address to be named by."""

        server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return requests

    yield app
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def whatever_passes(pytestconfig):
    """Return a function that makes a claim about values of a variable, those that its checks let pass."""
    examples = 50 if pytestconfig.getoption("day") else 200

    def claim(name, values, holds):
        taken = []

        @hypothesis.settings(max_examples=examples, deadline=None, database=None, derandomize=True)
        @hypothesis.given(value=values)
        def each(value):
            if not variable_rules.faults({name: value}):
                taken.append(value)
                holds(value)

        each()
        assert len(taken) > 2, "the checks let too little pass for this to say something"

    return claim
