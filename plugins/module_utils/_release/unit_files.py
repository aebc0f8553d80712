# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of an app, as texts. Private to the collection.

One list of properties (`Service.properties`) serves the unit of a release and the transient units in which its
configuration is proved and its management commands run, so they have the same user, environment and sandbox.
"""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.pyweb.stack.plugins.module_utils._host import hardening, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

MARK = "# Made by pyweb.stack"
# In the folder of a release.
START = "start.py"
# Where an app keeps what survives its releases, by its name.
STATE = "/var/lib/gunicorn-{}"

# Where programs and libraries are that root put there: Debian's, and those that are no package, in /usr/local and /opt.
_EXECUTABLE = ("/usr", "-/opt")
# systemd mounts the places that a service may write anew, without what NoExecPaths says of the whole tree.
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
_BACKLOG = "2048"
# How many seconds a start may take by systemd's own default.
_START_TIMEOUT = 90
# A start limit would take a socket down with its service, and with it every waiting request.
NO_START_LIMIT = ("StartLimitIntervalSec", "0")


@dataclasses.dataclass(frozen=True)
class Service:
    """The units of one app.

    `app` is its name, `user` and `group` the account, `folder` the app's folder (`/srv/APP`), `workdir` where
    its code runs, `socket_user` who may connect, `stop_timeout` the seconds until a stopping instance is killed,
    `start_timeout` those until one that does not start is,
    `overlap` whether it may run beside another instance, `limits` further properties such as `MemoryMax`,
    `writable` folders that it may write, `overrides` properties that take the place of the sandbox's own, `python`
    the folder of an interpreter beside Debian's, empty for none, `start` whether the release has a file that each of its
    Pythons runs first, `shared` folders and the places in its source where the app finds them.
    """

    app: str
    user: str
    group: str
    folder: str
    workdir: str
    socket_user: str
    stop_timeout: int
    overlap: bool = True
    limits: tuple[tuple[str, str], ...] = ()
    writable: tuple[str, ...] = ()
    overrides: tuple[tuple[str, str], ...] = ()
    python: str = ""
    start: bool = False
    shared: tuple[tuple[str, str], ...] = ()
    start_timeout: float = 0

    def properties(self, release: str) -> list[tuple[str, str]]:
        """Return what the service and every command of `release`, a folder with `venv` and `env`, run with."""
        state = f"gunicorn-{self.app}"
        # Of NoExecPaths there is more to say than the sandbox does.
        overridden = {"NoExecPaths", *(name for name, _value in self.overrides)}
        environment = {
            "HOME": STATE.format(self.app),
            "PATH": f"{release}/venv/bin:/usr/local/bin:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            **({naming.START_VARIABLE: f"{release}/{START}"} if self.start else {}),
        }
        return [
            ("User", self.user),
            ("Group", self.group),
            ("WorkingDirectory", self.workdir),
            ("Environment", " ".join(f"{key}={value}" for key, value in environment.items())),
            ("EnvironmentFile", f"{release}/env"),
            ("StateDirectory", state),
            ("StateDirectoryMode", "0750"),
            *(line for line in hardening.SERVICE if line[0] not in overridden),
            *self.overrides,
            # Beside ProtectProc and the like ProtectSystem leaves what is mounted there writable (seen with systemd 252 and
            # 257), and /run/lock is everybody's.
            ("ReadOnlyPaths", "/run"),
            *([("ReadWritePaths", " ".join(self.writable))] if self.writable else []),
            *([("BindPaths", " ".join(map(":".join, self.shared)))] if self.shared else []),
            *self._places(),
            # An out-of-memory kill takes one worker, which gunicorn replaces; the default would end the service.
            ("OOMPolicy", "continue"),
            *self.limits,
        ]

    def service_unit(self) -> str:
        """Return the text of `gunicorn-APP@RELEASE.service`; it is the same for every release it describes."""
        release = f"{self.folder}/releases/%i"
        # One that can't overlap runs alone, whatever crashes or boots: the kernel keeps the others waiting for their turn.
        turn = f"/usr/bin/flock --no-fork {'--shared' if self.overlap else '--exclusive'} {STATE.format(self.app)}"
        command = f"{turn} {release}/venv/bin/python -m gunicorn --config {release}/gunicorn.conf.py"
        return text(
            ("Unit", self._unit("service")),
            (
                "Service",
                [
                    ("Type", "notify"),
                    ("NotifyAccess", "main"),
                    ("ExecStart", command),
                    *self._start_limit(),
                    ("KillMode", "mixed"),
                    ("TimeoutStopSec", str(self.stop_timeout)),
                    ("Restart", "always"),
                    ("RestartSec", "1"),
                    *self.properties(release),
                ],
            ),
        )

    def _start_limit(self) -> list[tuple[str, str]]:
        if not self.overlap:
            # It may stand in line for as long as another one takes to end.
            return [("TimeoutStartSec", "infinity")]
        # systemd's own limit is enough for most, and a line less that makes another release of all.
        return [("TimeoutStartSec", f"{self.start_timeout:g}")] if self.start_timeout > _START_TIMEOUT else []

    def socket_unit(self) -> str:
        """Return the text of `gunicorn-APP@RELEASE.socket`."""
        return text(
            ("Unit", self._unit("socket")),
            (
                "Socket",
                [
                    ("ListenStream", f"/run/gunicorn-{self.app}/%i.sock"),
                    ("DirectoryMode", "0711"),
                    ("SocketUser", self.socket_user),
                    ("SocketMode", "0600"),
                    ("Backlog", _BACKLOG),
                    ("RemoveOnStop", "yes"),
                ],
            ),
        )

    def _places(self) -> list[tuple[str, str]]:
        """Return what keeps apart the places that may be executed and those that may be written."""
        there = [f"{self.folder}/sources", f"{self.folder}/venvs", *_EXECUTABLE, *filter(None, [self.python])]
        executable = " ".join(path for path in there if path.lstrip("-") not in self.writable)
        # ExecPaths alone makes a place writable again, and ReadOnlyPaths beside it takes it back (systemd 252 and 257).
        places = [("ExecPaths", executable), ("BindReadOnlyPaths", executable)]
        if any(name == "NoExecPaths" for name, _value in self.overrides):
            return places
        # What a user has executed is.
        executed = {
            path.lstrip("-+") for name, value in self.overrides if name == "ExecPaths" for path in value.split()
        }
        written = [
            "/",
            STATE.format(self.app),
            *_TEMPORARY,
            *self.writable,
            *(place for _folder, place in self.shared),
        ]
        return [*places, ("NoExecPaths", " ".join(path for path in written if path not in executed))]

    def _unit(self, kind: str) -> list[tuple[str, str]]:
        lines = [("Description", f"The app {self.app}, release %i, {kind}")]
        if kind == "service":
            socket = f"gunicorn-{self.app}@%i.socket"
            # Requires: without its socket gunicorn would listen on a port of its own and report itself ready.
            lines += [("Requires", socket), ("After", f"{socket} network.target")]
        return [*lines, NO_START_LIMIT]


def fixed_address(app: str) -> str | None:
    """Return the app's `gunicorn_bind` (`127.0.0.1:9999`), as its unit on this host has it, or None."""
    return address_in(systemd.unit_text(f"gunicorn-{app}-tcp.socket"))


