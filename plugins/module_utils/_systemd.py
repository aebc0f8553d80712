# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of an app, and the few things asked of systemd. Private to the collection.

One list of properties (L(Service.properties)) serves the unit of a release and the transient units in which its
configuration is proved and its management commands run, so they have the same user, environment and sandbox.
"""

from __future__ import annotations

import json
import os
import secrets
import time

from ansible_collections.pyweb.stack.plugins.module_utils import _command, _file

UNIT_FOLDER = "/etc/systemd/system"

# What an app in front of which nginx stands never needs: `systemd-analyze security` rates the unit 1.2 or better.
# No PrivateUsers: with ProtectProc it fails in containers. No watchdog: gunicorn never answers one.
SANDBOX = (
    ("NoNewPrivileges", "yes"),
    ("CapabilityBoundingSet", ""),
    ("AmbientCapabilities", ""),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("DevicePolicy", "closed"),
    ("PrivateIPC", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectProc", "invisible"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("RemoveIPC", "yes"),
    ("LockPersonality", "yes"),
    ("MemoryDenyWriteExecute", "yes"),
    ("KeyringMode", "private"),
    ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("SystemCallFilter", "~@privileged @resources"),
    ("SystemCallErrorNumber", "EPERM"),
    ("NoExecPaths", "/"),
    ("InaccessiblePaths", "-/etc/ssh -/root -/boot -/etc/ssl/private"),
    ("UMask", "0027"),
    ("LimitCORE", "0"),
    ("LimitNOFILE", "65536"),
)
_OF_THE_SERVICE_ALONE = {
    "Type",
    "NotifyAccess",
    "TimeoutStartSec",
    "ExecStart",
    "KillMode",
    "TimeoutStopSec",
    "Restart",
    "RestartSec",
}
# The exit statuses of a command that systemd could not even start (systemd.exec(5), "Process Exit Codes").
NOT_STARTED = range(200, 246)
_EXECUTABLE = "/usr/bin /usr/lib -/usr/lib64 /usr/local /lib -/lib64 /bin"
_BACKLOG = "2048"
# A start limit would take a socket down with its service, and with it every waiting request.
_NO_START_LIMIT = ("StartLimitIntervalSec", "0")


class SystemdError(Exception):
    """systemd refused; the message is what it said."""


class Service:
    """The units of one app.

    I(app) is its name, I(user) and I(group) the account, I(folder) the app's folder (C(/srv/APP)), I(workdir) where
    its code runs, I(socket_user) who may connect, I(stop_timeout) the seconds until a stopping instance is killed,
    I(overlap) whether it may run beside another instance, I(limits) further properties such as C(MemoryMax),
    I(writable) folders that it may write, I(overrides) properties that take the place of the sandbox's own, I(python)
    the folder of an interpreter beside Debian's.
    """

    def __init__(
        self,
        app,
        user,
        group,
        folder,
        workdir,
        socket_user,
        stop_timeout,
        overlap=True,
        limits=(),
        writable=(),
        overrides=(),
        python="",
    ):
        self.app = app
        self.user = user
        self.group = group
        self.folder = folder
        self.workdir = workdir
        self.socket_user = socket_user
        self.stop_timeout = stop_timeout
        self.overlap = overlap
        self.limits = tuple(limits)
        self.writable = [("ReadWritePaths", " ".join(writable))] if writable else []
        overridden = {name for name, _value in overrides}
        self.sandbox = [*(line for line in SANDBOX if line[0] not in overridden), *overrides]
        self.python = python

    def properties(self, release: str) -> list[tuple[str, str]]:
        """Return what the service and every command of I(release), a folder with C(venv) and C(env), run with."""
        state = f"gunicorn-{self.app}"
        environment = {
            "HOME": f"/var/lib/{state}",
            "PATH": f"{release}/venv/bin:/usr/local/bin:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return [
            ("User", self.user),
            ("Group", self.group),
            ("WorkingDirectory", self.workdir),
            ("Environment", " ".join(f"{key}={value}" for key, value in environment.items())),
            ("EnvironmentFile", f"{release}/env"),
            ("StateDirectory", state),
            ("StateDirectoryMode", "0750"),
            *self.sandbox,
            *self.writable,
            ("ExecPaths", f"{self.folder}/venvs {_EXECUTABLE} {self.python}".rstrip()),
            # An out-of-memory kill takes one worker, which gunicorn replaces; the default would end the service.
            ("OOMPolicy", "continue"),
            *self.limits,
        ]

    def service_unit(self) -> str:
        """Return the text of C(gunicorn-APP@RELEASE.service); it is the same for every release it describes."""
        release = f"{self.folder}/releases/%i"
        # One that can't overlap runs alone, whatever crashes or boots: the kernel keeps the others waiting for their turn.
        turn = f"/usr/bin/flock --no-fork {'--shared' if self.overlap else '--exclusive'} /var/lib/gunicorn-{self.app}"
        command = f"{turn} {release}/venv/bin/python -m gunicorn --config {release}/gunicorn.conf.py"
        return _text(
            ("Unit", self._unit("service")),
            (
                "Service",
                [
                    ("Type", "notify"),
                    ("NotifyAccess", "main"),
                    ("ExecStart", command),
                    *([] if self.overlap else [("TimeoutStartSec", "infinity")]),
                    ("KillMode", "mixed"),
                    ("TimeoutStopSec", str(self.stop_timeout)),
                    ("Restart", "always"),
                    ("RestartSec", "1"),
                    *self.properties(release),
                ],
            ),
        )

    def socket_unit(self) -> str:
        """Return the text of C(gunicorn-APP@RELEASE.socket)."""
        return _text(
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

    def _unit(self, kind: str) -> list[tuple[str, str]]:
        lines = [("Description", f"The app {self.app}, release %i, {kind}")]
        if kind == "service":
            socket = f"gunicorn-{self.app}@%i.socket"
            # Requires: without its socket gunicorn would listen on a port of its own and report itself ready.
            lines += [("Requires", socket), ("After", f"{socket} network.target")]
        return [*lines, _NO_START_LIMIT]


def instance(app: str, release: str) -> str:
    """Return the name of a release's units, without their ending."""
    return f"gunicorn-{app}@{release}"


