# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do something as another account, in a process of its own. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import pwd
import resource
import signal
import threading
import typing
from collections.abc import Callable, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell

# Nobody's account on every Linux, also where no name leads to it.
NOBODY = shell.Account(65534, 65534)
# How much memory another account's process may take, in bytes.
_MEMORY = 4 << 30


class AccountError(Exception):
    """What was done as another account failed; the message is what went wrong there."""


def owner(path: str) -> shell.Account | None:
    """Return whose rights reading a folder takes, None for those of whoever runs this.

    That is its owner, and where the way to it leads over somebody's link, who could have it lead anywhere, that one.
    Raises AccountError where it leads over links of several accounts.
    """
    if os.geteuid() != 0:
        return None
    found = {info.st_uid for info in _links(path)} - {0}
    if not found:
        found = {os.stat(path).st_uid} - {0}
    if len(found) > 1:
        raise AccountError(f"the way to {path} leads over links of several accounts: name the folder that it leads to")
    if not found:
        return None
    uid = found.pop()
    try:
        return shell.Account(uid, pwd.getpwuid(uid).pw_gid)
    except KeyError:
        return shell.Account(uid, os.stat(path).st_gid)


def home(account: shell.Account) -> str:
    """Return the home of an account, a folder that is nobody's where it has none."""
    try:
        return pwd.getpwuid(account.uid).pw_dir
    except KeyError:
        return "/nonexistent"


@contextlib.contextmanager
def written(
    account: shell.Account | None, write: Callable[[typing.IO[bytes]], None], seconds: float
) -> Iterator[typing.IO[bytes]]:
    """Yield a file to read what `write` writes, in a process of its own and with the rights of `account` alone.

    With None it keeps those that it has. Raises AccountError with the text of what `write` raised, or where it did not
    end within so many seconds, whatever the reader made of it.
    """
    reading, writing = os.pipe()
    said, saying = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(account, write, writing, saying, (reading, said))
    os.close(writing)
    os.close(saying)
    late = threading.Event()
    timer = threading.Timer(seconds, lambda: (late.set(), os.kill(pid, signal.SIGKILL)))
    timer.start()
    failure: BaseException | None = None
    try:
        with open(reading, "rb") as file:
            yield file
    except Exception as error:  # pylint: disable=broad-exception-caught
        failure = error
    finally:
        # What it still writes, nobody reads: it ends.
        with open(said, "rb") as file:
            message = file.read(1 << 16).decode(errors="replace")
        _pid, status = os.waitpid(pid, 0)
        timer.cancel()
    if late.is_set():
        raise AccountError(f"it did not end within {seconds:g} s") from failure
    # A reader that fails at once has the writer fail, too.
    if message and not (failure and "Broken pipe" in message):
        raise AccountError(message) from failure
    if failure:
        raise failure
    if status:
        raise AccountError(f"its process ended with status {os.waitstatus_to_exitcode(status)}")


def _child(
    account: shell.Account | None,
    write: Callable[[typing.IO[bytes]], None],
    writing: int,
    saying: int,
    unused: tuple[int, ...],
) -> typing.NoReturn:
    """Become the account, write, and end."""
    status = 1
    try:
        for descriptor in unused:
            os.close(descriptor)
        if account:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            # What else is in root's is no business of theirs, and root's home is closed to them.
            kept = {
                name: value for name, value in os.environ.items() if name == "PATH" or name.startswith(("LC_", "LANG"))
            }
            os.environ.clear()
            os.environ.update(kept, HOME=home(account))
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            os.chdir("/")
        with open(writing, "wb") as file:
            write(file)
        status = 0
    except BaseException as error:  # pylint: disable=broad-exception-caught
        os.write(saying, str(error).encode(errors="replace")[: 1 << 15] or type(error).__name__.encode())
    finally:
        # Nothing of the process that this is a copy of happens twice.
        os._exit(status)  # pylint: disable=protected-access


def _links(path: str) -> Iterator[os.stat_result]:
    """Yield what the kernel says of each link on the way to a path."""
    ahead, way, seen = [part for part in os.path.abspath(path).split("/") if part], "/", 0
    while ahead:
        way = os.path.normpath(os.path.join(way, ahead.pop(0)))
        info = os.lstat(way)
        if os.path.islink(way):
            seen += 1
            if seen > 40:
                raise AccountError(f"the way to {path} leads in a circle")
            yield info
            target = os.readlink(way)
            ahead = [part for part in target.split("/") if part] + ahead
            way = "/" if target.startswith("/") else os.path.dirname(way)