def address_in(socket_unit: str) -> str | None:
    """Return the address that the text of a socket unit has, or None."""
    match = re.search(r"^ListenStream=(.+)$", socket_unit, re.MULTILINE)
    return match and match[1]


def starter_unit(app: str, folder: str, wants: str) -> str:
    """Return the text of `gunicorn-APP.service`, which starts at boot what `current` in the app's folder names.

    `wants` names a unit to start and stop with it; empty for none.
    """
    current = f"{folder}/current"
    instances = f'"gunicorn-{app}@$$(basename "$$(readlink {current})")"'
    # What holds the sockets goes on at a restart, and with it whoever comes meanwhile.
    jobs = f'"$$(systemctl list-jobs --plain --no-legend gunicorn-{app}.service)"'
    sockets = f"{instances}.socket {wants}".rstrip()
    # As the host goes down each unit has a stop of its own, and the sockets' waits for that of this one.
    stop = (
        '[ "$$(systemctl is-system-running)" != stopping ] || exit 0; '
        f'case {jobs} in *" restart "*) exec systemctl stop {instances}.service ;; esac; '
        f"exec systemctl stop {instances}.service {sockets}"
    )
    return text(
        (
            "Unit",
            [
                ("Description", f"The app {app}: its serving release"),
                ("ConditionPathIsSymbolicLink", current),
                # A volume that comes late, as one with nofail may, is waited for.
                ("RequiresMountsFor", folder),
                ("After", "network.target"),
                ("Before", "nginx.service"),
                *([("Wants", wants)] if wants else []),
                NO_START_LIMIT,
            ],
        ),
        (
            "Service",
            [
                ("Type", "oneshot"),
                ("RemainAfterExit", "yes"),
                # The socket first and waited for, so that nginx finds it; the service boots beside the rest.
                ("ExecStart", f"/bin/sh -c 'exec systemctl start {instances}.socket'"),
                ("ExecStart", f"/bin/sh -c 'exec systemctl start --no-block {instances}.service'"),
                ("ExecStop", f"/bin/sh -c '{stop}'"),
            ],
        ),
        ("Install", [("WantedBy", "multi-user.target")]),
    )


