# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of one app on the target: stage, seal, lock, prune. Private to the collection.

ROOT/NAME/
  sources/DIGEST  venvs/DIGEST  releases/ID     made whole under another name, then renamed: there or not there
  current -> releases/ID                        which release is active; renaming this link is the switch
  history.jsonl                                 who switched what and when, one JSON object a line
  key                                           keys the digest of secrets; with the folders, says that this one is ours
  lock                                          held while something here changes
  locks/NAME                                    held by the app's account while its process or job NAME runs
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Collection, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, files, locks, scratch, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import derived
from ansible_collections.pyweb.stack.plugins.module_utils._release.history import History
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

# What check mode fetches is read from below here, since it must not be in its place yet: in memory, and root's alone.
TRIAL = "/run/pyweb-stack-check"
# Where the backups of an app's databases are, unless somebody says it.
BACKUPS = "/var/backups/gunicorn-{}"
# For how many seconds a source or an environment that no release has may be that of a run which goes on.
_RUN = 3600
_KINDS = {"sources": 0o750, "venvs": 0o750, "releases": 0o751}
_KEY_LENGTH = 32
# By which link a release names what it is made of.
_LINKS = {"sources": "src", "venvs": "venv"}
# Seconds between two looks at what is still at work.
_TICK = 0.1
_STAGE = ".stage-"


class StoreError(Exception):
    """The folder can't be used; the message says why and what to do."""


