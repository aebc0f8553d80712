# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gunicorn's settings: ask the gunicorn that will use them, render them. Private to the collection.

gunicorn ignores unknown names in silence, so the list of names comes from the gunicorn of the very virtual
environment that the service runs, and each value goes through that gunicorn's own validator.
"""

from __future__ import annotations

import difflib
import json
import pprint
import re

from ansible_collections.pyweb.stack.plugins.module_utils import _command, _conf_file

# Settings that belong to the design, each with what to use instead.
OWNED = {
    "bind": "use gunicorn_bind",
    "chdir": "use gunicorn_chdir",
    "command": "the virtual environment's own gunicorn runs, of which gunicorn_version or gunicorn_requirements says which",
    "config": "use gunicorn_settings",
    "daemon": "systemd runs the service",
    "group": "use gunicorn_user",
    "pidfile": "systemd keeps track of the process",
    "raw_env": "use gunicorn_env",
    "user": "use gunicorn_user",
    "wsgi_app": "use gunicorn_wsgi_app",
}
# And those that the role has to know before it runs any of the user's Python.
_OWNED_IN_FILE = {
    **OWNED,
    "graceful_timeout": "use gunicorn_settings, since systemd has to wait a little longer than that",
    "pythonpath": "use gunicorn_settings",
}

# Where gunicorn's own default is not the one for a service. The heartbeat of its workers is the time of a file, which
# must not wait for a slow disk; nothing here uses its control socket, for which a sandboxed service has no place.
_DEFAULTS = {"worker_tmp_dir": "/dev/shm", "control_socket_disable": True}

# gunicorn's asgi worker gives asyncio no backlog, which then cuts that of the socket to 100: clients beyond get a 502.
_ASGI_TAIL = """
from gunicorn.config import PostWorkerInit


def post_worker_init(
    worker, *, users=PostWorkerInit.validator(globals().get("post_worker_init", PostWorkerInit.default))
):
    \"\"\"Let as many clients wait as the setting backlog says, after the user's own hook.\"\"\"
    import functools

    users(worker)
    loop = getattr(worker, "loop", None)
    if hasattr(loop, "create_server"):
        loop.create_server = functools.partial(loop.create_server, backlog=worker.cfg.backlog)
"""

# Runs in the target's virtual environment; takes settings as JSON and says what its gunicorn makes of them.
_QUESTION = """
import json, os, sys
from importlib.machinery import PathFinder
from importlib.metadata import requires
import gunicorn
from gunicorn.config import Config, KNOWN_SETTINGS
from gunicorn.workers import SUPPORTED_WORKERS
config, faults, given = Config(), {}, json.load(sys.stdin)
for name, value in given.items():
    try:
        if name in config.settings:
            config.set(name, value)
    except Exception as error:
        faults[name] = " ".join(str(error).split())
# A class of the app itself is left to the sandbox: none of its code runs here.
worker_class, needs = str(given.get("worker_class", "sync")), []
folders = [os.path.join(str(given.get("chdir", ".")), one) for one in ["", *(config.pythonpath or "").split(",")]]
if not PathFinder.find_spec(worker_class.split(".")[0], folders):
    try:
        config.worker_class
    except BaseException as error:
        extra = 'extra == "%s"' % worker_class.split("_")[0]
        needs = [one for one in requires("gunicorn") or [] if extra in one.replace("'", '"')]
        # The first of the errors says it; the last has whole tracebacks in its text.
        while error.__context__:
            error = error.__context__
        faults["worker_class"] = " ".join(str(error).split())
