# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a text, put another in its place, and show the difference. Private to the collection."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import typing
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell

# So many bytes are read of a file that others brought.
_MOST = 1 << 20
# Seconds until a disk that doesn't take what was written is given up.
_SYNCED_BY = 600


def read(path: str) -> str:
    """Return the text of a file, nothing where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def read_brought(folder: str, path: str) -> bytes:
    """Return what a file has that others brought, whose `path` is relative to a `folder` which is root's by now.

    Root would read for them what they can't, wait for ever or fill its memory: raises OSError for a link that leads out
    of the folder, for what is no plain file, and for one of more than 1 MiB.
    """
    top, target = os.path.realpath(folder), os.path.realpath(os.path.join(folder, path))
    if os.path.commonpath([top, target]) != top:
        raise PermissionError(errno.EACCES, "it leads out of its folder", path)
    with open(os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", path)
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise OSError(errno.EFBIG, f"it has more than {_MOST >> 20} MiB", path)
    return content


def brought_text(folder: str, path: str) -> str:
    """Return the text of such a file, nothing where it can't be read."""
    try:
        return read_brought(folder, path).decode(errors="replace")
    except OSError:
        return ""


def replace(path: str, text: str, mode: int = 0o644) -> None:
    """Give a file, readable for everybody, another text, by a rename: whoever reads it gets the old or the new one.

    Durable when this returns. Raises OSError where a link that others made is on the way.
    """
    folder, name = os.path.split(path)
    with opened_folder(folder) as parent:
        # Whoever may write to the folder must neither know this name nor have it before.
        temporary = f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=parent)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(descriptor, mode)
                sync(file)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            os.unlink(temporary, dir_fd=parent)
            raise
        os.fsync(parent)


def make_folder(path: str, mode: int = 0o755) -> None:
    """Have a folder, and those above it, which every account may pass through but for its own mode, whatever the umask."""
    if not os.path.isdir(path):
        make_folder(os.path.dirname(path))
        os.mkdir(path)
        os.chmod(path, mode)


@contextlib.contextmanager
def opened_folder(path: str, make: bool = False) -> Iterator[int]:
    """Yield a descriptor of the folder at an absolute path, and follow no link on the way but root's.

    What is done by it stays in that folder, whatever its owner puts into the place of its path meanwhile. Folders that
    are missing are made where `make` says so. Raises OSError.
    """
    ahead = path.split("/")[::-1]
    descriptor = os.open("/", os.O_PATH | os.O_DIRECTORY)
    try:
        while ahead:
            part = ahead.pop()
            if not part:
                continue
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            step = os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=descriptor)
            info = os.fstat(step)
            if stat.S_ISLNK(info.st_mode):
                target = os.readlink("", dir_fd=step)
                os.close(step)
                if info.st_uid not in (0, os.geteuid()):
                    raise PermissionError(f"{path!r} leads over a link of another account, to {target!r}")
                ahead += target.split("/")[::-1]
                step = os.open("/" if target.startswith("/") else ".", os.O_PATH | os.O_DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = step
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    try:
        yield readable
    finally:
        os.close(readable)


def sync(file: typing.IO[typing.Any]) -> None:
    """Have what was written to a file outlive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_tree(path: str) -> None:
    """Have a folder with all that is in it outlive a power cut. Raises OSError, with what is wrong alone."""
    synced = shell.run(["sync", "--file-system", path], identity=shell.CALLER, sandbox=None, seconds=_SYNCED_BY)
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
