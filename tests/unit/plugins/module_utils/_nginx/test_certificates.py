# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates and keys a site can have, as a real OpenSSL makes them."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import certificates
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.certificates import CertificateError

# Of two days in 2001.
OLD = """\
-----BEGIN CERTIFICATE-----
MIHUMIGHoAMCAQICAQEwBQYDK2VwMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDAeFw0w
MTAxMDEwMDAwMDBaFw0wMTAxMDIwMDAwMDBaMBQxEjAQBgNVBAMMCWxvY2FsaG9z
dDAqMAUGAytlcAMhAJxgYrEbgxEbyJxOxogM2gvE0agiA+XIhpgw2QrDfFHHMAUG
AytlcANBAI5HegEEN1ywXlQaYodNfXoTwl4xoX8VL8zJYFNg3Vri1sU2lN+IBAYu
y9Rc5Sciqm9+hZfvufLd/3eihoslHgk=
-----END CERTIFICATE-----
"""


@pytest.fixture
def folder(tmp_path, certificate, write):
    """Return a folder with two certificates, their keys, and what is none of them."""
    for name in ("a", "b"):
        certificate(tmp_path, name)
    locked = ("ec", "-in", "a.key", "-aes128", "-passout", "pass:x", "-out", "locked.key")
    subprocess.run(["openssl", *locked], cwd=tmp_path, capture_output=True, check=True)
    chain = (tmp_path / "a.pem").read_text() + (tmp_path / "b.pem").read_text()
    half = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    write(tmp_path, {"chain.pem": chain, "half.pem": half, "old.pem": OLD, "text": "hunter2\n"})
    shutil.copyfile(tmp_path / "a.key", tmp_path / "open.key")
    for name, mode in (("text", 0o600), ("open.key", 0o644)):
        (tmp_path / name).chmod(mode)
    return tmp_path


@pytest.mark.parametrize("name", ["a.pem", "chain.pem"])
def test_the_digest_is_that_of_the_file(folder, name):
    path = folder / name
    assert certificates.digest(str(path), str(folder / "a.key")) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("none.pem", "a.key", r"has the certificate '.*none.pem', but .* \(No such file or directory\): put it there before"),
        ("a.pem", "none.key", r"has the key '.*none.key', but .* \(No such file or directory\): put it there"),
        (".", "a.key", r"has the certificate '.*', but .* can't be read \(Is a directory\)"),
        ("text", "a.key", "has the certificate '.*text', but that file holds none in PEM form"),
        ("a.key", "a.key", "has the certificate '.*a.key', but that file holds none in PEM form"),
        ("half.pem", "a.key", "has the certificate '.*half.pem', but that file holds none in PEM form"),
        ("a.pem", "open.key", "has the key '.*open.key', which every account of the host can read: chmod o= .*open.key$"),
        ("a.pem", "b.key", r"has the key '.*b.key', which can't be used .*a.pem' \(KEY_VALUES_MISMATCH\): it must be"),
        ("chain.pem", "b.key", "of the first certificate in that file"),
        ("a.pem", "text", "has the key '.*text', which can't be used .*: it must be the private key"),
        ("a.pem", "locked.key", "in PEM form and without a passphrase"),
    ],
)  # fmt: skip
def test_what_a_site_can_t_have(folder, name, key, said):
    with pytest.raises(CertificateError) as raised:
        certificates.digest(str(folder / name), str(folder / key))
    assert re.search(f"^nginx_site_tls {said}" if said.startswith("has") else said, str(raised.value))
    assert "hunter2" not in str(raised.value)


def test_whether_both_are_there(folder):
    assert certificates.there(str(folder / "a.pem"), str(folder / "text"))
    assert not certificates.there(str(folder / "a.pem"), str(folder / "none"))


def test_a_certificate_that_has_expired(folder, monkeypatch):
    assert [certificates.expired(str(folder / name)) for name in ("a.pem", "old.pem")] == [False, True]
    monkeypatch.setenv("PATH", str(folder))
    assert not certificates.expired(str(folder / "old.pem"))


def test_what_certbot_wrote_into_a_site():
    live = "/etc/letsencrypt/live/shop.example.com"
    lines = [
        "    listen 443 ssl; # managed by Certbot",
        f"    ssl_certificate {live}/fullchain.pem; # managed by Certbot",
        f"    ssl_certificate_key {live}/privkey.pem; # managed by Certbot",
    ]
    found = {"certificate": f"{live}/fullchain.pem", "key": f"{live}/privkey.pem"}
    assert certificates.of_certbot("\n".join(lines)) == found
    assert certificates.of_certbot("\n".join(lines[:2])) is None
    assert certificates.of_certbot("\n".join(lines).replace("# managed by Certbot", "")) is None


def test_names_that_a_certificate_is_not_for(monkeypatch):
    monkeypatch.setattr(
        certificates, "names", lambda path: {"a.pem": {"shop.example", "*.shop.example"}}.get(path, set())
    )
    asked = ["SHOP.example", "www.shop.example", "a.b.shop.example", "*.shop.example", "other.example"]
    assert certificates.strangers("a.pem", asked) == ["a.b.shop.example", "other.example"]
    # What names none may be of an old kind, or there is no openssl to tell.
    assert certificates.strangers("old.pem", asked) == []