print(json.dumps({
    "version": gunicorn.__version__,
    "known": [[s.name, s.section, callable(s.default) or s.section == "Server Hooks"] for s in KNOWN_SETTINGS],
    "faults": faults,
    "graceful_timeout": config.settings["graceful_timeout"].get(),
    "workers": {"known": sorted(SUPPORTED_WORKERS), "needs": [one.split(";")[0].strip() for one in needs]},
}))
"""


class SettingsError(Exception):
    """The settings or the user's file can't be used; the message has one line a fault, which names the variable."""


class Settings:
    """Settings as the gunicorn behind I(python) understands them.

    I(owned) are those of the design, such as C(wsgi_app); I(given) those of the user, and I(conf) the user's own Python.
    I(folder) is where the app's files are, where they have yet to come to the C(chdir) of I(owned).
    Raises SettingsError with all faults of I(given) and I(conf) at once.
    """

    def __init__(self, python: str, owned: dict, given: dict, conf: str = "", folder: str | None = None):
        answer = _ask(python, {**_DEFAULTS, **given, **owned, **({"chdir": folder} if folder else {})})
        self.version: str = answer["version"]
        self.graceful_timeout: int = answer["graceful_timeout"]
        self._conf = conf
        self._known = {name: (section, hook) for name, section, hook in answer["known"]}
        self._workers = answer["workers"]
        # An older gunicorn lacks some of the defaults' names.
        defaults = {name: value for name, value in _DEFAULTS.items() if name in self._known}
        self._values = {**defaults, **given, **owned}
        faults = [fault for name in sorted(given) for fault in [self._fault(name, answer["faults"])] if fault]
        faults += [f"{name}: {text}" for name, text in sorted(answer["faults"].items()) if name not in given]
        faults = [f"gunicorn_settings: {fault}" for fault in faults]
        if conf:
            of_file = _conf_file.faults(python, conf, _OWNED_IN_FILE, self._known)
            faults += [f"gunicorn_conf_file: {fault}" for fault in of_file]
        if faults:
            raise SettingsError("\n".join(faults))

    def render(self, tail: str = "") -> str:
        """Return the text of C(gunicorn.conf.py): settings as in gunicorn's documentation, the user's file, I(tail)."""
        lines = ["# Made by pyweb.stack from gunicorn_settings: changes here are lost.", f"# gunicorn {self.version}"]
        section = None
        for name, (its_section, _hook) in self._known.items():
            if name in self._values:
                if its_section != section:
                    section = its_section
                    lines += ["", f"# {section}"]
                lines.append(f"{name} = {pprint.pformat(self._values[name], width=100, sort_dicts=True)}")
        parts = ["\n".join(lines), self._conf and f"# From gunicorn_conf_file.\n{self._conf}", tail]
        # Which class it will be only gunicorn knows, once it has run the user's file.
        if any("asgi" in part for part in parts):
            parts.append(_ASGI_TAIL)
        return "\n\n".join(part.strip() for part in parts if part) + "\n"

    def _fault(self, name: str, faults: dict[str, str]) -> str | None:
        if name in OWNED:
            return f"{name} is not yours to set: {OWNED[name]}"
        if name not in self._known:
            near = difflib.get_close_matches(name.lower(), self._known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see gunicorn's documentation for its settings"
            return f"{name} is no setting of gunicorn {self.version}: {hint}"
        if self._known[name][1]:
            return f"{name} is a Python function, which a variable can't hold: put it into gunicorn_conf_file"
        value = self._values[name]
        if name in faults and name == "worker_class":
            return self._fault_of_class(value, faults[name])
        if name in faults:
            return f"{name} is {value!r}, which gunicorn refuses: {faults[name]}"
        if name == "pythonpath" and re.search(r"(^|/)bin/python[0-9.]*\s*(,|$)", value or ""):
            return f"{name} is {value!r}, but it is for folders of modules: the interpreter is gunicorn_python"
        return None

    def _fault_of_class(self, value, said: str) -> str:
        if self._workers["needs"]:
            needs = " and ".join(self._workers["needs"])
            return f"worker_class is {value!r}, which needs more than gunicorn: add {needs} to gunicorn_requirements"
        if re.fullmatch(r"\w+", str(value)) and value not in self._workers["known"]:
            known = ", ".join(self._workers["known"])
            return f"worker_class is {value!r}, which gunicorn {self.version} doesn't have: it has {known}"
        hint = ": add its package to gunicorn_requirements" if said.startswith("No module named") else ""
        return f"worker_class is {value!r}, which gunicorn refuses: {said}{hint}"


def _ask(python: str, values: dict) -> dict:
    # Its own environment only: WEB_CONCURRENCY and the like would count as settings.
    done = _command.run([python, "-I", "-c", _QUESTION], stdin=json.dumps(values), env={})
    if done.returncode:
        raise SettingsError(f"{python} can't import gunicorn: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)
