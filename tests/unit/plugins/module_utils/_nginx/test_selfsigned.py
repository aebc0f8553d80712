# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the host's own, made by the real openssl."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import certificates, selfsigned


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setattr(selfsigned, "FOLDER", str(tmp_path / "ssl"))


def test_one_holds_for_its_names_and_is_the_keys():
    assert not selfsigned.fits("shop", ["shop.example.com"])
    selfsigned.make("shop", ["shop.example.com", "*.Shop.example.com"])
    pair = selfsigned.pair("shop")
    assert certificates.names(pair["certificate"]) == {"shop.example.com", "*.shop.example.com"}
    assert len(certificates.digest(**pair)) == 64
    assert stat.S_IMODE(os.stat(pair["key"]).st_mode) == 0o600
    assert 390 < certificates.days_left(pair["certificate"]) < 398
    assert selfsigned.fits("shop", ["shop.example.com"])
    assert sorted(os.listdir(selfsigned.FOLDER)) == ["shop.crt", "shop.key"]


def test_one_is_durable(monkeypatch):
    synced = []
    for name in ("sync_tree", "sync_folder"):
        real = getattr(selfsigned.files, name)
        monkeypatch.setattr(
            selfsigned.files,
            name,
            lambda path, name=name, real=real: synced.append((name, os.listdir(path))) or real(path),
        )
    selfsigned.make("shop", [])
    assert [name for name, _there in synced] == ["sync_tree", "sync_folder"]
    assert sorted(synced[0][1]) == ["certificate", "key"]
    assert {*synced[1][1]} > {"shop.crt", "shop.key"}


def test_another_name_and_an_age_want_another():
    selfsigned.make("shop", [])
    assert selfsigned.fits("shop", [])
    assert not selfsigned.fits("shop", ["shop.example.com"])
    old = selfsigned.pair("shop")
    subject = ["-subj", "/CN=shop", "-addext", "subjectAltName=DNS:localhost"]
    argv = ["openssl", "req", "-x509", "-key", old["key"], "-out", old["certificate"], "-days", "20", *subject]
    subprocess.run(argv, check=True, capture_output=True)
    assert certificates.days_left(old["certificate"]) in (19, 20)
    assert not selfsigned.fits("shop", [])


def test_it_goes_with_its_site():
    assert not selfsigned.remove("shop", only_look=False)
    selfsigned.make("shop", [])
    assert selfsigned.remove("shop", only_look=True)
    assert selfsigned.remove("shop", only_look=False)
    assert os.listdir(selfsigned.FOLDER) == []


def test_what_is_no_certificate_has_no_names_and_no_time(tmp_path):
    (tmp_path / "a.pem").write_text("no certificate")
    assert certificates.names(str(tmp_path / "a.pem")) == set()
    assert certificates.days_left(str(tmp_path / "a.pem")) is None
