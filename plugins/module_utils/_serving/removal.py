# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove an app from the host, and all that came with it. Private to the collection.

  end timers, processes and instances | stop what stands | units | state, account | tools, after the last app | the folder

The folder goes last: by it the next run knows that the one before was killed, and does all of this again.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import re
import shutil

from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.host_command import HostCommand
from ansible_collections.pyweb.stack.plugins.module_utils._release.host_secrets import HostSecrets
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import BACKUPS, Store
from ansible_collections.pyweb.stack.plugins.module_utils._release.unit_files import STATE
from ansible_collections.pyweb.stack.plugins.module_utils._serving import interpreters, timers
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance
from ansible_collections.pyweb.stack.plugins.module_utils._serving.media import Media
from ansible_collections.pyweb.stack.plugins.module_utils._serving.processes import Processes
from ansible_collections.pyweb.stack.plugins.module_utils._venv import uv

_SOCKETS = "/run/gunicorn-{}"


class RemovalError(Exception):
    """Something of the app can't go; the message says why, and what to do."""


class Removal:
    """What is to go of the app in `store`, and what stays.

    Of its state only what `purge` says, of accounts those alone that have the `account_comment`, and as long as nothing
    on the host is known to be theirs. The `writable` folders stay in any case.
    """

    def __init__(self, store: Store, account_comment: str | None, writable: list[str], purge: bool):
        self._store = store
        self._account_comment = account_comment
        self._writable = writable
        self._purge = purge
        self._state = STATE.format(store.name)
        self._sockets = _SOCKETS.format(store.name)
        self._command = HostCommand(store.name, store.path)
        self._secrets = HostSecrets(store.name)
        self._backups = BACKUPS.format(store.name)

    def fault(self) -> str | None:
        """Return why the app can't go, which leaves everything as it is, or None."""
        store = self._store
        if os.path.lexists(store.path) and not store.ours():
            return f"{store.path} was not made by this role, so it stays: see gunicorn_name and gunicorn_root"
        root = os.path.dirname(store.path)
        for text in self._units().values():
            elsewhere = re.search(rf"^\w+=(/\S+)/{store.name}/(?:current|releases/%i/env)$", text, re.MULTILINE)
            if elsewhere and elsewhere[1] != root:
                return f"gunicorn_root is {root!r}, but the app {store.name} is in {elsewhere[1]!r}: use that"
        unnamed = [folder for folder in self._writable_by_units() if folder not in self._writable]
        if unnamed and self._accounts():
            return (
                f"the app may write to {', '.join(unnamed)}, which stays, and so must its account: have that in "
                "gunicorn_writable_paths, as when it was deployed"
            )
        if os.path.islink(self._state) and not self._keeps_state():
            return f"{self._state} is a link to {os.path.realpath(self._state)}: remove both yourself, then run again"
        return None

    def sites(self) -> str | None:
        """Return why nginx has to leave the app first, or None."""
        sites = server.leading_to(self._store.path, unit_files.fixed_address(self._store.name))
        if not sites:
            return None
        return (
            f"nginx still brings visitors to the app {self._store.name}, by {', '.join(sites)}: remove the site first, "
            "by the role nginx_site with nginx_site_state: absent before this one"
        )

    def goes(self) -> list[str]:
        """Return the paths and accounts that go."""
        state = [] if self._keeps_state() else [self._state]
        state += [self._secrets.path, self._backups] * self._purge
        command = [self._command.path] if self._command.ours() else []
        paths = [*(os.path.join(systemd.UNIT_FOLDER, name) for name in self._units()), *command, self._sockets, *state]
        accounts = [f"account {name}" for name in self._accounts() if not self._needed(name)]
        return [*filter(os.path.lexists, [*paths, *self._tools()]), *accounts, *self._store.remnants()]

    def stays(self) -> list[str]:
        """Return the folders and accounts of the app that stay."""
        folders = {*self._writable, *self._writable_by_units()}
        state = [self._state] if self._keeps_state() else []
        data = [] if self._purge else filter(os.path.exists, [self._secrets.path, self._backups])
        accounts = [f"account {name}" for name in self._accounts() if self._needed(name)]
        return [*state, *data, *filter(os.path.isdir, sorted(folders)), *accounts]

    def run(self, drain_timeout: float) -> int:
        """Remove it; return how many connections were closed because they were still open after `drain_timeout` seconds."""
        store = self._store
        with store.locked("removing it") if store.ours() else contextlib.nullcontext():
            # First, as they may take the longest, and nothing new is to begin.
            timers.remove(timers.units(store.name))
            beside = [each.unit for each in Processes(store).look_again("").there]
            if beside:
                systemd.ctl("stop", "--no-block", *beside)
            loaded = sorted(systemd.loaded_instances(store.name))
            cut = sum(Instance(store.name, release).close(drain_timeout) for release in loaded)
            self._command.remove()
            if beside:
                systemd.ctl("stop", *beside)
                systemd.ctl("reset-failed", *beside)
            self._remove_units()
            Media(store, None).close()
            for path in [self._sockets] if self._keeps_state() else [self._sockets, self._state]:
                _remove(path)
            if self._purge:
                self._secrets.remove()
            for name in self._accounts():
                if not self._needed(name):
                    _remove_account(name)
            for path in [*self._tools(), *([self._backups] if self._purge else [])]:
                _remove(path)
            sandboxes.remove_cache(store.name)
            store.remove_all()
            interpreters.prune()
        return cut

    def _writable_by_units(self) -> list[str]:
        """Return the folders that are there and that the app's units let it write."""
        writable = re.findall(r"^ReadWritePaths=(.+)$", "\n".join(self._units().values()), re.MULTILINE)
        return sorted(filter(os.path.isdir, set(" ".join(writable).split())))

    def _units(self) -> dict[str, str]:
        """Return the texts of the app's unit files by name."""
        # No name of an app has a dash.
        name = re.compile(rf"gunicorn-{self._store.name}(?:-[a-z0-9_]+)*(?:@\w*)?\.(?:service|socket|timer)")
        return {each: text for each, text in _made_units().items() if name.fullmatch(each)}

    def _remove_units(self) -> None:
        app, units = self._store.name, self._units()
        if not units:
            return
        # After the last of its instances, which it names.
        standing = [name for name in units if "@" not in name]
        standing += [f"gunicorn-{app}-relay@*.service", f"gunicorn-{app}-run-{'[0-9a-f]' * 8}.service"]
        standing += [f"gunicorn-{app}-{kind}-*.service" for kind in ("command", "build")]
        systemd.ctl("stop", *standing)
        # systemd made one for each template, and keeps it.
        whole, begin = rf"system-gunicorn\x2d{app}.slice", rf"system-gunicorn\x2d{app}\x2d"
        systemd.ctl(
            "stop", whole, *(name for name in systemd.loaded("system-gunicorn*.slice") if name.startswith(begin))
        )
        systemd.ctl("disable", "--quiet", f"gunicorn-{app}.service")
        systemd.remove(list(units))
        systemd.require("daemon-reload")
        systemd.ctl("reset-failed", *standing)

    def _keeps_state(self) -> bool:
        return os.path.isdir(self._state) and not self._purge and bool(os.listdir(self._state))

    def _accounts(self) -> list[str]:
        """Return the accounts that were made for the app, under whatever name."""
        # Without a comment are many that other packages and people made.
        comment = self._account_comment
        return [each.pw_name for each in pwd.getpwall() if each.pw_gecos == comment] if comment else []

    def _needed(self, account: str) -> bool:
        """Say whether something that stays is an account's: whoever got its number next would get that, too."""
        units = self._units()
        others = [text for name, text in _unit_texts().items() if name not in units]
        return (
            self._keeps_state()
            or any(map(os.path.isdir, self._writable))
            or any(re.search(rf"^User={account}$", text, re.MULTILINE) for text in others)
        )

    def _tools(self) -> list[str]:
        """Return what all apps share, if this one is the last."""
        last = self._store.ours() and not set(_made_units()) - set(self._units())
        return [uv.FOLDER] if last else []


def _unit_texts() -> dict[str, str]:
    paths = sorted(pathlib.Path(systemd.UNIT_FOLDER).iterdir())
    return {
        # Those of others may be in any encoding.
        path.name: path.read_text(encoding="utf-8", errors="replace")
        for path in paths
        if path.suffix in (".service", ".socket", ".timer") and path.is_file()
    }


def _made_units() -> dict[str, str]:
    """Return the unit files of all apps."""
    return {
        name: text
        for name, text in _unit_texts().items()
        if name.startswith("gunicorn-") and text.startswith(unit_files.MARK)
    }


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def _remove_account(name: str) -> None:
    done = shell.run(["userdel", name], identity=shell.CALLER, sandbox=None, seconds=60)
    if done.returncode:
        raise RemovalError(f"the account {name} can't go: {done.stderr.strip()}; run again when that is repaired")
