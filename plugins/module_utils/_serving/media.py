# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of an app's state in which it keeps what people gave it, and which nginx serves. Private to the collection.

The state folder stays closed to everybody but the app. nginx's account alone gets the right to pass through it and to read
that folder, and is denied all else that is in it, now and what the app makes later, by ACLs: nothing is mounted, so nothing
can be missing after a boot, and the app writes as ever. Who does it is the app's own account, which can give away no more than
it has.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import itertools
import json
import mimetypes
import os
import pwd
import stat
import time
import typing
from collections.abc import Callable, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts, acls, files, shell
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import media, server
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._release.unit_files import STATE

_RECORD = "media.json"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# Seconds for a first walk over all that is there, which may be much.
_PATIENCE = 3600
_ALL = acls.READ | acls.ENTER
# How a database of SQLite begins, and what it writes ahead of it or keeps beside it.
_DATABASES = (b"SQLite format 3\0", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
# What is named as one of these is looked at by its name alone.
_SHOWN = ("image", "audio", "video")
# Of many files and folders each run looks at the first, and no longer than so many seconds.
_LOOKED_AT = 100_000
_SECONDS = 60


class MediaError(Exception):
    """The folder can't be served; the message names the variable and says what to do."""


class Exposed(typing.NamedTuple):
    """A database among what nginx serves, by its path, and whether it is the app's own, which alone can be closed."""

    path: str
    own: bool


def served(folder: str) -> media.Media | None:
    """Return what the app whose folder is `folder` (`/srv/APP`) has nginx serve, if anything."""
    text = files.read(os.path.join(folder, _RECORD))
    return media.Media(**json.loads(text)) if text else None


def foretold(folder: str) -> media.Media | None:
    """Return what it will have served after what check mode has just been through, if that changes it; see `foretell`."""
    trial = _trial(folder)
    path = os.path.join(trial.path, _RECORD)
    if not os.path.exists(path):
        return served(folder)
    text = files.read(path)
    trial.remove()
    return media.Media(**json.loads(text)) if text else None


def _trial(folder: str) -> Store:
    return Store(os.path.dirname(folder), os.path.basename(folder)).trial()


class Media:
    """The folder of the app in `store` that is to be served: `wanted` has its `url`, `path` and `protected`, None for none."""

    def __init__(self, store: Store, wanted: dict | None):
        self._record = os.path.join(store.path, _RECORD)
        # Root may have put it elsewhere, by a link.
        self._state = os.path.realpath(STATE.format(store.name))
        self._path = os.path.normpath(wanted["path"]) if wanted else ""
        self._served = media.Media(wanted["url"], self._state, self._path, wanted["protected"]) if wanted else None
        self._reader = server.user()

    def diff(self) -> list[dict]:
        """Return what prepare and settle would change, as Ansible shows it."""
        before, after = files.read(self._record), self._text()
        diff = [files.diff(self._record, before, after)] if before != after else []
        if self._served and not self._is_open():
            diff.append(files.diff(self._served.folder, "", f"the account {self._reader} may read what is in it\n"))
        return diff

    def foretell(self) -> None:
        """Leave what settle would tell the site to the step on that in check mode."""
        folder = _trial(os.path.dirname(self._record)).path
        os.makedirs(folder, mode=0o700, exist_ok=True)
        files.replace(os.path.join(folder, _RECORD), self._text())

    def refuse(self) -> None:
        """Raise MediaError where there is a database among what is to be served and isn't yet."""
        if self._served and os.path.isdir(self._served.folder) and not self._is_open():
            self._as_owner(self._refuse)

    def exposed(self, close: bool) -> list[Exposed]:
        """Return the databases that came to be where nginx reads, and close the app's own if `close` says so. Raises MediaError.

        They are no reason to refuse a deploy: what looks like one may be what anybody uploaded.
        """
        if not (self._served and self._is_open()):
            return []
        return [Exposed(*each) for each in json.loads(self._as_owner(lambda answer: self._look(answer, close)))]

    def prepare(self) -> bool:
        """Make the folder, if need be, and have nginx read it. Says whether that changed anything; raises MediaError."""
        if not self._served or self._is_open():
            return False
        self._as_owner(self._open)
        return True

    def settle(self) -> bool:
        """Tell the site what it serves, and close what is served no more. Says whether that changed anything."""
        before, after = files.read(self._record), self._text()
        if before == after:
            return False
        if after:
            files.replace(self._record, after)
        else:
            self.close()
            os.unlink(self._record)
        return True

    def close(self) -> None:
        """Let nginx pass through the state folder no more."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), _folders(self._state, "") as (state,):
            acls.withdraw(state, self._uid())

    def _as_owner(self, act: Callable[[typing.IO[bytes]], None]) -> bytes:
        """Do something as the app's account, and return what that answers. Raises MediaError."""
        owner = os.stat(self._state)
        try:
            with accounts.written(shell.Account(owner.st_uid, owner.st_gid), act, _PATIENCE) as answer:
                return answer.read()
        except accounts.AccountError as error:
            raise MediaError(f"gunicorn_media has the path {self._path!r}, but {error}") from error

    def _look(self, answer: typing.IO[bytes], close: bool) -> None:
        uid, found = self._uid(), []
        with _folders(self._state, self._path) as (*_above, folder):
            for path, descriptor in _databases(folder):
                info = os.fstat(descriptor)
                own = info.st_uid == os.geteuid()
                reads = info.st_mode & stat.S_IROTH or acls.allows(descriptor, uid, acls.READ)
                if acls.allows(descriptor, uid, acls.NOTHING) or not (own or reads):
                    continue
                found.append(Exposed(os.path.join(self._state, self._path, path), own))
                if own and close:
                    acls.allow(descriptor, uid, acls.NOTHING)
        answer.write(json.dumps(found).encode())

    def _refuse(self, _answer: typing.IO[bytes]) -> None:
        with _folders(self._state, self._path) as (*_above, folder):
            _refuse_databases(folder)

    def _text(self) -> str:
        return json.dumps(self._served._asdict()) + "\n" if self._served else ""

    def _uid(self) -> int:
        return pwd.getpwnam(self._reader).pw_uid

    def _is_open(self) -> bool:
        uid = self._uid()
        try:
            with _folders(self._state, self._path) as (*above, folder):
                ways = zip(above, self._path.split("/"), strict=True)
                return (
                    all(_passes(each, uid) and not any(_unlike(each, part, uid)) for each, part in ways)
                    and acls.allows(folder, uid, _ALL)
                    and acls.allows_later(folder, uid, _ALL)
                )
        except OSError:
            # It isn't there, is none, or has no ACLs: whoever opens it says so.
            return False

    def _open(self, _answer: typing.IO[bytes]) -> None:
        """Give nginx its rights, as the app's account."""
        uid = self._uid()
        try:
            with _folders(self._state, self._path, make=True) as (*above, folder):
                _refuse_databases(folder)
                for each, part in zip(above, self._path.split("/"), strict=True):
                    # Closed before the way to it is open.
                    for name in _unlike(each, part, uid):
                        _allow(name, each, uid, acls.NOTHING)
                    acls.allow_later(each, uid, acls.NOTHING)
                    acls.allow(each, uid, acls.ENTER)
                for path, _folders_in_it, names, inside in os.fwalk(".", dir_fd=folder):
                    for name in names:
                        _allow(name, inside, uid, acls.READ)
                    if path != ".":
                        _allow_all(inside, uid)
                # Last, as it says that all the others are done.
                _allow_all(folder, uid)
        except (NotADirectoryError, PermissionError) as error:
            raise MediaError(
                f"{os.path.join(self._state, self._path)} is not to be had as a folder of the app's own ({error.strerror}): "
                "have it there itself, and no link to it, and let the app's account own it"
            ) from error
        except OSError as error:
            if error.errno != errno.ENOTSUP:
                raise
            raise MediaError(
                f"the file system of {self._state} has no ACLs, by which nginx could read it: mount it with them (ZFS: "
                "acltype=posixacl), or have the state folder elsewhere"
            ) from error


@contextlib.contextmanager
def _folders(state: str, path: str, make: bool = False) -> Iterator[list[int]]:
    """Yield descriptors of the folder `state` and of those on the way to `path` below it, and follow no link."""
    with contextlib.ExitStack() as stack:
        found = [os.open(state, _FOLDER)]
        stack.callback(os.close, found[0])
        for part in filter(None, path.split("/")):
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o750, dir_fd=found[-1])
            found.append(os.open(part, _FOLDER, dir_fd=found[-1]))
            stack.callback(os.close, found[-1])
        yield found


