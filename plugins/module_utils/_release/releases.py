# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One release of an app, from its inputs to a proved folder. Private to the collection."""

from __future__ import annotations

import dataclasses
import grp
import json
import os
import pwd
import re
import secrets
import typing
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans, proof
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.proof import ProofError
from ansible_collections.pyweb.stack.plugins.module_utils._host import (
    command_line,
    files,
    remedies,
    shell,
    systemd,
)
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release import (
    commands,
    derived,
    env_file,
    procfile,
    schedules,
    steps,
    unit_files,
    unit_overrides,
)
from ansible_collections.pyweb.stack.plugins.module_utils._release.companions import ENV, LIST, Companions
from ansible_collections.pyweb.stack.plugins.module_utils._release.history import now
from ansible_collections.pyweb.stack.plugins.module_utils._release.shared_paths import SharedPaths
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, readable, still_active
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests
from ansible_collections.pyweb.stack.plugins.module_utils._text.unknown import UNKNOWN, Unknown, known, shown
from ansible_collections.pyweb.stack.plugins.module_utils._venv import builder, startup

# Seconds for the copies that shared paths begin with, which may be large.
_SEEDING = 600
# Seconds for a command that makes something of the release.
_MADE_BY = 3600
# How many times the health's timeout an app may take to be loaded, with nothing in the host's caches yet.
_LOADS = 3
# gunicorn's own end comes first; then systemd kills.
_STOP_MARGIN = 5
# What SQLite, PostgreSQL and MySQL say of a table or a column that isn't there.
_LACKS_TABLES = re.compile(
    r"no such (?:table|column)|(?:relation|column) \S+ does not exist|Table '\S+' doesn't exist|Unknown column"
)
# Prints which of some folders whoever runs it can't write.
_UNWRITABLE = (
    "import os, sys; print(*(p for p in sys.argv[1:] if not os.access(p, os.W_OK | os.X_OK)), sep='\\n', end='')"
)


# Properties of the service that are a variable's.
_LIMITS = {"CPUQuota": "gunicorn_cpu_quota"}


