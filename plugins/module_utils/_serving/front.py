# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an app stays while its releases come and go. Private to the collection.

gunicorn-APP.service              starts what `current` names: at boot, and for people
gunicorn-APP-relay@RELEASE.service    passes on who still waits on the socket of a release that serves no more
gunicorn-APP-tcp.socket, .service     the fixed address, if the app has one
"""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import ports, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files


class Front:
    """The standing units of `app`, whose folder is `folder`; `bind` is its fixed address, if any."""

    def __init__(self, app: str, folder: str, bind: str | None):
        self._app = app
        self._bind = bind
        self._starter = f"gunicorn-{app}.service"
        self._socket, self._proxy = f"gunicorn-{app}-tcp.socket", f"gunicorn-{app}-tcp.service"
        user = server.user()
        self._units = {
            self._starter: unit_files.starter_unit(app, folder, self._socket if bind else ""),
            f"gunicorn-{app}-relay@.service": unit_files.proxy_unit(app, folder, user, f"gunicorn-{app}@%i.socket"),
        }
        # The socket of each release has a file of its own, of which the template of the relay knows none.
        service = f"gunicorn-{app}-relay@%i.service"
        self._any_release = {f"gunicorn-{app}@.socket": f"[Socket]\nListenStream=/run/any.sock\nService={service}\n"}
        self._tcp_units = {self._socket: "", self._proxy: ""}
        if bind:
            self._tcp_units = {
                self._socket: unit_files.tcp_socket_unit(app, bind),
                self._proxy: unit_files.proxy_unit(app, folder, user, self._socket),
            }

    def fault(self) -> str | None:
        """Return what systemd has against the units, or why the fixed address can't be had, or None."""
        units = {name: text for name, text in {**self._units, **self._tcp_units}.items() if text}
        for name in units:
            there = systemd.unit_text(name)
            if there and not there.startswith(unit_files.MARK):
                return (
                    f"{os.path.join(systemd.UNIT_FOLDER, name)} was not made by this role: move it away, or choose another "
                    "gunicorn_name"
                )
        if systemd.differing(units):
            try:
                systemd.verify({**units, **self._any_release})
            except systemd.SystemdError as error:
                return str(error)
        if not self._bind or (unit_files.fixed_address(self._app) == self._bind and systemd.active(self._socket)):
            return None
        fault = ports.fault(self._bind)
        return f"gunicorn_bind is {self._bind!r}, but {fault}: choose another address" if fault else None

    def differs(self) -> bool:
        """Say whether install or listen would change anything."""
        return bool(systemd.differing({**self._units, **self._tcp_units}) or self.idle())

    def idle(self) -> list[str]:
        """Return which of its units should run, or start at boot, and don't."""
        idle = [unit for unit in [self._starter] + [self._socket] * bool(self._bind) if not systemd.active(unit)]
        enabled = systemd.show(self._starter, "UnitFileState")["UnitFileState"] == "enabled"
        return idle if enabled or self._starter in idle else [*idle, self._starter]

    def edited(self) -> list[dict]:
        """Return how its unit files, where they are there and stay, differ from what they are to be."""
        return systemd.edited({name: text for name, text in {**self._units, **self._tcp_units}.items() if text})

    def install(self) -> bool:
        """Have systemd start at boot what `current` names. Says whether that changed anything."""
        changed = bool(systemd.install(self._units))
        if systemd.show(self._starter, "UnitFileState")["UnitFileState"] != "enabled":
            systemd.require("enable", "--quiet", self._starter)
            changed = True
        if not systemd.active(self._starter):
            systemd.require("start", self._starter)
            changed = True
        return changed

    def listen(self) -> bool:
        """Open the fixed address, and close a former one. Says whether that changed anything."""
        changed = systemd.differing(self._tcp_units)
        if unit_files.fixed_address(self._app) not in (None, self._bind):
            # As the units were: a socket can't move while it is open.
            systemd.ctl("stop", self._proxy, self._socket)
            systemd.ctl("reset-failed", self._proxy, self._socket)
        if not self._bind:
            systemd.remove(list(self._tcp_units))
            return bool(changed)
        systemd.install(self._tcp_units)
        if self._proxy in changed:
            systemd.ctl("try-restart", self._proxy)
        if not systemd.active(self._socket):
            systemd.require("start", self._socket)
            return True
        return bool(changed)