class Store:
    """The folder `root`/`name` of an app whose service runs as `user`."""

    def __init__(self, root: str, name: str, user: str | None = None):
        self.name = name
        self.user = user
        self.path = os.path.join(root, name)
        self.current_link = os.path.join(self.path, "current")
        self.history = History(os.path.join(self.path, "history.jsonl"))
        self._key = os.path.join(self.path, "key")
        self._gone = os.path.join(root, f".gone-{name}")

    def trial(self) -> Store:
        """Return the folder in which check mode has what is not in its place yet; see `readable`."""
        return Store(TRIAL + os.path.dirname(self.path), self.name)

    def clear_trial(self, ends: bool = False) -> None:
        """Remove what check runs left there, unless another one is at work with it.

        This process is from now on, unless this `ends` it: then the lock that says so goes, too.
        """
        trial = self.trial()
        lock = f"{trial.path}.lock"
        with locks.share(lock) as alone:
            if alone:
                trial.remove()
            if alone and ends:
                os.unlink(lock)

    def remove(self) -> None:
        """Remove the folder with all that is in it, if it is there."""
        shutil.rmtree(self.path, ignore_errors=True)

    def item(self, kind: str, name: str) -> str:
        """Return the path of a sealed item; `kind` is `sources`, `venvs` or `releases`."""
        return os.path.join(self.path, kind, name)

    def names(self, kind: str) -> list[str]:
        """Return the names of the sealed items of a kind."""
        try:
            return sorted(n for n in os.listdir(os.path.join(self.path, kind)) if not n.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def current(self) -> str | None:
        """Return the id of the active release, or None where there is none, or its folder is gone."""
        release = _target(self.current_link)
        return release if release and os.path.isdir(self.item("releases", release)) else None

    def key(self) -> bytes | None:
        """Return the host's own key for this app, or None where the folder was never prepared."""
        try:
            with open(self._key, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextlib.contextmanager
    def locked(self, purpose: str, patience: float = 60) -> Iterator[None]:
        """Hold the app's lock, making the folder where it is missing.

        Waits up to `patience` seconds for another run. The kernel frees the lock of a process that died, and for as long
        again this waits for the commands that such a run left at work. Raises StoreError where the folder isn't ours, or
        the lock stays taken, naming who holds it, or the disk gets full.
        """
        group = self._group()
        self._adopt()
        try:
            with locks.held(os.path.join(self.path, "lock"), purpose, patience) as lock:
                if not self._is_the_lock(lock):
                    raise StoreError(f"the app {self.name} was removed during this run; run again to deploy it")
                self._wait_for_commands(patience)
                self._prepare(group)
                yield
        except locks.Busy as holder:
            raise StoreError(
                f"another run is changing the app {self.name} ({holder}) and did not end within {patience:.0f} s: wait for "
                "it, then run again"
            ) from holder
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StoreError(
                f"no room is left for the app {self.name}: {error}: make some (gunicorn_root is "
                f"{os.path.dirname(self.path)!r}), then run again"
            ) from error

    def _wait_for_commands(self, patience: float) -> None:
        """Wait for what a run had begun that died with the lock in its hands, such as a long migration."""
        deadline = time.monotonic() + patience
        while left := systemd.commands(self.name):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"a command of an earlier run of the app {self.name} did not end within {patience:.0f} s: "
                    f"{', '.join(left)} (systemctl status says what it does): wait for it, or stop it, then run again"
                )
            time.sleep(_TICK)

    def lock_file(self, name: str) -> None:
        """Make the lock by which a process or a job of this name waits for those of other releases; it stays as it is."""
        folder, group = os.path.join(self.path, "locks"), self._group()
        os.makedirs(folder, exist_ok=True)
        # Whoever can read it can hold it, so nobody else may.
        os.chown(folder, 0, group)
        os.chmod(folder, 0o750)
        path = os.path.join(folder, name)
        with contextlib.suppress(FileExistsError):
            files.create(path, "", 0o640, group)
        os.chown(path, 0, group)

    @contextlib.contextmanager
    def stage(self, kind: str, name: str) -> Iterator[str]:
        """Yield a new folder that becomes item `name` when the block ends, or vanishes when it raises."""
        final = self.item(kind, name)
        stage = tempfile.mkdtemp(prefix=_STAGE, dir=os.path.dirname(final))
        try:
            # Not 0700: what is proved in the stage is proved as the app's user. The folder above decides who reads.
            os.chmod(stage, 0o755)
            yield stage
            # Content first, name second: after a power cut the name must not stand before an empty file.
            try:
                files.sync_tree(stage)
            except OSError as error:
                raise StoreError(f"{final} can't be written: {error}") from error
            os.rename(stage, final)
            files.sync_folder(os.path.dirname(final))
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise

    def switch(self, release: str) -> None:
        """Make `release` the active one: a single rename, durable when this returns."""
        temporary = os.path.join(self.path, ".current")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(os.path.join("releases", release), temporary)
        os.rename(temporary, self.current_link)
        files.sync_folder(self.path)

    def closed_to_its_account(self) -> list[str]:
        """Return the files of releases that the app's account must read and can't, as after it got another number."""
        try:
            group = self._group()
        except StoreError:
            # Check mode may come before the account.
            return []
        files_ = [
            entry
            for release in self.names("releases")
            for entry in os.scandir(self.item("releases", release))
            if group != -1 and entry.is_file(follow_symlinks=False)
        ]
        infos = {entry.path: entry.stat(follow_symlinks=False) for entry in files_}
        return sorted(path for path, info in infos.items() if info.st_mode & stat.S_IRGRP and info.st_gid != group)

    def open_to_its_account(self, paths: Collection[str]) -> None:
        """Let the app's account read files of releases."""
        for path in paths:
            os.chown(path, 0, self._group(), follow_symlinks=False)

    def activations(self) -> list[dict]:
        """Return the events with which releases became active, oldest first."""
        return self.history.activations(self.current())

    def last_activation(self, release: str) -> dict:
        """Return the event with which a release became active the last time, nothing where it never was."""
        events = [event for event in self.activations() if event["release"] == release]
        return events[-1] if events else {}

    def ours(self) -> bool:
        """Say whether the folder is there and was made by this role."""
        try:
            key = os.lstat(self._key)
        except (FileNotFoundError, NotADirectoryError):
            return False
        # A power cut could leave the key of an earlier version empty.
        is_key = stat.S_ISREG(key.st_mode) and stat.S_IMODE(key.st_mode) == 0o600 and key.st_size in (0, _KEY_LENGTH)
        folders = [self.path, *(os.path.join(self.path, kind) for kind in _KINDS)]
        return is_key and key.st_uid == os.geteuid() and all(map(_is_folder, folders))

    def overtaken(self, release: str, replaces: str | None) -> str | None:
        """Return who was quicker, if another run had a release take over since the one began that wants `release`.

        `replaces` is the release that was active then, empty where none did, and None where that makes no difference.
        """
        current = self.current()
        if replaces is None or (current or "") in (replaces, release):
            return None
        if not current:
            return f"the app {self.name} was removed during this run; run again to deploy it"
        event = self.last_activation(current)
        return (
            f"release {current} became active during this run, at {event.get('time')} by {event.get('by')}, "
            f"so this run did not replace it; run again to deploy release {release}"
        )

    def previous(self) -> str | None:
        """Return the release that the last deploy replaced, None where there is none any more.

        A switch back is no deploy, so the answer stays the same after it.
        """
        deploys = [event for event in self.activations() if not event.get("back")]
        before = deploys[-1].get("previous") if deploys else None
        return before if before in self.names("releases") else None

    def resolve(self, release: str) -> str:
        """Return the id of a release of which a user wrote the id, or `previous`.

        Raises StoreError where there is none, with those that there are.
        """
        found = self.previous() if release == naming.PREVIOUS else release
        if found in self.names("releases"):
            return found
        there = ", ".join(f"{each} ({self.release(each)['version'] or 'no version'})" for each in self.latest())
        why = (
            "no deploy replaced a release that is still there"
            if release == naming.PREVIOUS
            else "there is no such release"
        )
        raise StoreError(
            f"gunicorn_release is {release!r}, but {why} of the app {self.name}; there are {there or 'none'}"
        )

    def latest(self) -> list[str]:
        """Return the releases, the latest first, by the history, and by the time of building where no event names one."""
        last = {name: (self.release(name)["built"], 0) for name in self.names("releases")}
        # Events of one second are told apart by their order.
        for number, event in enumerate(self.history.events(), 1):
            if event["release"] in last:
                last[event["release"]] = (event["time"], number)
        return sorted(last, key=lambda name: last[name], reverse=True)

    def remnants(self) -> list[str]:
        """Return the folder, if it is there, and what a killed removal left of it."""
        return [path for path in (self.path, self._gone) if os.path.lexists(path)]

    def remove_all(self) -> None:
        """Remove the whole folder; renamed first, so that a killed removal leaves nothing that looks like an app."""
        if os.path.exists(self._gone):
            shutil.rmtree(self._gone)
        if self.ours():
            os.rename(self.path, self._gone)
            files.sync_folder(os.path.dirname(self.path))
            shutil.rmtree(self._gone)

    def release(self, release: str) -> dict:
        """Return what `release.json` says of a release. Raises StoreError where it says nothing any more."""
        folder = self.item("releases", release)
        try:
            with open(os.path.join(folder, "release.json"), encoding="utf-8") as file:
                return json.load(file)
        except (FileNotFoundError, ValueError) as error:
            raise StoreError(
                f"release {release} of the app {self.name} lacks its release.json, or it can't be read: remove {folder}, "
                "then run again"
            ) from error

    def installed(self, release: str) -> command_line.Release:
        """Return a release whose units are there, as its commands know it."""
        return command_line.Release(self.name, self.path, release)

    def workdir(self, release: str) -> str:
        """Return the folder that a release runs in, empty where its units are not there."""
        try:
            return dict(self.installed(release).properties()).get("WorkingDirectory", "")
        except OSError:
            return ""

    def surplus(self, keep: int | None) -> list[str]:
        """Return all but the `keep` latest releases; none where that is None.

        The active release, the one that was active before it and the one to go back to stay in any case, and so do those
        of which somebody's command runs.
        """
        latest, current = self.latest(), self.current()
        served = [event["release"] for event in self.activations()]
        before = next((name for name in reversed(served) if name != current and name in latest), None)
        kept = {*latest[:keep], current, before, self.previous()}
        surplus = [name for name in sorted(latest) if name not in kept]
        at_work = systemd.releases_at_work(self.name) if surplus else set()
        return [name for name in surplus if name not in at_work]

    def prune(self, releases: Collection[str]) -> None:
        """Remove these releases, then sources and environments that no release uses.

        What no release ever used stays for a while, since another run may be about to make one of it.
        """
        freed = {kind: self._used(releases, kind) for kind in _LINKS}
        for name in releases:
            _remove(self.item("releases", name))
        for kind in _LINKS:
            for name in set(self.names(kind)) - self._used(self.names("releases"), kind):
                if name in freed[kind] or time.time() - os.stat(self.item(kind, name)).st_ctime > _RUN:
                    _remove(self.item(kind, name))

    def _is_the_lock(self, descriptor: int) -> bool:
        """Say whether what was locked still is the app's lock, and not that of a folder that is gone."""
        with contextlib.suppress(FileNotFoundError):
            return self.ours() and os.path.samestat(os.fstat(descriptor), os.stat(os.path.join(self.path, "lock")))
        return False

    def _used(self, releases: Collection[str], kind: str) -> set[str | None]:
        """Return the items that releases are made of, and those that these were made of themselves."""
        used = {_target(os.path.join(self.item("releases", name), _LINKS[kind])) for name in releases}
        ahead = [name for name in used if name]
        while ahead:
            origin = derived.origin(self.item(kind, ahead.pop()))
            if origin and origin not in used:
                used.add(origin)
                ahead.append(origin)
        return used

    def refuse_others(self) -> None:
        """Raise StoreError where the folder is there and somebody else made it, or what nginx goes by."""
        if not self.ours() and (os.path.islink(self.path) or not _missing_or_empty(self.path)):
            raise StoreError(
                f"{self.path} exists and was not made by this role: move it away, or choose another gunicorn_root"
            )
        if os.path.lexists(self.current_link) and not os.path.islink(self.current_link):
            raise StoreError(f"{self.current_link} is no link to a release: remove it, then run again")

    def _adopt(self) -> None:
        """Make the folder, or refuse one that somebody else made."""
        self.refuse_others()
        if self.ours():
            return
        with self._new_folder() as stage:
            for kind in _KINDS:
                os.mkdir(os.path.join(stage, kind))
            _write_key(os.path.join(stage, "key"))
            files.sync_folder(stage)
            try:
                os.rename(stage, self.path)
                files.sync_folder(os.path.dirname(self.path))
            except OSError:
                # Another run was quicker, and its key counts; or the folder is a mount point.
                if not self.ours():
                    raise

    @contextlib.contextmanager
    def _new_folder(self) -> Iterator[str]:
        """Yield a folder beside the app's, which may become that."""
        root = os.path.dirname(self.path)
        with contextlib.ExitStack() as stack:
            try:
                os.makedirs(root, exist_ok=True)
                stage = stack.enter_context(scratch.folder(beside=root))
            except OSError as error:
                raise StoreError(f"gunicorn_root is {root!r}, but nothing can be made there: {error}") from error
            yield stage

    def _group(self) -> int:
        """Return the group that may read the folder besides root, if any."""
        try:
            return pwd.getpwnam(self.user).pw_gid if self.user else -1
        except KeyError:
            raise StoreError(
                f"gunicorn_user is {self.user!r}, but the host has no such account: make it, as the role gunicorn does"
            ) from None

    def _prepare(self, group: int) -> None:
        """Set owners and modes, and clear away what killed runs left half-built."""
        if not self.key():
            _write_key(self._key)
        os.chmod(self.path, 0o711)
        for kind, mode in _KINDS.items():
            folder = os.path.join(self.path, kind)
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, 0, group)
            os.chmod(folder, mode)
            for name in os.listdir(folder):
                if name.startswith(_STAGE):
                    shutil.rmtree(os.path.join(folder, name))


def still_active(release: str | None) -> str:
    """Return the words that say what became of the release that was active before a failure: nothing."""
    return (
        f"release {release} is still active, untouched" if release else "no release was active before, so none is now"
    )


def readable(path: str) -> str:
    """Return where the content of an item, or of a folder in it, can be read: in check mode it may be on trial only."""
    trial = TRIAL + path
    return trial if os.path.exists(trial) and not os.path.exists(path) else path


def _missing_or_empty(path: str) -> bool:
    return not os.path.lexists(path) or (os.path.isdir(path) and not os.listdir(path))


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _write_key(path: str) -> None:
    with open(path, "wb", opener=_private) as file:
        file.write(os.urandom(_KEY_LENGTH))
        files.sync(file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _remove(path: str) -> None:
    """Remove a sealed item; renamed first, so that a killed removal leaves nothing that looks whole."""
    doomed = tempfile.mkdtemp(prefix=_STAGE, dir=os.path.dirname(path))
    os.rename(path, os.path.join(doomed, "item"))
    shutil.rmtree(doomed)


def _target(link: str) -> str | None:
    """Return the name of what a link leads to, None where there is none, or something else."""
    try:
        return os.path.basename(os.readlink(link))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
            raise
        return None
