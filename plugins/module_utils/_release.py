# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One release of an app, from its inputs to a proved folder. Private to the collection."""

from __future__ import annotations

import grp
import json
import os
import pwd

from ansible_collections.pyweb.stack.plugins.module_utils import _digest, _environment, _file, _nginx, _systemd
from ansible_collections.pyweb.stack.plugins.module_utils._store import Store, now

# gunicorn's own end comes first; then systemd kills.
_STOP_MARGIN = 5


class ReleaseError(Exception):
    """The release did not pass; the message names the variable and what was said."""


class Release:
    """A release of the app in I(store).

    I(params) are the options of M(pyweb.stack.gunicorn_release), complete; I(key) keys the digests of the environment.
    """

    def __init__(self, store: Store, params: dict, key: bytes):
        self._store = store
        self._params = params
        group = grp.getgrgid(pwd.getpwnam(params["user"]).pw_gid).gr_name
        workdir = os.path.normpath(os.path.join(params["source"] or store.path, params["chdir"]))
        limits = [("MemoryMax", params["memory_max"]), ("CPUQuota", params["cpu_quota"])]
        self._service = _systemd.Service(
            app=params["name"],
            user=params["user"],
            group=group,
            folder=store.path,
            workdir=workdir,
            socket_user=_nginx.user(),
            stop_timeout=params["graceful_timeout"] + _STOP_MARGIN,
            overlap=params["overlap"],
            limits=[(name, value) for name, value in limits if value],
        )
        self._env_digests = {name: _digest.keyed(key, value) for name, value in params["env"].items()}
        self.id = _digest.of(
            {
                "source": params["source"],
                "venv": params["venv"],
                "config": params["config"],
                "env": self._env_digests,
                "service": self._service.service_unit(),
                "socket": self._service.socket_unit(),
            }
        )[: _digest.RELEASE_LENGTH]
        self.path = store.item("releases", self.id)

    def units(self) -> dict[str, str]:
        """Return the text of its unit files by name."""
        name = _systemd.instance(self._params["name"], self.id)
        return {f"{name}.service": self._service.service_unit(), f"{name}.socket": self._service.socket_unit()}

    def make(self) -> None:
        """Write, prove and seal the folder."""
        with self._store.stage("releases", self.id) as stage:
            self._write(stage)
            self._verify(stage)
            # Loading an app that can't run twice may be what can't happen beside the one that runs.
            if self._params["overlap"]:
                self._check(stage)

    def diff(self) -> list[dict]:
        """Return what would change against the release that serves; values of the environment stay hidden."""
        current = self._store.current()
        before = self._store.release(current) if current else {"app": {}, "env": {}}
        unit = _systemd.instance(self._params["name"], current)
        folder = self._store.item("releases", current or "")
        pairs = [
            ("app", _lines(before["app"]), _lines(self._app())),
            ("gunicorn.conf.py", _file.read(os.path.join(folder, "gunicorn.conf.py")), self._params["config"]),
            ("env", _masked(before["env"], {}), _masked(self._env_digests, before["env"])),
        ]
        for name, text in self.units().items():
            kind = name.rsplit(".", 1)[1]
            pairs.append((kind, _file.read(os.path.join(_systemd.UNIT_FOLDER, f"{unit}.{kind}")), text))
        return [
            {"before_header": name, "before": old, "after_header": name, "after": new}
            for name, old, new in pairs
            if old != new
        ]

    def _app(self) -> dict:
        params = self._params
        return {
            "source": os.path.basename(params["source"] or ""),
            "version": params["version"],
            "venv": os.path.basename(params["venv"]),
            "wsgi_app": params["wsgi_app"],
        }

    def _record(self) -> dict:
        return {
            "id": self.id,
            "version": self._params["version"],
            "app": self._app(),
            "plan": self._params["plan"],
            "overlap": self._params["overlap"],
            "env": self._env_digests,
            "built": now(),
        }

    def _write(self, folder: str) -> None:
        params = self._params
        if params["source"]:
            os.symlink(os.path.relpath(params["source"], self._store.item("releases", self.id)), f"{folder}/src")
        os.symlink(os.path.relpath(params["venv"], self._store.item("releases", self.id)), f"{folder}/venv")
        os.symlink(f"/run/gunicorn-{params['name']}/{self.id}.sock", f"{folder}/app.sock")
        gid = pwd.getpwnam(params["user"]).pw_gid
        for name, text, mode, group in (
            ("env", _environment.render(params["env"]), 0o600, 0),
            ("gunicorn.conf.py", params["config"], 0o640, gid),
            ("release.json", json.dumps(self._record(), indent=2, sort_keys=True) + "\n", 0o640, gid),
        ):
            descriptor = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, mode)
                os.fchown(descriptor, 0, group)
                file.write(text)

    def _verify(self, stage: str) -> None:
        # The files need their real names, and what they run must be there under the name that the stage will get.
        folder = os.path.join(stage, "units")
        os.mkdir(folder)
        paths = []
        for name, text in self.units().items():
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(f"{self._store.path}/releases/%i/venv", self._params["venv"]))
            paths.append(path)
        try:
            _systemd.verify(paths)
        finally:
            for path in paths:
                os.unlink(path)
            os.rmdir(folder)

    def _check(self, stage: str) -> None:
        argv = [f"{stage}/venv/bin/python", "-m", "gunicorn", "--check-config", f"--config={stage}/gunicorn.conf.py"]
        done = _systemd.run(self._params["name"], self._service.properties(stage), argv)
        if done.returncode:
            said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
            raise ReleaseError(
                f"gunicorn_wsgi_app is {self._params['wsgi_app']!r}, which gunicorn can't load from the release "
                f"(exit status {done.returncode}); the release that served before serves on. gunicorn said:\n{said}"
            )


def _lines(record: dict) -> str:
    return "".join(f"{key}: {value}\n" for key, value in sorted(record.items()))


def _masked(digests: dict[str, str], before: dict[str, str]) -> str:
    changed = {name for name, digest in digests.items() if name in before and before[name] != digest}
    return "".join(f"{name}=(hidden{', changed' if name in changed else ''})\n" for name in sorted(digests))
