# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a text, put another in its place, and show the difference. Private to the collection."""

from __future__ import annotations

import os
import typing

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell


def read(path: str) -> str:
    """Return the text of a file, nothing where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def replace(path: str, text: str) -> None:
    """Give a file, readable for everybody, another text, by a rename: whoever reads it gets the old or the new one.

    Durable when this returns.
    """
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
        sync(file)
    os.rename(temporary, path)
    sync_folder(os.path.dirname(path))


def sync(file: typing.IO) -> None:
    """Have what was written to a file outlive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_tree(path: str) -> None:
    """Have a folder with all that is in it outlive a power cut. Raises OSError, with what is wrong alone."""
    synced = shell.run(["sync", "--file-system", path])
    if synced.returncode:
        raise OSError(synced.stderr.strip())


def sync_folder(path: str) -> None:
    """Have the names in a folder outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create(path: str, text: str, mode: int, group: int = 0) -> None:
    """Write a file that is not there yet, of root and `group`, which nobody could read before it has its `mode`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchown(descriptor, 0, group)
        os.fchmod(descriptor, mode)
        file.write(text)


def diff(name: str, before: str, after: str) -> dict[str, str]:
    """Return the difference between two texts as a module returns it to Ansible, which shows it with the `name`."""
    return {"before_header": name, "before": before, "after_header": name, "after": after}
