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

from ansible_collections.pyweb.stack.plugins.module_utils import _command

# Settings that belong to the design, each with what to use instead.
OWNED = {
    "bind": "the app listens on its own unix socket, which systemd holds",
    "chdir": "use gunicorn_chdir",
    "command": "the role runs the gunicorn of the app's virtual environment",
    "config": "use gunicorn_settings",
    "daemon": "systemd runs the service",
    "group": "use gunicorn_user",
    "pidfile": "systemd keeps track of the process",
    "raw_env": "use gunicorn_env",
    "user": "use gunicorn_user",
    "wsgi_app": "use gunicorn_wsgi_app",
}

# Where gunicorn's own default is not the one for a service. The heartbeat of its workers is the time of a file, which
# must not wait for a slow disk; nothing here uses its control socket, for which a sandboxed service has no place.
_DEFAULTS = {"worker_tmp_dir": "/dev/shm", "control_socket_disable": True}

# Runs in the target's virtual environment; takes settings as JSON and says what its gunicorn makes of them.
_QUESTION = """
import json, sys
from importlib.machinery import PathFinder
import gunicorn
from gunicorn.config import Config, KNOWN_SETTINGS
config, faults, given = Config(), {}, json.load(sys.stdin)
for name, value in given.items():
    try:
        if name in config.settings:
            config.set(name, value)
    except Exception as error:
        faults[name] = " ".join(str(error).split())
# A class of the app itself is left to the sandbox: none of its code runs here.
module = str(given.get("worker_class", "sync")).split(".")[0]
if not PathFinder.find_spec(module, [str(given.get("chdir", "."))]):
    try:
        config.worker_class
    except BaseException as error:
        faults["worker_class"] = " ".join(str(error).split())
print(json.dumps({
    "version": gunicorn.__version__,
    "known": [[s.name, s.section, callable(s.default) or s.section == "Server Hooks"] for s in KNOWN_SETTINGS],
    "faults": faults,
    "in_force": {n: config.settings[n].get() for n in ("workers", "threads", "timeout", "graceful_timeout")},
}))
"""


class SettingsError(Exception):
    """The settings can't be used; the message has one line a fault."""


class Settings:
    """Settings as the gunicorn behind I(python) understands them.

    I(owned) are those of the design, such as C(wsgi_app); I(given) those of the user.
    Raises SettingsError with all faults of I(given) at once.
    """

    def __init__(self, python: str, owned: dict, given: dict):
        answer = _ask(python, {**_DEFAULTS, **given, **owned})
        self.version: str = answer["version"]
        self.in_force: dict = answer["in_force"]
        self._known = {name: (section, hook) for name, section, hook in answer["known"]}
        # An older gunicorn lacks some of the defaults' names.
        defaults = {name: value for name, value in _DEFAULTS.items() if name in self._known}
        self._values = {**defaults, **given, **owned}
        faults = [fault for name in sorted(given) for fault in [self._fault(name, answer["faults"])] if fault]
        faults += [f"{name}: {text}" for name, text in sorted(answer["faults"].items()) if name not in given]
        if faults:
            raise SettingsError("\n".join(faults))

    def render(self, tail: str = "") -> str:
        """Return the text of C(gunicorn.conf.py), grouped like gunicorn's own documentation, then I(tail)."""
        lines = ["# Made by pyweb.stack from gunicorn_settings: changes here are lost.", f"# gunicorn {self.version}"]
        section = None
        for name, (its_section, _hook) in self._known.items():
            if name in self._values:
                if its_section != section:
                    section = its_section
                    lines += ["", f"# {section}"]
                lines.append(f"{name} = {pprint.pformat(self._values[name], width=100, sort_dicts=True)}")
        return "\n".join(lines) + "\n" + (f"\n{tail.strip()}\n" if tail else "")

    def _fault(self, name: str, faults: dict[str, str]) -> str | None:
        if name in OWNED:
            return f"{name} is not yours to set: {OWNED[name]}"
        if name not in self._known:
            near = difflib.get_close_matches(name.lower(), self._known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see gunicorn's documentation for its settings"
            return f"{name} is no setting of gunicorn {self.version}: {hint}"
        if self._known[name][1]:
            return f"{name} is a Python function, which a variable can't hold: leave it out"
        if name in faults:
            return f"{name} is {self._values[name]!r}, which gunicorn refuses: {faults[name]}"
        return None


def _ask(python: str, values: dict) -> dict:
    # Its own environment only: WEB_CONCURRENCY and the like would count as settings.
    done = _command.run([python, "-I", "-c", _QUESTION], stdin=json.dumps(values), env={})
    if done.returncode:
        raise SettingsError(f"{python} can't import gunicorn: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)
