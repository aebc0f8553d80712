# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of one app: a Valkey or Redis of its own, on a socket. Private to the collection.

Of Debian's packages those with the programs alone, since the others start a server for every account of the host. It
runs as an account that owns nothing else, made by systemd for the occasion, and its folder lets in the app's group.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil

from ansible_collections.pyweb.stack.plugins.module_utils._host import hardening, shell, systemd

# Debian has one program under many names, and asks by its name what it is to be.
PACKAGES = {"redis": "redis-tools", "valkey": "valkey-tools"}
_MARK = "# Made by pyweb.stack"
_STATES = "/var/lib"
_ANSWER = 60


class CacheError(Exception):
    """The cache can't be had; the message says why."""


class Cache:
    """The cache of the app `app`, whose service runs as `user`."""

    def __init__(self, app: str, user: str):
        self._app = app
        self._user = user
        self.unit = f"cache-{app}.service"
        self.socket = f"/run/cache-{app}/cache.sock"
        # Where systemd has what belongs to accounts that come and go, and the name under which one finds it.
        self._data = [f"{_STATES}/private/cache-{app}", f"{_STATES}/cache-{app}"]

    def url(self) -> str:
        """Return its URL for the app's account, as redis-py and valkey-py read it."""
        return f"unix://{self.socket}"

    def text(self, engine: str, memory: int) -> str:
        """Return its unit: `engine` is a key of PACKAGES, `memory` the MiB that its data may take."""
        command = [
            *(f"@/usr/bin/{engine}-check-rdb", f"{engine}-server"),
            *("--port 0", f"--unixsocket {self.socket}", "--unixsocketperm 770", f"--dir /var/lib/cache-{self._app}"),
            # A queue may be in it, too: it outlives a restart, and of it nothing is dropped to make room.
            *("--appendonly yes", '--save ""', f"--maxmemory {memory}mb", "--maxmemory-policy volatile-lru"),
            *("--supervised systemd", "--daemonize no"),
        ]
        lines = [
            ("Type", "notify"),
            ("ExecStart", " ".join(command)),
            ("Restart", "always"),
            ("RestartSec", "1"),
            ("TimeoutStopSec", "60"),
            ("DynamicUser", "yes"),
            ("Group", self._group()),
            ("StateDirectory", f"cache-{self._app}"),
            ("StateDirectoryMode", "0700"),
            ("RuntimeDirectory", f"cache-{self._app}"),
            ("RuntimeDirectoryMode", "0750"),
            *(line for line in hardening.SERVICE if line[0] != "RestrictAddressFamilies"),
            ("RestrictAddressFamilies", "AF_UNIX"),
            ("PrivateNetwork", "yes"),
            ("ExecPaths", "/usr"),
        ]
        return (
            f"{_MARK}: changes here are lost; play the role database again.\n\n[Unit]\n"
            f"Description=The cache of the app {self._app}\nStartLimitIntervalSec=0\n\n[Service]\n"
            + "".join(f"{key}={value}\n" for key, value in lines)
            + "\n[Install]\nWantedBy=multi-user.target\n"
        )

    def there(self) -> bool:
        """Say whether its unit was made here."""
        return systemd.unit_text(self.unit).startswith(_MARK)

    def fault(self) -> str | None:
        """Return why its unit can't be written, or None."""
        if systemd.unit_text(self.unit) and not self.there():
            return f"{self.unit} is there and was not made by this role: rename it"
        return None

    def idle(self) -> bool:
        """Say whether it doesn't run, or would not after a boot."""
        enabled = os.path.lexists(os.path.join(systemd.UNIT_FOLDER, "multi-user.target.wants", self.unit))
        return not (enabled and systemd.active(self.unit))

    def install(self, text: str) -> None:
        """Have it run with this unit, now and after a boot. Raises CacheError, or systemd's error."""
        changed = systemd.install({self.unit: text})
        systemd.require("enable", "--quiet", self.unit)
        systemd.ctl("reset-failed", self.unit)
        if systemd.ctl("restart" if changed else "start", self.unit).returncode:
            raise CacheError(f"the cache does not start: journalctl --unit={self.unit} says why")

    def prove(self, engine: str) -> None:
        """See that the app's account reaches it. Raises CacheError."""
        own = pwd.getpwnam(self._user)
        argv = [f"{engine}-cli", "-s", self.socket, "ping"]
        done = shell.run(argv, identity=shell.Account(own.pw_uid, own.pw_gid), sandbox=None, seconds=_ANSWER, cwd="/")
        if done.stdout.strip() != "PONG":
            said = f"{done.stdout} {done.stderr}".strip()
            raise CacheError(f"the account {self._user} can't use the cache at {self.socket}: {said}")

    def stop(self) -> None:
        """Have it go, but for its data."""
        systemd.ctl("disable", "--quiet", "--now", self.unit)
        systemd.remove([self.unit])
        systemd.require("daemon-reload")
        systemd.ctl("reset-failed", self.unit)

    def data(self) -> list[str]:
        """Return where its data is, if there is any."""
        return [path for path in self._data[1:] if os.path.lexists(path)]

    def forget(self) -> None:
        """Remove its data."""
        for path in self._data:
            if os.path.islink(path):
                os.unlink(path)
            else:
                shutil.rmtree(path, ignore_errors=True)

    def _group(self) -> str:
        """Return the group of the app's account; in check mode neither may be there yet."""
        try:
            return grp.getgrgid(pwd.getpwnam(self._user).pw_gid).gr_name
        except KeyError:
            return self._user