class ReleaseError(Exception):
    """The release did not pass; the message names the variable and what was said."""


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What decides how a release behaves, or is told with it.

    `name` and `user` are the app's and its account's; `source` is the folder of the sealed source, None where there is
    none, in which it runs in `chdir`; `venv` is the folder of its virtual environment, `config` the text of its
    gunicorn.conf.py, `wsgi_app` what that serves, `env` its environment, `graceful_timeout` gunicorn's own, in seconds;
    `health_timeout` is how many seconds the switch will wait for an answer, `memory_max` and `cpu_quota` are limits in
    systemd's form. `unit` are the user's properties of the service, `plan`
    is that of its workers, and `version` what people call its source. `processes` and `schedule` are what runs beside the
    web process, by name.
    """

    name: str
    user: str
    source: str | Unknown | None
    venv: str | Unknown
    config: str | Unknown
    wsgi_app: str
    env: dict[str, str]
    plan: dict
    version: str = ""
    chdir: str = "."
    graceful_timeout: int = 30
    overlap: bool = True
    health_timeout: float = 30
    memory_max: str | None = None
    cpu_quota: str | None = None
    writable_paths: list[str] = dataclasses.field(default_factory=list)
    shared_paths: list[str] = dataclasses.field(default_factory=list)
    unit: dict = dataclasses.field(default_factory=dict)
    processes: dict = dataclasses.field(default_factory=dict)
    schedule: dict = dataclasses.field(default_factory=dict)
    before_switch: list[dict] = dataclasses.field(default_factory=list)


# Runs a command as the service, with further lines of its unit.
Run = Callable[[list[str], list[tuple[str, str]]], Done]


class Framework(typing.Protocol):
    """What a framework does to a release before it is sealed.

    `decides` is what of it decides how the release behaves; `start` is the text of a file that each Python of the release
    runs first, empty for none. `record` is what to keep in mind of the release, known once the app was loaded.
    """

    decides: dict[str, object]
    start: str
    record: dict[str, object]

    def before_load(self, stage: str, user: str, run: Run) -> None:
        """Put into `stage`, the folder of the release to be, what is there before the app is first loaded."""

    def loaded(self, in_force: dict[str, Any]) -> None:
        """Look at what gunicorn says of the app that it loaded."""

    def later(self, failure: str, stage: str, run: Run) -> bool:
        """Say whether the app, which failed so, can only be loaded after what comes before the switch."""


class Release:
    """A release of the app in `store`, made of `inputs`, and by its `framework` if it has one.

    `key` keys the digests of the environment.
    """

    def __init__(self, store: Store, inputs: Inputs, key: bytes, framework: Framework | None = None):
        self._store = store
        self._source = source_of(store, inputs, key)
        self._inputs = inputs = dataclasses.replace(inputs, config=_moved_config(inputs, self._source))
        self._framework = framework
        # What people should know of it, once it is made.
        self.messages: list[str] = []
        self._start = framework.start if framework else ""
        source = self._source if isinstance(self._source, str) else store.path
        origin = inputs.source if isinstance(inputs.source, str) else store.path
        self._shared = SharedPaths(unit_files.STATE.format(inputs.name), source, tuple(inputs.shared_paths), origin)
        limits = [("MemoryMax", inputs.memory_max), ("CPUQuota", inputs.cpu_quota)]
        self._service = unit_files.Service(
            app=inputs.name,
            user=inputs.user,
            group=_group(inputs.user),
            folder=store.path,
            workdir=os.path.normpath(os.path.join(source, inputs.chdir)),
            socket_user=server.user(),
            stop_timeout=inputs.graceful_timeout + _STOP_MARGIN,
            start_timeout=inputs.health_timeout * _LOADS,
            overlap=inputs.overlap,
            limits=tuple((name, value) for name, value in limits if value),
            writable=tuple(inputs.writable_paths),
            overrides=tuple(unit_overrides.lines(inputs.unit)),
            python=builder.foreign_python(self._venv()),
            start=bool(self._start),
            shared=self._shared.folders(),
        )
        self._companions = Companions.of(inputs.processes, inputs.schedule)
        self._env_digests = _env_digests(inputs, key)
        once = steps.once(inputs.before_switch)
        self.id = digests.of(
            {
                "source": shown(self._source),
                "venv": shown(inputs.venv),
                "config": shown(inputs.config),
                "env": self._env_digests,
                "service": self._service.service_unit(),
                "socket": self._service.socket_unit(),
                **({"framework": framework.decides, "start": framework.start} if framework else {}),
                **({"companions": self._decide()} if self._companions != Companions() else {}),
                **({"once": once} if once else {}),
            }
        )[: digests.RELEASE_LENGTH]
        self.path = store.item("releases", self.id)

    def units(self) -> dict[str, str]:
        """Return the text of its unit files by name."""
        name = systemd.instance(self._inputs.name, self.id)
        return {
            f"{name}.service": self._service.service_unit(),
            f"{name}.socket": self._service.socket_unit(),
            **self._companions.units(self._service, self.id),
        }

    def check_companions(self, foretold: bool = False) -> None:
        """Raise ReleaseError for a process or a job that can't be started, as far as that is known before it is.

        In check mode all of it is `foretold`. What a Procfile has of them, and no variable, is told.
        """
        source = readable(self._inputs.source) if isinstance(self._inputs.source, str) else self._store.path
        # One that check mode made on trial has no packages.
        venv = shown(self._inputs.venv) or ""
        faults = [
            *schedules.program_faults(self._companions, venv, os.path.join(source, self._inputs.chdir), foretold),
            *schedules.calendar_faults(self._companions.jobs),
        ]
        if faults:
            raise ReleaseError("\n".join(faults))
        wanted = ["processes"] if self._companions == Companions() else []
        # A framework has its own step for what nearly all of them have there.
        wanted += [] if self._framework or self._inputs.before_switch else ["release"]
        self.messages += procfile.told([source, os.path.join(source, self._inputs.chdir)], wanted)

    def missing_folders(self) -> list[str]:
        """Return the writable folders that are not there. Raises ReleaseError for a path that none can be at."""
        for path in self._inputs.writable_paths:
            if os.path.commonpath([path, self._store.path]) in (path, self._store.path):
                reason = (
                    f"but the app must not write its own code, which is in {self._store.path}: choose another folder"
                )
            elif os.path.realpath(path) != path:
                reason = f"which is a link to {os.path.realpath(path)}: use that"
            elif os.path.exists(path) and not os.path.isdir(path):
                reason = "which is no folder: name the one that it is in"
            else:
                continue
            raise ReleaseError(f"gunicorn_writable_paths has {path!r}, {reason}")
        return [path for path in self._inputs.writable_paths if not os.path.exists(path)]

    def missing_shared(self) -> list[str]:
        """Return what of the shared paths is not in the state folder yet. Raises ReleaseError where there is no source."""
        if self._inputs.shared_paths and not self._inputs.source:
            raise ReleaseError(
                "gunicorn_shared_paths has places in the source, but there is no gunicorn_source: set that"
            )
        return self._shared.missing()

    def share(self, folder: str | None = None) -> None:
        """Make what is missing of the shared paths; `folder` is that of the release while it is being made."""
        # Neither what is mounted nor the source that steps make need be there yet.
        service = dataclasses.replace(self._service, workdir=self._store.path, shared=())
        done = systemd.run(self._inputs.name, service.properties(folder or self.path), self._shared.seed(), _SEEDING)
        if done.returncode:
            raise ReleaseError(
                f"gunicorn_shared_paths: what is shared can't be put into {self._shared.state}: {done.stderr.strip()}"
            )

    def make_folder(self, path: str) -> None:
        """Make a writable folder, with its owner and mode before its name."""
        account = pwd.getpwnam(self._inputs.user)
        folder, name = os.path.split(path)
        # By descriptors: the folder above may be the app's, which could put a link in its place, or in that of this one.
        with files.opened_folder(folder, make=True) as parent:
            stage = f".stage-{secrets.token_hex(4)}"
            os.mkdir(stage, 0o700, dir_fd=parent)
            descriptor = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            try:
                os.fchown(descriptor, account.pw_uid, account.pw_gid)
                os.fchmod(descriptor, 0o750)
            finally:
                os.close(descriptor)
            os.rename(stage, name, src_dir_fd=parent, dst_dir_fd=parent)

    def starts_late(self) -> bool:
        """Say whether its environment can't run its first file yet, as those that an earlier version built."""
        return bool(self._start) and isinstance(self._inputs.venv, str) and startup.missing(self._inputs.venv)

    def start_early(self) -> None:
        """Have its environment run its first file; other releases that share it don't name any."""
        startup.install(known(self._inputs.venv))

    def make(self) -> None:
        """Write, prove and seal the folder."""
        with self._store.stage("releases", self.id) as stage:
            self._write(stage)
            self._verify()
            if self.missing_shared():
                self.share(stage)
            if steps.making(self._inputs.before_switch) and not os.path.isdir(known(self._source or "")):
                self._make_source(stage)
            self._check_folders(stage)
            in_force = self._prove(stage)
            self._write_companions(stage, in_force)
            self._write_record(stage, in_force)

    def _make_source(self, release: str) -> None:
        """Have the steps make the source of the release, whose folder is `release` while it is being made.

        Raises ReleaseError.
        """
        origin, place = known(self._inputs.source or ""), known(self._source or "")
        account = pwd.getpwnam(self._inputs.user)
        with self._store.stage("sources", os.path.basename(place)) as stage:
            os.chown(stage, account.pw_uid, account.pw_gid)
            self._step(release, stage, derived.copy(origin, stage), "the source can't be copied", shared=False)
            for command in steps.making(self._inputs.before_switch):
                workdir = os.path.join(stage, self._inputs.chdir)
                fault = commands.absent(command, os.path.join(release, "venv"), workdir)
                if fault:
                    raise ReleaseError(f"gunicorn_before_switch {fault}")
                words = command_line.faithful(commands.argv(command, release))
                self._step(release, stage, words, f"{commands.shown(command)} failed")
            try:
                python = os.path.realpath(os.path.join(release, "venv/bin/python"))
                derived.seal(self._store.name, stage, place, origin, python)
            except derived.DerivedError as error:
                raise ReleaseError(f"gunicorn_before_switch {error}") from error

    def _step(self, release: str, source: str, argv: list[str], failure: str, shared: bool = True) -> None:
        """Run a command as the service, but in a source that it may write, to which shared places belong or not."""
        places = SharedPaths(self._shared.state, source, self._shared.paths, self._shared.origin).folders()
        folder = os.path.normpath(os.path.join(source, self._inputs.chdir)) if shared else source
        service = dataclasses.replace(self._service, workdir=folder, shared=places if shared else ())
        # What makes front ends makes code as it runs, and no visitor reaches it.
        lines = [line for line in service.properties(release) if line[0] != "MemoryDenyWriteExecute"]
        try:
            done = systemd.run(self._inputs.name, [*lines, ("ReadWritePaths", source)], argv, _MADE_BY)
        except shell.Overdue as error:
            raise ReleaseError(f"gunicorn_before_switch: {error}") from error
        if done.returncode:
            said = remedies.explain(done.stderr.strip() or done.stdout)
            whole = f"all it said: journalctl --identifier=gunicorn-{self._store.name}"
            raise ReleaseError(
                f"gunicorn_before_switch: {failure} with exit status {done.returncode}:\n{said}\n"
                f"{still_active(self._store.current())}; {whole}"
            )

    def plan(self) -> dict:
        """Return what the plan of the workers came to, as far as is known."""
        made = os.path.isdir(self.path)
        return plans.in_force(self._inputs.plan, self._store.release(self.id)["in_force"] if made else None)

    def alike(self) -> str | None:
        """Return its id once it is made, or that of the active release if code, packages and environment are the same.

        None as well where the account has yet to be made, without which nothing can be asked of a release.
        """
        current = self._store.current()
        if not _account(self._inputs.user):
            return None
        if os.path.isdir(self.path):
            return self.id
        if not current:
            return None
        record, app = self._store.release(current), self._app()
        same = all(record["app"][name] == app[name] for name in ("source", "venv"))
        return current if same and record["env"] == self._env_digests else None

    def diff(self) -> list[dict]:
        """Return what would change against the active release; values of the environment stay hidden.

        The units of a first release are not in it, since nearly all in them is the same for every app.
        """
        current = self._store.current()
        before = self._store.release(current) if current else {"app": {}, "env": {}}
        sources = [before["app"].get("source"), self._app()["source"]]
        folder = self._store.item("releases", current or "")
        config = self._inputs.config
        conf = "" if isinstance(config, Unknown) else files.read(os.path.join(folder, "gunicorn.conf.py"))
        pairs = [
            ("app", _lines(before["app"]), _lines(self._app())),
            ("packages", _text(before.get("installed", [])), _text(self._installed())),
            ("gunicorn.conf.py", conf, _text([UNKNOWN.value]) if isinstance(config, Unknown) else config),
            ("env", _masked(before["env"], {}), _masked(self._env_digests, before["env"])),
        ]
        there = Companions.of(before.get("processes", {}), before.get("schedule", {}))
        pairs.append(("processes and schedule", schedules.told(there), schedules.told(self._companions)))
        for name, text in self.units().items() if current else ():
            kind = name.replace(f"@{self.id}", "").removeprefix(f"gunicorn-{self._inputs.name}").lstrip(".-")
            pairs.append((kind, systemd.unit_text(name.replace(self.id, str(current))), text))
        return [files.diff(name, old, new) for name, old, new in pairs for old in [_moved(old, *sources)] if old != new]

    def _decide(self) -> dict[str, object]:
        """Return what of the companions decides how the release behaves."""
        app, folder = self._inputs.name, self._store.path
        return {
            **self._companions.record(),
            "units": self._companions.units(self._service, ""),
            "standing": self._companions.standing(app, folder),
        }

    def _write_companions(self, folder: str, in_force: dict) -> None:
        if self._companions == Companions():
            return
        for name in self._companions.locks():
            self._store.lock_file(name)
        path = ":".join(in_force.get("pythonpath", []))
        self._write_file(folder, ENV, env_file.render({"PYTHONPATH": path} if path else {}), 0o640)
        if self._companions.processes:
            names = self._companions.process_units(self._inputs.name, self.id)
            self._write_file(folder, LIST, _text(names), 0o640)

    def _app(self) -> dict:
        inputs = self._inputs
        return {
            "source": os.path.basename(self._source) if isinstance(self._source, str) else shown(self._source) or "",
            "version": inputs.version,
            "venv": os.path.basename(shown(inputs.venv) or ""),
            "wsgi_app": inputs.wsgi_app,
        }

    def _venv(self) -> str:
        """Return its environment, or that of the active release, where check mode doesn't have this one yet."""
        if isinstance(self._inputs.venv, str) and os.path.isdir(self._inputs.venv):
            return self._inputs.venv
        return os.path.join(self._store.item("releases", self._store.current() or ""), "venv")

    def _installed(self) -> list[str]:
        venv = readable(shown(self._inputs.venv) or "")
        return builder.installed(venv) if os.path.isdir(venv) else [UNKNOWN.value]

    def _write_record(self, folder: str, in_force: dict) -> None:
        record = {
            "id": self.id,
            "version": self._inputs.version,
            "app": self._app(),
            "plan": self._inputs.plan,
            "in_force": in_force,
            "overlap": self._inputs.overlap,
            **self._companions.record(),
            "env": self._env_digests,
            "installed": builder.installed(known(self._inputs.venv)),
            **(self._framework.record if self._framework else {}),
            "built": now(),
        }
        self._write_file(folder, "release.json", json.dumps(record, indent=2, sort_keys=True) + "\n", 0o640)

    def _write(self, folder: str) -> None:
        inputs = self._inputs
        if self._source:
            os.symlink(os.path.relpath(known(self._source), self._store.item("releases", self.id)), f"{folder}/src")
        os.symlink(os.path.relpath(known(inputs.venv), self._store.item("releases", self.id)), f"{folder}/venv")
        os.symlink(f"/run/gunicorn-{inputs.name}/{self.id}.sock", f"{folder}/app.sock")
        self._write_file(folder, "env", env_file.render(inputs.env), 0o600)
        self._write_file(folder, "gunicorn.conf.py", known(inputs.config), 0o640)
        if self._start:
            self._write_file(folder, unit_files.START, self._start, 0o640)

    def _write_file(self, folder: str, name: str, text: str, mode: int) -> None:
        group = pwd.getpwnam(self._inputs.user).pw_gid if mode & 0o040 else 0
        files.create(os.path.join(folder, name), text, mode, group)

    def _verify(self) -> None:
        # What they run must be there, which under the release's own name it is not yet.
        venv = f"{self._store.path}/releases/%i/venv"
        try:
            standing = self._companions.standing(self._inputs.name, self._store.path)
            units = {**self.units(), **standing}
            systemd.verify({name: text.replace(venv, known(self._inputs.venv)) for name, text in units.items()})
        except systemd.SystemdError as error:
            raise ReleaseError(self._blame(str(error))) from error

    def _blame(self, said: str) -> str:
        """Return what systemd said of the service, with the user's own lines instead of their places in the file."""
        lines = self._service.service_unit().splitlines()
        place = rf"{re.escape(systemd.instance(self._inputs.name, self.id))}\.service:([0-9]+): (.*)"
        faults = [(lines[int(number) - 1], text) for number, text in re.findall(place, said)]
        blamed = []
        for line, text in faults:
            name, _equals, value = line.partition("=")
            if name in self._inputs.unit:
                blamed.append(f"gunicorn_unit has {line}, which systemd refuses: {text}")
            elif name in _LIMITS:
                blamed.append(f"{_LIMITS[name]} is {value!r}, which systemd refuses: {text}")
        return "\n".join(blamed) or said

    def _check_folders(self, stage: str) -> None:
        # In the sandbox, which may give the account more groups, or hide a folder.
        paths = [*self._inputs.writable_paths, *self._shared.written()]
        if not paths:
            return
        done = self._run(stage, [f"{stage}/venv/bin/python", "-I", "-c", _UNWRITABLE, *paths])
        unwritable = done.stdout.split()
        if unwritable:
            user, folders = self._inputs.user, {place: folder for folder, place in self._shared.folders()}
            variable = "gunicorn_shared_paths" if unwritable[0] in folders else "gunicorn_writable_paths"
            named = ", ".join(repr(folders.get(path, path)) for path in unwritable)
            raise ReleaseError(
                f"{variable} has {named}, where the account {user!r} can't write: give it the right to "
                f"(chown {user} FOLDER), or choose another folder"
            )

    def _prove(self, stage: str) -> dict:
        # Loading an app that can't run twice may be what can't happen beside the one that runs.
        load = self._inputs.overlap
        if not self._framework:
            return self._check_alone(stage, load)
        # What goes in front of the app's path only gunicorn can tell.
        unloaded = self._check(stage, load=False) if "pythonpath" in known(self._inputs.config) or not load else None

        def run(argv: list[str], also: list[tuple[str, str]]) -> Done:
            return self._run(stage, argv, [*also, *command_line.python_path(unloaded or {})])

        self._framework.before_load(stage, self._inputs.user, run)
        if unloaded and not load:
            return unloaded
        try:
            in_force = self._check(stage, load)
        except ProofError as error:
            if not self._framework.later(str(error), stage, run):
                raise
            return unloaded or self._check(stage, load=False)
        self._framework.loaded(in_force)
        return in_force

    def _check_alone(self, stage: str, load: bool) -> dict:
        """Check a release of no framework; what it can't be loaded without, a step right before the switch may make."""
        try:
            return self._check(stage, load)
        except ProofError as error:
            if not (load and steps.once(self._inputs.before_switch) and _LACKS_TABLES.search(str(error))):
                raise
        self.messages.append(
            "Loading the app asks for tables that its steps make, so it is proved after them, when it starts."
        )
        return self._check(stage, load=False)

    def _check(self, stage: str, load: bool) -> dict:
        argv = proof.command(f"{stage}/venv/bin/python", f"{stage}/gunicorn.conf.py", load)
        try:
            done = self._run(stage, argv, seconds=self._service.start_timeout)
        except shell.Overdue as error:
            raise ReleaseError(
                f"gunicorn_wsgi_app is {self._inputs.wsgi_app!r}, which was not loaded within "
                f"{self._service.start_timeout:g} s, {_LOADS} times gunicorn_health.timeout: it may wait for what isn't there, "
                "such as a database, or serve requests itself, by app.run() outside of `if __name__ == '__main__':`; where it needs "
                "that long, give it more"
            ) from error
        unharmed = still_active(self._store.current())
        whole = f"all it said: journalctl --identifier=gunicorn-{self._store.name}"
        return proof.in_force(done, self._inputs.wsgi_app, f"{unharmed}; {whole}", self._service.workdir)

    def _run(
        self,
        stage: str,
        argv: list[str],
        also: Sequence[tuple[str, str]] = (),
        seconds: float = proof.SECONDS,
    ) -> Done:
        done = systemd.run(self._inputs.name, [*self._service.properties(stage), *also], argv, seconds)
        if done.returncode in systemd.NOT_STARTED:
            raise ReleaseError(
                "systemd can't start anything with what gunicorn_unit and gunicorn_writable_paths add to the service "
                f"(exit status {done.returncode}): {done.stderr.strip()}"
            )
        return done


