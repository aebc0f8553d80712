# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of nginx and of an app's units on the host."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils import _nginx, _systemd


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
    monkeypatch.setattr(_nginx, "ETC", str(write(tmp_path / "etc", files)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    if built is not None:
        write(tmp_path / "bin", {"nginx": f"#!/bin/sh\necho 'configure arguments: {built}' >&2\n"})
        (tmp_path / "bin/nginx").chmod(0o755)
    assert _nginx.user() == user


@pytest.mark.parametrize("address", ["127.0.0.1:9999", "[::1]:9999"])
def test_the_address_of_an_app(tmp_path, monkeypatch, address):
    monkeypatch.setattr(_systemd, "UNIT_FOLDER", str(tmp_path))
    assert _nginx.address("shop") is None
    (tmp_path / "gunicorn-shop-tcp.socket").write_text(
        f"[Unit]\nBefore=nginx.service\n[Socket]\nListenStream={address}\n"
    )
    assert _nginx.address("shop") == address
    assert _nginx.address("blog") is None
