# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of one app on the target: stage, seal, lock, prune. Private to the collection.

ROOT/NAME/
  sources/DIGEST  venvs/DIGEST  releases/ID     made whole under another name, then renamed: there or not there
  current -> releases/ID                        which release serves; renaming this link is the switch
  history.jsonl                                 who switched what and when, one JSON object a line
  key                                           keys the digest of secrets; also says that this folder is ours
  lock                                          held while something here changes
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import pwd
import shutil
import tempfile
import time

from ansible_collections.pyweb.stack.plugins.module_utils import _command

_KINDS = {"sources": 0o750, "venvs": 0o750, "releases": 0o711}
_STAGE = ".stage-"


class StoreError(Exception):
    """The folder can't be used; the message says why and what to do."""


class Store:
    """The folder I(root)/I(name) of an app whose service runs as I(user)."""

    def __init__(self, root: str, name: str, user: str | None = None):
        self.name = name
        self.user = user
        self.path = os.path.join(root, name)
        self.current_link = os.path.join(self.path, "current")
        self._history = os.path.join(self.path, "history.jsonl")
        self._key = os.path.join(self.path, "key")
        self._gone = os.path.join(root, f".gone-{name}")

    def item(self, kind: str, name: str) -> str:
        """Return the path of a sealed item; I(kind) is C(sources), C(venvs) or C(releases)."""
        return os.path.join(self.path, kind, name)

    def names(self, kind: str) -> list[str]:
        """Return the names of the sealed items of a kind."""
        try:
            return sorted(n for n in os.listdir(os.path.join(self.path, kind)) if not n.startswith("."))
        except FileNotFoundError:
            return []

    def current(self) -> str | None:
        """Return the id of the release that serves, or None."""
        try:
            return os.path.basename(os.readlink(self.current_link))
        except FileNotFoundError:
            return None

    def key(self) -> bytes | None:
        """Return the host's own key for this app, or None where the folder was never prepared."""
        try:
            with open(self._key, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def locked(self, purpose: str, patience: float = 60):
        """Hold the app's lock, making the folder where it is missing.

        Waits up to I(patience) seconds for another run. The kernel frees the lock of a process that died.
        Raises StoreError where the folder isn't ours, or the lock stays taken, naming who holds it.
        """
        self._adopt()
        descriptor = os.open(os.path.join(self.path, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + patience
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "an unknown process"
                    raise StoreError(
                        f"another run is changing the app {self.name} ({holder}) and did not end within "
                        f"{patience:.0f} s: wait for it, then run again"
                    )
                time.sleep(0.1)
            if not self.ours():
                raise StoreError(f"the app {self.name} was removed meanwhile: run again if it is to be there")
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()}, {purpose}, since {now()}\n".encode(), 0)
            self._prepare()
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def stage(self, kind: str, name: str):
        """Yield a new folder that becomes item I(name) when the block ends, or vanishes when it raises."""
        final = self.item(kind, name)
        stage = tempfile.mkdtemp(prefix=_STAGE, dir=os.path.dirname(final))
        try:
            # Not 0700: what is proved in the stage is proved as the app's user. The folder above decides who reads.
            os.chmod(stage, 0o755)
            yield stage
            # Content first, name second: after a power cut the name must not stand before an empty file.
            synced = _command.run(["sync", "--file-system", stage])
            if synced.returncode:
                raise StoreError(f"{final} can't be written: {synced.stderr.strip()}")
            os.rename(stage, final)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise

    def switch(self, release: str) -> None:
        """Make I(release) the one that serves: a single rename, durable when this returns."""
        temporary = os.path.join(self.path, ".current")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(os.path.join("releases", release), temporary)
        os.rename(temporary, self.current_link)
        _sync_folder(self.path)

    def record(self, event: str, release: str, **details) -> None:
        """Append what happened to a release (C(serves) or C(refused)) to the history."""
        line = json.dumps({"time": now(), "event": event, "release": release, **details}, sort_keys=True)
        with open(self._history, "a+", encoding="utf-8") as file:
            # A crash may have cut the last line short.
            file.seek(max(0, file.tell() - 1))
            file.write(line + "\n" if file.read() in ("", "\n") else f"\n{line}\n")

    def history(self) -> list[dict]:
        """Return the events, oldest first; a line that a crash cut short is passed over."""
        events = []
        with contextlib.suppress(FileNotFoundError), open(self._history, encoding="utf-8") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    events.append(json.loads(line))
        return events

    def ours(self) -> bool:
        """Say whether the folder is there and was made by this role."""
        return not os.path.islink(self.path) and os.path.exists(self._key)

    def remnants(self) -> list[str]:
        """Return the folder, if it is there, and what a killed removal left of it."""
        return [path for path in (self.path, self._gone) if os.path.lexists(path)]

    def remove_all(self) -> None:
        """Remove the whole folder; renamed first, so that a killed removal leaves nothing that looks like an app."""
        if os.path.exists(self._gone):
            shutil.rmtree(self._gone)
        if self.ours():
            os.rename(self.path, self._gone)
            _sync_folder(os.path.dirname(self.path))
            shutil.rmtree(self._gone)

    def release(self, release: str) -> dict:
        """Return what C(release.json) says of a release."""
        with open(os.path.join(self.item("releases", release), "release.json"), encoding="utf-8") as file:
            return json.load(file)

    def prune(self, keep: int) -> list[str]:
        """Remove all but the I(keep) latest releases, then sources and environments that none of them uses.

        The release that serves and the one that served before it stay in any case. The order is that of the
        history, and of the time of building for a release that no event names. Returns the removed releases.
        """
        last = {name: self.release(name)["built"] for name in self.names("releases")}
        served = []
        for event in self.history():
            if event["release"] in last:
                last[event["release"]] = event["time"]
                if event["event"] == "serves":
                    served.append(event["release"])
        current = self.current()
        before = next((name for name in reversed(served) if name != current), None)
        latest = sorted(last, key=lambda name: last[name], reverse=True)
        kept = set(latest[:keep]) | {current, before}
        removed = [name for name in last if name not in kept]
        for name in removed:
            _remove(self.item("releases", name))
        for kind, link in (("sources", "src"), ("venvs", "venv")):
            used = {_target(os.path.join(self.item("releases", name), link)) for name in self.names("releases")}
            for name in set(self.names(kind)) - used:
                _remove(self.item(kind, name))
        return removed

    def _adopt(self) -> None:
        """Make the folder, or refuse one that somebody else made."""
        ours = not os.path.islink(self.path) and (os.path.exists(self._key) or _missing_or_empty(self.path))
        if not ours:
            raise StoreError(
                f"{self.path} exists and was not made by this role: move it away, or choose another gunicorn_root"
            )
        if os.path.exists(self._key):
            return
        root = os.path.dirname(self.path)
        os.makedirs(root, exist_ok=True)
        stage = tempfile.mkdtemp(prefix=_STAGE, dir=root)
        with open(os.path.join(stage, "key"), "wb", opener=_private) as file:
            file.write(os.urandom(32))
        try:
            os.rename(stage, self.path)
        except OSError:
            shutil.rmtree(stage)
            # Another run was quicker, and its key counts; or the folder is a mount point.
            if not os.path.exists(self._key):
                raise

    def _prepare(self) -> None:
        """Set owners and modes, and clear away what killed runs left half-built."""
        os.chmod(self.path, 0o711)
        group = pwd.getpwnam(self.user).pw_gid if self.user else -1
        for kind, mode in _KINDS.items():
            folder = os.path.join(self.path, kind)
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, 0, group)
            os.chmod(folder, mode)
            for name in os.listdir(folder):
                if name.startswith(_STAGE):
                    shutil.rmtree(os.path.join(folder, name))


def _missing_or_empty(path: str) -> bool:
    return not os.path.lexists(path) or (os.path.isdir(path) and not os.listdir(path))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(path: str) -> None:
    """Remove a sealed item; renamed first, so that a killed removal leaves nothing that looks whole."""
    doomed = tempfile.mkdtemp(prefix=_STAGE, dir=os.path.dirname(path))
    os.rename(path, os.path.join(doomed, "item"))
    shutil.rmtree(doomed)


def _target(link: str) -> str | None:
    try:
        return os.path.basename(os.readlink(link))
    except FileNotFoundError:
        return None


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def now() -> str:
    """Return the time in UTC, to the millisecond, in a form that sorts."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