def source_of(store: Store, inputs: Inputs, key: bytes) -> str | Unknown | None:
    """Return the folder of the source that a release runs from: that of `inputs`, or one that its steps make of it.

    Raises ReleaseError where there is nothing to make it of.
    """
    making = steps.making(inputs.before_switch)
    if not making or isinstance(inputs.source, Unknown):
        return inputs.source
    if not inputs.source:
        raise ReleaseError(
            f"gunicorn_before_switch has {commands.shown(making[0])}, which makes something of the source, but there is no "
            "gunicorn_source: add once: true to what acts on something else, such as a database"
        )
    how = {"venv": shown(inputs.venv), "steps": making, "env": _env_digests(inputs, key), "chdir": inputs.chdir}
    return store.item("sources", derived.name(inputs.source, how))


def run_as(store: Store, name: str, argv: list[str], seconds: float, also: Sequence[tuple[str, str]] = ()) -> Done:
    """Run a command as the service of a release whose units are there, with further lines of its unit.

    Raises shell.Overdue, or OSError where the release is not whole.
    """
    return systemd.run(store.name, [*store.installed(name).properties(), *also], argv, seconds)


def _moved_config(inputs: Inputs, source: str | Unknown | None) -> str | Unknown:
    """Return the settings, which were made for the source of `inputs`, for the one that the release runs from."""
    if isinstance(inputs.config, Unknown) or not (isinstance(inputs.source, str) and isinstance(source, str)):
        return inputs.config
    return inputs.config.replace(inputs.source, source) if source != inputs.source else inputs.config


def _env_digests(inputs: Inputs, key: bytes) -> dict[str, str]:
    return {name: digests.keyed(key, value) for name, value in inputs.env.items()}


def _account(user: str) -> pwd.struct_passwd | None:
    """Return an account, or None where it has yet to be made, as it may be in check mode."""
    try:
        return pwd.getpwnam(user)
    except KeyError:
        return None


def _group(user: str) -> str:
    """Return the group of an account, which is made with one of its own name."""
    account = _account(user)
    return grp.getgrgid(account.pw_gid).gr_name if account else user


def _moved(text: str, old: str | None, new: str) -> str:
    """Return a text with paths into another source: that this is another is said once, and not at each path."""
    return text.replace(f"/sources/{old}", f"/sources/{new}") if old and new else text


def _lines(record: dict) -> str:
    return _text(f"{key}: {value}" for key, value in sorted(record.items()))


def _text(lines: typing.Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _masked(keyed: dict[str, str], before: dict[str, str]) -> str:
    changed = {name for name, digest in keyed.items() if name in before and before[name] != digest}
    return "".join(f"{name}=(hidden{', changed' if name in changed else ''})\n" for name in sorted(keyed))