def starter_unit(app: str, folder: str, wants: str) -> str:
    """Return the text of C(gunicorn-APP.service), which starts at boot what C(current) in the app's folder names.

    I(wants) names a unit to start with it; empty for none.
    """
    current = f"{folder}/current"
    instances = f'"gunicorn-{app}@$$(basename "$$(readlink {current})")"'
    return _text(
        (
            "Unit",
            [
                ("Description", f"The app {app}: its serving release"),
                ("ConditionPathIsSymbolicLink", current),
                ("After", "network.target"),
                ("Before", "nginx.service"),
                *([("Wants", wants)] if wants else []),
                _NO_START_LIMIT,
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
                ("ExecStop", f"/bin/sh -c 'exec systemctl stop {instances}.service {instances}.socket'"),
            ],
        ),
        ("Install", [("WantedBy", "multi-user.target")]),
    )


def tcp_socket_unit(app: str, bind: str) -> str:
    """Return the text of C(gunicorn-APP-tcp.socket), the app's fixed address."""
    return _text(
        (
            "Unit",
            [("Description", f"The app {app}: {bind}"), ("PartOf", f"gunicorn-{app}.service"), _NO_START_LIMIT],
        ),
        # gunicorn writes a head and a body: the second must not wait until the client confirms the first.
        ("Socket", [("ListenStream", bind), ("Backlog", _BACKLOG), ("NoDelay", "yes")]),
    )


def proxy_unit(app: str, folder: str, user: str, socket: str) -> str:
    """Return the text of a service that passes what comes to I(socket) on to the release that serves.

    It connects anew for each connection, by way of C(current), as I(user), who may.
    """
    return _text(
        (
            "Unit",
            [
                ("Description", f"The app {app}: from {socket} to its serving release"),
                ("Requires", socket),
                ("After", f"{socket} gunicorn-{app}.service"),
                _NO_START_LIMIT,
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
                # has to see who still waits (_probe.queue).
                *[line for line in SANDBOX if line[0] != "RestrictAddressFamilies"],
                ("RestrictAddressFamilies", "AF_UNIX"),
                ("ExecPaths", _EXECUTABLE),
            ],
        ),
    )


def _text(*sections: tuple[str, list[tuple[str, str]]]) -> str:
    blocks = ["# Made by pyweb.stack: changes here are lost. A release's unit never changes; deploy another one.\n"]
    for title, lines in sections:
        blocks.append(f"[{title}]\n" + "".join(f"{key}={value}\n" for key, value in lines))
    return "\n".join(blocks)