def tcp_socket_unit(app: str, bind: str) -> str:
    """Return the text of `gunicorn-APP-tcp.socket`, the app's fixed address."""
    return text(
        (
            "Unit",
            [("Description", f"The app {app}: {bind}"), NO_START_LIMIT],
        ),
        # gunicorn writes a head and a body: the second must not wait until the client confirms the first.
        ("Socket", [("ListenStream", bind), ("Backlog", _BACKLOG), ("NoDelay", "yes")]),
    )


def proxy_unit(app: str, folder: str, user: str, socket: str) -> str:
    """Return the text of a service that passes what comes to `socket` on to the active release.

    It connects anew for each connection, by way of `current`, as `user`, who may.
    """
    return text(
        (
            "Unit",
            [
                ("Description", f"The app {app}: from {socket} to its serving release"),
                ("Requires", socket),
                ("After", f"{socket} gunicorn-{app}.service"),
                NO_START_LIMIT,
            ],
        ),
        (
            "Service",
            [
                ("Type", "exec"),
                ("Sockets", socket),
                # By default it would turn away the 257th connection.
                (
                    "ExecStart",
                    f"/usr/lib/systemd/systemd-socket-proxyd --connections-max=8192 {folder}/current/app.sock",
                ),
                ("User", user),
                # Not PrivateNetwork: the kernel lists a connection in the network of whoever opened it, and a handover
                # has to see who still waits (the serving room asks its queue).
                *[line for line in hardening.SERVICE if line[0] != "RestrictAddressFamilies"],
                ("RestrictAddressFamilies", "AF_UNIX"),
                ("ExecPaths", " ".join(_EXECUTABLE)),
            ],
        ),
    )


def text(*sections: tuple[str, list[tuple[str, str]]]) -> str:
    """Return the text of a unit: the titles of its sections and their lines."""
    blocks = [f"{MARK}: changes here are lost. A release's unit never changes; deploy another one.\n"]
    for title, lines in sections:
        blocks.append(f"[{title}]\n" + "".join(f"{key}={value}\n" for key, value in lines))
    return "\n".join(blocks)
