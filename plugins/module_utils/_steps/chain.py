# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several steps in one call, each with what those before it found. Private to the collection."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib
import time
import typing

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans
from ansible_collections.pyweb.stack.plugins.module_utils._host import machine
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

if typing.TYPE_CHECKING:
    # Ansible sends the target all that is imported here. A call loads what it needs of it, as compiling takes its time.
    from ansible_collections.pyweb.stack.plugins.module_utils._steps import (  # noqa: F401
        app_build,
        app_source,
        database,
        django_manage,
        django_project_info,
        gunicorn_before_switch,
        gunicorn_config,
        gunicorn_release,
        gunicorn_switch,
        host,
        nginx_site,
        python_interpreter,
        python_venv,
    )


@dataclasses.dataclass(frozen=True)
class Link:
    """A step of a chain, by the file that has it, and those of its options that the chain gives it."""

    file: str
    found: tuple[str, ...] = ()

    @functools.cached_property
    def step(self) -> Step:
        """Load the step."""
        return importlib.import_module(f"{__package__}.{self.file}").STEP

    def checked(self, given: dict) -> tuple[dict, list[str]]:
        """Return what was given of the other options, with their defaults, and what is wrong with it."""
        spec = {name: spec for name, spec in self.step.options.items() if name not in self.found}
        # It writes into a default that is a dictionary.
        checked = ArgumentSpecValidator(copy.deepcopy(spec), **self.step.rules).validate(given)
        return checked.validated_parameters, checked.error_messages


LINKS = {
    "host": Link("host"),
    "interpreter": Link("python_interpreter"),
    "source": Link("app_source", ("name", "root", "user")),
    "build": Link("app_build", ("name", "root", "user", "source", "secrets")),
    "project": Link("django_project_info", ("source", "chdir", "wsgi_app", "worker_class")),
    "venv": Link("python_venv", ("name", "root", "user", "source", "version", "chdir", "secrets", "ssh")),
    "config": Link("gunicorn_config", ("python", "wsgi_app", "chdir")),
    "release": Link(
        "gunicorn_release",
        (
            "name",
            "root",
            "user",
            "source",
            "version",
            "chdir",
            "venv",
            "config",
            "wsgi_app",
            "graceful_timeout",
            "plan",
        ),
    ),
    "check": Link("django_manage", ("name", "root", "command", "release", "told")),
    "migrate": Link("django_manage", ("name", "root", "command", "replaces", "told")),
    "check_later": Link("django_manage", ("name", "root", "command")),
    "once": Link("gunicorn_before_switch", ("name", "root", "replaces")),
    "switch": Link("gunicorn_switch", ("name", "root", "replaces")),
    "compare": Link("django_manage", ("name", "root", "command", "replaces")),
    "site": Link("nginx_site"),
    "database": Link("database"),
}


def run(module: Module, params: dict) -> dict:
    """Do the steps that are given, in their order, as far as that goes by itself; return what each of them returns.

    It ends before its time with what the host C(lacks), or where the source C(waits) for the controller to send it.
    """
    chain = Chain(module, params)
    chain.check()
    if chain.has("host") and chain.do("host")["lacks"]:
        return chain.result()
    if chain.has("interpreter"):
        chain.do("interpreter")
    if chain.has("source") and chain.do("source", **chain.account(), **chain.python())["waits"]:
        return chain.result(waits=True)
    if chain.has("venv"):
        if not chain.build():
            return chain.result(waits=True)
        # What a failure from here on says besides.
        module.besides = {"messages": chain.messages(), "release": {"id": chain.built()["id"]}}
    chain.activate()
    if chain.has("site"):
        chain.do("site")
    if chain.has("database"):
        chain.do("database")
    return chain.result()


