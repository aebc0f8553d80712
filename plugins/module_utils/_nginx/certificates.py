# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a site and its key, as they are on this host. Private to the collection.

nginx, too, would say what is wrong with them, but not which variable names them. The key is read by OpenSSL alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import stat
import time
from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests


class CertificateError(Exception):
    """The certificate or its key can't be used; the message says why, and what to do."""


def there(certificate: str, key: str) -> bool:
    """Say whether both files are there, whatever is in them."""
    return os.path.exists(certificate) and os.path.exists(key)


def digest(certificate: str, key: str) -> str:
    """Return the digest of a certificate's file. Raises CertificateError where a site can't have it with that `key`."""
    for part, path in (("certificate", certificate), ("key", key)):
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise CertificateError(
                f"nginx_site_tls has the {part} {path!r}, but on this host that can't be read ({error.strerror}): put it "
                "there before its site, or name another file"
            ) from None
    if os.stat(key).st_mode & stat.S_IROTH:
        raise CertificateError(
            f"nginx_site_tls has the key {key!r}, which every account of the host can read: chmod o= {key}"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(certificate)
    except ssl.SSLError:
        raise CertificateError(
            f"nginx_site_tls has the certificate {certificate!r}, but that file holds none in PEM form: it must have the "
            "site's own first, and its chain after it"
        ) from None
    try:
        # A passphrase would be asked for otherwise.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        reason = f" ({error.reason})" if error.reason else ""
        raise CertificateError(
            f"nginx_site_tls has the key {key!r}, which can't be used with the certificate {certificate!r}{reason}: it must "
            "be the private key of the first certificate in that file, in PEM form and without a passphrase"
        ) from None
    return digests.of_file(certificate)


def expired(certificate: str) -> bool:
    """Say whether visitors would refuse a certificate for its age, if an openssl is there to tell."""
    with contextlib.suppress(FileNotFoundError):
        argv = ["openssl", "x509", "-in", certificate, "-noout", "-checkend", "0"]
        return shell.run(argv, identity=shell.CALLER, sandbox=None, seconds=60).returncode == 1
    return False


def names(certificate: str) -> set[str]:
    """Return the host names that a certificate is for, in lower case; nothing where that can't be read."""
    said = _asked(certificate, "-ext", "subjectAltName")
    return {name.lower() for name in re.findall(r"DNS:([^,\s]+)", said or "")}


def strangers(certificate: str, wanted: Iterable[str]) -> list[str]:
    """Return those of the `wanted` host names that a certificate isn't for; none where it names no hosts, or can't be read."""
    held = names(certificate)
    return [
        name
        for name in wanted
        if held and name.lower() not in held and f"*.{name.lower().partition('.')[2]}" not in held
    ]


class Validity(NamedTuple):
    """For how many seconds a certificate holds in all, and for how many still, below 0 for one that has expired."""

    whole: float
    left: float


def validity(certificate: str) -> Validity | None:
    """Return for how long a certificate holds, None if unreadable."""
    said = re.findall(r"^not(?:Before|After)=(.+)$", _asked(certificate, "-startdate", "-enddate") or "", re.MULTILINE)
    if len(said) != 2:
        return None
    begin, end = (ssl.cert_time_to_seconds(each.strip()) for each in said)
    return Validity(end - begin, end - time.time())


def days_left(certificate: str) -> int | None:
    """Return for how many whole days a certificate still holds, below 0 for one that has expired; None if unreadable."""
    found = validity(certificate)
    return int(found.left // 86400) if found else None


def _asked(certificate: str, *what: str) -> str | None:
    with contextlib.suppress(FileNotFoundError):
        argv = ["openssl", "x509", "-in", certificate, "-noout", *what]
        return shell.run(argv, identity=shell.CALLER, sandbox=None, seconds=30).stdout
    return None


def of_certbot(site: str) -> dict[str, str] | None:
    """Return the certificate and its key that certbot wrote into the text of a site of nginx's; None where it did not."""
    parts = {"certificate": r"ssl_certificate", "key": r"ssl_certificate_key"}
    found = {
        part: re.search(rf"^\s*{name}\s+(\S+);\s*# managed by Certbot", site, re.MULTILINE)
        for part, name in parts.items()
    }
    return {part: match[1] for part, match in found.items() if match} if all(found.values()) else None
