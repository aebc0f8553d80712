# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Same content, same name. Private to the collection."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat

# A git commit has 40 hexadecimal digits; sources and virtual environments all get names of that length.
LENGTH = 40
# The id of a release is part of a socket's path, which may have 107 bytes.
RELEASE_LENGTH = 12


def of(value: object) -> str:
    """Return the digest of any JSON value: 64 hexadecimal digits, independent of the order of keys."""
    return hashlib.sha256(_canonical(value)).hexdigest()


def keyed(key: bytes, value: object) -> str:
    """Return a digest of `value` from which nobody without `key` can check a guess of it."""
    return hmac.new(key, _canonical(value), hashlib.sha256).hexdigest()


def of_tree(root: str, paths: list[str]) -> str:
    """Return the digest of a folder's content: names, bytes, executable bits and targets of links.

    `paths` are the files that count, relative to `root`. Times, owners and other modes do not matter.
    """
    total = hashlib.sha256()
    for path in sorted(paths):
        full = os.path.join(root, path)
        info = os.lstat(full)
        if stat.S_ISLNK(info.st_mode):
            kind, content = "link", hashlib.sha256(os.fsencode(os.readlink(full))).hexdigest()
        else:
            kind, content = "executable" if info.st_mode & stat.S_IXUSR else "file", of_file(full)
        total.update(_canonical([os.fsencode(path).hex(), kind, content]))
    return total.hexdigest()


def of_file(path: str) -> str:
    """Return the digest of a file's bytes, as `sha256sum` prints it."""
    content = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            content.update(block)
    return content.hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