def _passes(folder: int, uid: int) -> bool:
    return acls.allows(folder, uid, acls.ENTER) and acls.allows_later(folder, uid, acls.NOTHING)


def _unlike(folder: int, part: str, uid: int) -> Iterator[str]:
    """Yield what else than `part` is in a folder, of the folder's own account, that the account `uid` is not denied yet."""
    owner = os.fstat(folder).st_uid
    for name in sorted(os.listdir(folder)):
        # What comes and goes, as a journal does, is none that stays open.
        with contextlib.suppress(FileNotFoundError, PermissionError), _opened(name, folder) as descriptor:
            if name == part or descriptor is None or os.fstat(descriptor).st_uid != owner:
                continue
            if not acls.allows(descriptor, uid, acls.NOTHING):
                yield name


def _allow_all(folder: int, uid: int) -> None:
    acls.allow(folder, uid, _ALL)
    acls.allow_later(folder, uid, _ALL)


def _allow(name: str, folder: int, uid: int, rights: int) -> None:
    # What is another account's stays as it is: nginx says of it what it says of any such file.
    with contextlib.suppress(PermissionError, FileNotFoundError), _opened(name, folder) as descriptor:
        if descriptor is not None:
            acls.allow(descriptor, uid, rights)


@contextlib.contextmanager
def _opened(name: str, folder: int) -> Iterator[int | None]:
    """Yield the descriptor of a file or folder in a folder, None for anything else."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        yield None
        return
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _refuse_databases(folder: int) -> None:
    """Raise MediaError where there is a database below a folder."""
    for path, _descriptor in _databases(folder):
        raise MediaError(
            f"it holds the database {path!r}, which every visitor could get: have the app keep it elsewhere, and name a folder for "
            "what people upload alone"
        )


def _databases(folder: int) -> Iterator[tuple[str, int]]:
    """Yield the paths of the databases among the first files below a folder, each with a descriptor while it is looked at."""
    for path in _files(folder):
        # What comes and goes is nobody's while it isn't there, and what the app can't open is none of its own.
        with contextlib.suppress(OSError), _opened(path, folder) as descriptor:
            if descriptor is not None and os.read(descriptor, len(_DATABASES[0])).startswith(_DATABASES):
                yield path, descriptor


def _files(folder: int) -> Iterator[str]:
    """Yield the paths of the first files below a folder that are not named as pictures and the like, the nearest first."""
    for path, entry in itertools.islice(_entries(folder), _LOOKED_AT):
        if entry.is_file(follow_symlinks=False) and not _is_shown(entry.name):
            yield path


def _entries(folder: int) -> Iterator[tuple[str, os.DirEntry]]:
    """Yield what is below a folder, with its path, what is near to it first, for no longer than `_SECONDS`."""
    waiting, end = collections.deque(["."]), time.monotonic() + _SECONDS
    while waiting:
        place = waiting.popleft()
        with contextlib.suppress(OSError), _folder(place, folder) as descriptor, os.scandir(descriptor) as entries:
            for entry in sorted(itertools.islice(entries, _LOOKED_AT), key=lambda each: each.name):
                if time.monotonic() > end:
                    return
                path = os.path.normpath(os.path.join(place, entry.name))
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                yield path, entry


@contextlib.contextmanager
def _folder(path: str, folder: int) -> Iterator[int]:
    descriptor = os.open(path, _FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_shown(name: str) -> bool:
    return (mimetypes.guess_type(name)[0] or "").startswith(_SHOWN)
