# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an app stays while its releases come and go. Private to the collection.

gunicorn-APP.service              starts what `current` names: at boot, and for people
gunicorn-APP-relay@RELEASE.service    passes on who still waits on the socket of a release that is no longer active
gunicorn-APP-tcp.socket, .service     the fixed address, if the app has one
/usr/local/bin/gunicorn-APP       the command of that name, for people
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, ports, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.host_command import HostCommand


@dataclasses.dataclass(frozen=True)
class Standing:
    """What there was of an app's standing units when they were looked at."""

    # Of their files, by name; empty where there is none.
    texts: Mapping[str, str]
    running: frozenset[str]
    # Whether the host starts the app as it boots.
    enabled: bool
    address: str | None

    def differing(self, units: Mapping[str, str]) -> list[str]:
        """Return the names of those unit files whose text is not the one given here."""
        return [name for name, text in units.items() if self.texts[name] != text]


class Front:
    """The standing units of `app`, whose folder is `folder`; `bind` is its fixed address, if any."""

    def __init__(self, app: str, folder: str, bind: str | None):
        self._bind = bind
        self._command = HostCommand(app, folder)
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

    def asked(self) -> list[str]:
        """Return the units of which `look` must know the states."""
        return [self._starter, self._socket]

    def look(self, states: Mapping[str, Mapping[str, str]]) -> Standing:
        """Return what there is of the units, whose `ActiveState` and `UnitFileState` are in `states`."""
        texts = {name: systemd.unit_text(name) for name in {**self._units, **self._tcp_units}}
        return Standing(
            texts=texts,
            running=frozenset(unit for unit in self.asked() if states[unit]["ActiveState"] == "active"),
            enabled=states[self._starter]["UnitFileState"] == "enabled",
            address=unit_files.address_in(texts[self._socket]),
        )

    def fault(self, standing: Standing) -> str | None:
        """Return what systemd has against the units, or why the fixed address can't be had, or None."""
        units = {name: text for name, text in {**self._units, **self._tcp_units}.items() if text}
        for name in units:
            there = standing.texts[name]
            if there and not there.startswith(unit_files.MARK):
                return (
                    f"{os.path.join(systemd.UNIT_FOLDER, name)} was not made by this role: move it away, or choose another "
                    "gunicorn_name"
                )
        fault = self._command.fault()
        if fault:
            return fault
        if standing.differing(units):
            try:
                systemd.verify({**units, **self._any_release})
            except systemd.SystemdError as error:
                return str(error)
        if not self._bind or (standing.address == self._bind and self._socket in standing.running):
            return None
        fault = ports.fault(self._bind)
        return f"gunicorn_bind is {self._bind!r}, but {fault}: choose another address" if fault else None

    def differs(self, standing: Standing) -> bool:
        """Say whether install or listen would change anything."""
        of_units = standing.differing({**self._units, **self._tcp_units}) or self.idle(standing)
        return bool(of_units) or self._command.differs()

    def idle(self, standing: Standing) -> list[str]:
        """Return which of its units should run, or start at boot, and don't."""
        idle = [unit for unit in [self._starter] + [self._socket] * bool(self._bind) if unit not in standing.running]
        return idle if standing.enabled or self._starter in idle else [*idle, self._starter]

    def edited(self, standing: Standing) -> list[dict]:
        """Return how its unit files and its command, where they are there and stay, differ from what they are to be."""
        units = {name: text for name, text in {**self._units, **self._tcp_units}.items() if text}
        of_units = [
            files.diff(os.path.join(systemd.UNIT_FOLDER, name), standing.texts[name], units[name])
            for name in standing.differing(units)
            if standing.texts[name]
        ]
        return of_units + self._command.edited()

    def install(self, standing: Standing) -> bool:
        """Have systemd start at boot what `current` names, and people have its command. Says whether that changed anything."""
        made = self._command.install()
        differing = standing.differing(self._units)
        systemd.install({name: self._units[name] for name in differing})
        if not standing.enabled:
            systemd.require("enable", "--quiet", self._starter)
        if self._starter not in standing.running:
            systemd.require("start", self._starter)
        return made or bool(differing) or not standing.enabled or self._starter not in standing.running

    def listen(self, standing: Standing) -> bool:
        """Open the fixed address, and close a former one. Says whether that changed anything."""
        changed, running = standing.differing(self._tcp_units), self._socket in standing.running
        if standing.address not in (None, self._bind):
            # As the units were: a socket can't move while it is open.
            systemd.ctl("stop", self._proxy, self._socket)
            systemd.ctl("reset-failed", self._proxy, self._socket)
            running = False
        if not self._bind:
            systemd.remove(changed)
            return bool(changed)
        systemd.install({name: self._tcp_units[name] for name in changed})
        if self._proxy in changed:
            systemd.ctl("try-restart", self._proxy)
        if not running:
            systemd.require("start", self._socket)
        return bool(changed) or not running