def ctl(*arguments: str):
    """Run C(systemctl) and return what it said, whatever its exit status."""
    return _command.run(["systemctl", *arguments])


def require(*arguments: str) -> None:
    """Run C(systemctl) and raise SystemdError where it fails."""
    done = ctl(*arguments)
    if done.returncode:
        raise SystemdError(f"systemctl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")


def active(unit: str) -> bool:
    """Say whether a unit runs."""
    return show(unit, "ActiveState")["ActiveState"] == "active"


def show(unit: str, *names: str) -> dict[str, str]:
    """Return the named properties of a unit."""
    lines = ctl("show", unit, f"--property={','.join(names)}").stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def verify(paths: list[str]) -> None:
    """Raise SystemdError with every error and warning that systemd has about these unit files."""
    done = _command.run(["systemd-analyze", "verify", "--man=no", *paths])
    about_ours = [line for line in done.stderr.splitlines() if "gunicorn-" in line]
    if done.returncode or about_ours:
        raise SystemdError("\n".join(about_ours) or done.stderr.strip())


def run(app: str, properties: list[tuple[str, str]], argv: list[str]):
    """Run a command in a transient unit with these properties, wait for it and return what it printed."""
    unit, since = f"gunicorn-{app}-run-{secrets.token_hex(4)}.service", time.time()
    options = ["--quiet", "--wait", "--pipe", "--collect", f"--unit={unit}"]
    # By default that is the command, a whole script, in every line of the journal about it.
    options += [f"--description=A command of the app {app}"]
    options += [f"--property={key}={value}" for key, value in properties]
    done = _command.run(["systemd-run", *options, "--", *argv])
    if done.returncode in NOT_STARTED:
        # Why systemd could not start it, only the journal knows.
        done.stderr += journal(unit, since)
    return done


def journal(unit: str, since: float, lines: int = 20) -> str:
    """Return the last lines that a unit wrote since a time (seconds since 1970)."""
    # It may be a moment behind what was written.
    _command.run(["journalctl", "--sync"])
    # Backwards, since together with a beginning systemd 252 takes the first lines for the last.
    which = [f"--unit={unit}", f"--since=@{since:.3f}", f"--lines={lines}", "--reverse"]
    said = _command.run(["journalctl", "--quiet", "--no-pager", "--output=cat", *which]).stdout
    return "".join(f"{line}\n" for line in reversed(said.splitlines()))


def properties_for_commands(unit: str, release: str) -> list[tuple[str, str]]:
    """Return what a service's installed unit file says that also holds for commands run beside it."""
    with open(os.path.join(UNIT_FOLDER, unit), encoding="utf-8") as file:
        service = file.read().split("[Service]\n", 1)[1]
    lines = [tuple(line.split("=", 1)) for line in service.splitlines()]
    return [(key, value.replace("%i", release)) for key, value in lines if key not in _OF_THE_SERVICE_ALONE]


def loaded_instances(app: str) -> set[str]:
    """Return the releases whose service or socket systemd has in memory, running or failed."""
    listed = ctl("list-units", "--all", "--plain", "--no-legend", "--output=json", f"gunicorn-{app}@*").stdout
    units = json.loads(listed or "[]")
    return {unit["unit"].split("@", 1)[1].rsplit(".", 1)[0] for unit in units if unit["load"] != "not-found"}


def unit_text(name: str) -> str:
    """Return the text of an installed unit file, nothing where there is none."""
    return _file.read(os.path.join(UNIT_FOLDER, name))


def differing(units: dict[str, str]) -> list[str]:
    """Return the names of those unit files whose text is not the one given here."""
    return [name for name, text in units.items() if unit_text(name) != text]


def install(units: dict[str, str]) -> list[str]:
    """Write unit files by name, each by a rename, and have systemd read them. Returns the names that changed."""
    changed = differing(units)
    for name in changed:
        _file.replace(os.path.join(UNIT_FOLDER, name), units[name])
    if changed:
        require("daemon-reload")
    return changed


def remove(names: list[str]) -> None:
    """Remove unit files by name."""
    for name in names:
        path = os.path.join(UNIT_FOLDER, name)
        if os.path.exists(path):
            os.unlink(path)
