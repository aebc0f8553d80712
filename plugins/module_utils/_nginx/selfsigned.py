# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that the host makes itself, for its own names: browsers warn of it. Private to the collection."""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, scratch, shell
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import certificates

FOLDER = "/etc/ssl/pyweb-stack"
_DAYS = 397
# It is made anew when fewer are left.
_DAYS_LEFT = 30


def pair(app: str) -> dict[str, str]:
    """Return where an app's certificate and key are."""
    return {"certificate": f"{FOLDER}/{app}.crt", "key": f"{FOLDER}/{app}.key"}


def fits(app: str, names: list[str]) -> bool:
    """Say whether an app's certificate is there, holds for all `names`, and for some time to come."""
    certificate = pair(app)["certificate"]
    return (
        certificates.there(**pair(app))
        and certificates.names(certificate) >= _held(names)
        and (certificates.days_left(certificate) or 0) >= _DAYS_LEFT
    )


def make(app: str, names: list[str]) -> None:
    """Make an app's certificate and key, each whole or not at all. Raises CertificateError."""
    os.makedirs(FOLDER, mode=0o755, exist_ok=True)
    with scratch.folder(beside=FOLDER) as folder:
        paths = {part: os.path.join(folder, part) for part in ("certificate", "key")}
        subject = ",".join(f"DNS:{name}" for name in sorted(_held(names)))
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", f"/CN={app}"]
        written = ["-keyout", paths["key"], "-out", paths["certificate"]]
        done = shell.run(
            ["openssl", "req", "-x509", *kind, "-days", str(_DAYS), "-addext", f"subjectAltName={subject}", *written],
            identity=shell.CALLER,
            sandbox=None,
            seconds=60,
        )
        if done.returncode:
            raise certificates.CertificateError(f"openssl can't make a certificate: {done.stderr.strip()}")
        os.chmod(paths["key"], 0o600)
        files.sync_tree(folder)
        # The key first: a certificate without its own would be one that nginx refuses.
        for part in ("key", "certificate"):
            os.rename(paths[part], pair(app)[part])
        files.sync_folder(FOLDER)


def remove(app: str, only_look: bool) -> bool:
    """Remove an app's certificate and key; say whether they were there."""
    found = [path for path in pair(app).values() if os.path.exists(path)]
    for path in [] if only_look else found:
        os.unlink(path)
    return bool(found)


def _held(names: list[str]) -> set[str]:
    return {name.lower() for name in names} or {"localhost"}