class Chain:
    """The steps that a call of the module asks for."""

    def __init__(self, module: Module, params: dict):
        self._module, self._params = module, params
        # How long it took to activate the release.
        self._seconds = 0.0
        self.given: dict[str, dict] = {}
        self._results: dict[str, dict] = {}
        # What Django said of itself in this call, which need not be asked again.
        self._told: dict | None = None

    def check(self) -> None:
        """Fail with all that is wrong with the options of all steps, before the first one is done."""
        wrong, variables = [], {}
        for name, options in self._params["steps"].items():
            self.given[name], faults = LINKS[name].checked(options)
            wrong += [f"{name}: {fault}" for fault in faults]
            if not faults:
                variables.update(LINKS[name].step.variables(self.given[name]))
        if self.has("config") and not (self._params["wsgi_app"] or self.has("project")):
            paste = self.given["config"].get("settings", {}).get("paste")
            such = f"\"pyramid.paster:get_app('{paste}')\"" if paste else "'shop.wsgi:application'"
            wrong.append(f"gunicorn_wsgi_app is not given: name what gunicorn serves, such as {such}.")
        if wrong:
            self._module.fail_json(msg="\n".join(wrong))
        self._module.refuse(variables)

    def has(self, name: str) -> bool:
        """Return whether this step is asked for."""
        return name in self.given

    def app(self) -> dict:
        """Return what names the app."""
        return {name: self._params[name] for name in ("name", "root")}

    def account(self) -> dict:
        """Return what names the app and its account."""
        return {**self.app(), "user": self._params["user"]}

    def python(self) -> dict:
        """Return the interpreter that was found by its version, if one was asked for by that; in check mode it may be empty."""
        return {"python": self._results["interpreter"]["path"]} if "interpreter" in self._results else {}

    def do(self, name: str, /, **found: object) -> dict:
        """Do a step, with what was found for it, and return its result."""
        link = LINKS[name]
        self._results[name] = link.step.run(self._module, {**self.given[name], **found})
        return self._results[name]

    def build(self) -> bool:
        """Do the steps from the fetched source to the release, and have Django check that.

        Returns whether it came to that: the environment may wait for the key of the source.
        """
        source = self._results.get("source", {"path": None})
        built = self._source_built(source["path"]) if self.has("build") else source["path"]
        # What check mode can't build is, in what the next steps look at, as it was fetched.
        path, settings = built or source["path"], self.given["config"]["settings"]
        project = {name: self._params[name] for name in ("chdir", "wsgi_app")} | {"env": {}, "settings": {}}
        if self.has("project"):
            worker_class = settings.get("worker_class")
            project = self.do(
                "project", source=path, chdir=project["chdir"], wsgi_app=project["wsgi_app"], worker_class=worker_class
            )
        chdir, wsgi_app, settings = project["chdir"], project["wsgi_app"], {**project["settings"], **settings}
        found = {"source": path, "version": self._version(), "chdir": chdir}
        venv = self.do("venv", **self.account(), **self.python(), **found, secrets=self._secrets(), ssh=self._ssh())
        if venv.get("waits"):
            return False
        plan = self._plan(settings)
        config = self.do(
            "config",
            python=f"{venv['path']}/bin/python" if venv["path"] else None,
            wsgi_app=wsgi_app,
            chdir=f"{path}/{chdir}" if path else None,
            settings={"workers": plan["workers"], **settings},
            writable_paths=self.given["config"]["writable_paths"] + self._shared_places(path),
        )
        release = self.do(
            "release",
            **self.account(),
            source=built,
            version=self._version(),
            chdir=chdir,
            venv=venv["path"],
            config=config["content"],
            wsgi_app=wsgi_app,
            env={**project["env"], **self.given["release"]["env"]},
            graceful_timeout=config.get("graceful_timeout", 30),
            plan=plan,
        )
        self._told = release.pop("told", None)
        if self.has("check") and not release["serves"]:
            checked = self.do("check", **self.app(), command="check", release=release["alike"], told=self._told)
            self._told = checked.pop("told", None)
        return True

    def activate(self) -> None:
        """Do the steps from the release to the switch, with the one that was built in this call or an earlier one, or that is given."""
        began = time.monotonic()
        going_back = self.has("compare") and self.is_django()
        before = Store(**self.app()).current() if going_back else None
        built = self.built()
        replaces = {"replaces": built.get("replaces")}
        # Django's steps are foretold with the active release where the new one is not made yet.
        release, alike = ({"release": built[name]} if name in built else {} for name in ("id", "alike"))
        if self.has("migrate"):
            unchecked = {"unchecked": built["unchecked"]} if "unchecked" in built else {}
            self.do("migrate", **self.app(), **alike, **unchecked, **replaces, told=self._told, command="migrate")
        if self.has("check_later") and built.get("later", True) and not self._module.check_mode:
            self.do("check_later", **self.app(), **alike, command="check")
        if self.has("once"):
            self.do("once", **self.app(), **release, **replaces)
        if self.has("switch"):
            version = {"version": built["version"]} if "version" in built else {}
            self.do("switch", **self.app(), **release, **version, **replaces)
        # Last, as whoever goes back is in a hurry, and this is only told.
        if going_back:
            self.do("compare", **self.app(), replaces=before, command="compare")
        self._seconds = round(time.monotonic() - began, 1)

    def built(self) -> dict:
        """Return what is known of the release that this run built, by the names of the option C(built); nothing if it built none."""
        earlier = {name: value for name, value in (self._params["built"] or {}).items() if value is not None}
        if "release" not in self._results:
            return earlier
        checked, release = self._results.get("check", {}), self._results["release"]
        return {
            "id": release["id"],
            "alike": release["alike"],
            "version": self._version(),
            "replaces": self._results.get("source", self._results["venv"])["serving"],
            "unchecked": checked.get("unchecked", False),
            "later": checked.get("later", False),
            **earlier,
        }

    def _version(self) -> str:
        version: str = self._results.get("source", {"version": ""})["version"]
        return version

    def _ssh(self) -> dict | None:
        """Return how the repository of the source is reached, if it is in one: so are those of what it requires."""
        source = self.given.get("source", {})
        return {name: source[name] for name in ("ssh_key", "key", "known_hosts")} if source.get("git") else None

    def _secrets(self) -> list[str]:
        """Return the files of the source that nothing that is built may see."""
        files = self.given.get("source", {}).get("source_files", {})
        return [name for name, file in files.items() if isinstance(file, dict) and file.get("secret")]

    def _source_built(self, path: str | None) -> str:
        """Return where the source is when it is built, without the user's secrets in sight; empty where check mode can't know."""
        if path is None:
            self._module.fail_json(msg="gunicorn_build has commands, but there is no gunicorn_source: set that, too.")
        return self.do("build", **self.account(), **self.python(), source=path, secrets=self._secrets())["path"]

    def _shared_places(self, path: str | None) -> list[str]:
        """Return where in the source the app finds what it shares with later releases."""
        shared = self.given["release"]["shared_paths"] if path else []
        return [f"{path}/{place}".rstrip("/") for place in shared]

    def is_django(self) -> bool:
        """Return whether the release that is active is one of a Django project."""
        store = Store(**self.app())
        current = store.current()
        return current is not None and "DJANGO_SETTINGS_MODULE" in store.release(current)["env"]

    def _plan(self, settings: dict) -> dict:
        memory, free = machine.memory()
        given = self.given["release"]
        try:
            return plans.of_settings(
                machine.cpus(),
                memory,
                settings,
                free=free,
                memory_max=given["memory_max"],
                cpu_quota=given["cpu_quota"],
                memory_per_worker=self._params["memory_per_worker"],
                overlap=given["overlap"],
            )
        except ValueError as error:
            return self._module.fail_json(msg=f"gunicorn_plan: {error}")

    def messages(self) -> list[str]:
        """Return what people should know of the release: what was found for it, and the plan of its workers."""
        found = [
            text for name in ("build", "project", "release") for text in self._results.get(name, {}).get("messages", [])
        ]
        plan = self._results.get("release", {}).get("plan")
        return [*found, *([plan["summary"], plan["switch"], *plan["warnings"]] if plan else [])]

    def result(self, waits: bool = False) -> dict:
        """Return the results of the steps by their names, and what they come to."""
        diffs = [result.pop("diff", []) for result in self._results.values()]
        return {
            **self._results,
            "changed": any(result["changed"] for result in self._results.values()),
            "diff": [each for diff in diffs for each in (diff if isinstance(diff, list) else [diff])],
            "messages": self.messages(),
            "lacks": self._results.get("host", {}).get("lacks", {}),
            "waits": waits,
            "seconds": self._seconds,
        }


def _shown(steps: dict) -> dict:
    """Return the options of all steps as they may be seen."""
    return {name: LINKS[name].step.shown(options) for name, options in steps.items()}


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str"},
        "root": {"type": "path", "default": "/srv"},
        "user": {"type": "str"},
        "chdir": {"type": "str", "default": "."},
        "wsgi_app": {"type": "str"},
        "memory_per_worker": {"type": "int", "default": 100},
        "built": {
            "type": "dict",
            "options": {
                "id": {"type": "str"},
                "alike": {"type": "str"},
                "version": {"type": "str"},
                "replaces": {"type": "str"},
                "unchecked": {"type": "bool"},
                "later": {"type": "bool"},
            },
        },
        "steps": {"type": "dict", "required": True},
    },
    unlike=("steps", "built"),
    hidden={"steps": _shown},
    run=run,
)
