# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of nginx and of an app's units on the host."""

from __future__ import annotations

import errno
import os
import socket
import sys
import tempfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server


@pytest.mark.parametrize(
    ("files", "built", "user"),
    [
        ({"nginx.conf": "user nginx;\n"}, None, "nginx"),
        ({"nginx.conf": "# user nobody;\n\n  user  'www-data' www-data; http {}\n"}, "--user=nginx", "www-data"),
        ({"nginx.conf": "include more/*; http {}\n", "more/a": "user web;"}, "", "web"),
        ({"nginx.conf": "http {}\n"}, "--user=nginx --group=nginx", "nginx"),
        ({"nginx.conf": "http {}\n"}, "--prefix=/usr", "nobody"),
        ({}, None, "www-data"),
    ],
)
def test_the_account_of_nginx(tmp_path, monkeypatch, write, files, built, user):
    monkeypatch.setattr(server, "ETC", str(write(tmp_path / "etc", files)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    if built is not None:
        write(tmp_path / "bin", {"nginx": f"#!/bin/sh\necho 'configure arguments: {built}' >&2\n"})
        (tmp_path / "bin/nginx").chmod(0o755)
    assert server.user() == user


@pytest.mark.parametrize("there", [True, False])
def test_the_copy_of_the_process_that_asks_ends_with_what_it_found(monkeypatch, tmp_path, there):
    # In this process, whose account stays the same.
    for name in ("initgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda *_asked: None)
    monkeypatch.setattr(server, "user", lambda: "nobody")
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        if there:
            listening.bind("app.sock")
            listening.listen()
        with pytest.raises(SystemExit) as ended:
            server.unreachable("app.sock")
    assert ended.value.code == (0 if there else errno.ENOENT)


def test_an_nginx_that_tells_no_version_is_taken_for_a_newer_one(monkeypatch):
    monkeypatch.setattr(server, "installed", lambda: False)
    assert server.has_http2()
    assert server.has_http3()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
@pytest.mark.parametrize(
    ("mode", "said"),
    [(0o666, None), (0o600, "Permission denied for the account 'nobody'"), (None, None)],
)
def test_whether_nginx_reaches_an_app(monkeypatch, mode, said):
    monkeypatch.setattr(server, "user", lambda: "nobody")
    # Not below pytest's own folder, which is closed to others.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "app.sock")
        if mode is not None:
            listening.bind(path)
            os.chmod(path, mode)
            listening.listen()
        assert server.unreachable(path) == said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
@pytest.mark.parametrize(
    ("above", "mode", "said"),
    [
        (0o755, 0o644, None),
        (0o755, 0o600, "Permission denied for the account 'nobody'"),
        (0o750, 0o644, "Permission denied for the account 'nobody'"),
        (0o755, None, None),
    ],
)
def test_whether_nginx_reads_a_file(monkeypatch, above, mode, said):
    monkeypatch.setattr(server, "user", lambda: "nobody")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index.html")
        if mode is not None:
            with open(path, "x", encoding="utf-8"):
                os.chmod(path, mode)
        os.chmod(folder, above)
        assert server.unreadable(path) == said
        assert server.unreadable(folder) == (said if above == 0o750 else None)


def test_a_module_is_there_that_the_configuration_loads(tmp_path, monkeypatch, write):
    files = {
        "nginx.conf": "include modules-enabled/*.conf;\n# load_module modules/ngx_http_perl_module.so;\nhttp {}\n",
        "modules-enabled/50.conf": "load_module modules/ngx_http_brotli_filter_module.so;\n",
    }
    monkeypatch.setattr(server, "ETC", str(write(tmp_path, files)))
    found = [name for name in ("brotli_filter", "brotli_static", "perl") if server.has(name)]
    assert found == ["brotli_filter"]
