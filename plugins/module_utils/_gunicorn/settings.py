# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gunicorn's settings: ask the gunicorn that will use them, render them. Private to the collection.

gunicorn ignores unknown names in silence, so the list of names comes from the gunicorn of the very virtual
environment that the service runs, and each value goes through that gunicorn's own validator.
"""

from __future__ import annotations

import difflib
import os
import pprint
import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import ask, conf_file, hook, setting_rules

# What the options of the module say themselves, each with what to use instead.
_OPTIONS = {
    "chdir": "use gunicorn_chdir",
    "config": "use gunicorn_settings",
    "paste": "name the app of such a file by gunicorn_wsgi_app, as \"pyramid.paster:get_app('production.ini')\"",
    "wsgi_app": "use gunicorn_wsgi_app",
}
_AT_NGINX = "it is nginx that speaks TLS with visitors, and plain HTTP with the app"
_NO_CONTROL = "at a switch two instances would share the socket, and the old one removes it as it ends"
# And those that belong to the design of a release.
OWNED = {
    **_OPTIONS,
    "bind": "use gunicorn_bind",
    "ca_certs": _AT_NGINX,
    "certfile": _AT_NGINX,
    "command": "the virtual environment's own gunicorn runs, of which gunicorn_version or gunicorn_requirements says which",
    "control_socket": _NO_CONTROL,
    "control_socket_disable": _NO_CONTROL,
    "daemon": "systemd runs the service",
    "group": "use gunicorn_user",
    "initgroups": "systemd gives the service its groups",
    "keyfile": _AT_NGINX,
    "pidfile": "systemd keeps track of the process",
    "protocol": "nginx and the proof of a release speak HTTP with the app",
    "raw_env": "use gunicorn_env",
    "reuse_port": "systemd holds the socket, and gunicorn would leave it for one of its own",
    "user": "use gunicorn_user",
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

# By the module of a worker class the package that has it.
_PACKAGES = {"uvicorn": "uvicorn-worker", "uvicorn_worker": "uvicorn-worker", "aiohttp": "aiohttp"}

# What to take for a class of another name or version, by how its name begins.
_OTHERS = {
    "uvicorn": "; ASGI apps, which uvicorn serves, are served by 'asgi'",
    "eventlet": "; gunicorn_version: '25.3.0' is the last with eventlet, which is no longer developed: gevent and gthread do the same",
}


class SettingsError(Exception):
    """The settings or the user's file can't be used; the message has one line a fault, which names the variable."""


class Settings:
    """Settings as the gunicorn behind `python` understands them.

    `options` are those that have an option of their own, such as `wsgi_app`; `given` those of the user, and `conf`
    the user's own Python. `writable` are the only folders that the service may write; None for a unit of the user's own,
    of which nothing is known, so neither is anything in it the design's. `folder` is where the app's files are, where they
    have yet to come to the `chdir` of `options`; `account` is who asks, where not everybody may read that environment.
    Raises SettingsError with all faults at once.
    """

    def __init__(
        self,
        python: str,
        options: dict[str, Any],
        given: dict[str, Any],
        conf: str = "",
        writable: Sequence[str] | None = (),
        folder: str | None = None,
        account: str = "",
    ):
        # Whoever says where it is to be wants a control socket.
        defaults = dict(_DEFAULTS)
        if "control_socket" in given:
            del defaults["control_socket_disable"]
        here = {"chdir": folder} if folder else {}
        asked = {**defaults, **given, **options, **here}
        owned, owned_in_file = (_OPTIONS, _OPTIONS) if writable is None else (OWNED, _OWNED_IN_FILE)
        try:
            with ask.inside(python, _seen(asked), account) as run:
                answer = ask.ask(run, python, asked)
                names = {name for name, _section, _hook in answer["known"]}
                of_file = conf_file.faults(run, python, conf, owned_in_file, names) if conf else []
        except (ask.GunicornError, OSError) as error:
            raise SettingsError(str(error)) from error
        self.version: str = answer["version"]
        self.graceful_timeout: int = answer["facts"]["values"]["graceful_timeout"]
        self._conf = conf
        self._of_release = writable is not None
        self._known = {name: (section, hook) for name, section, hook in answer["known"]}
        # An older gunicorn lacks some of the defaults' names.
        defaults = {name: value for name, value in defaults.items() if name in self._known}
        self._values = {**defaults, **given, **options}
        faults = {name: f"{name}: {text}" for name, text in answer["refused"].items()}
        faults |= {
            name: f"{name} is {self._values.get(name, answer['facts']['values'][name])!r}, {text}"
            for name, text in setting_rules.faults(answer["facts"], writable).items()
        }
        for name in given:
            fault = self._fault(name, owned, answer)
            faults |= {name: fault} if fault else {}
        lines = [f"gunicorn_settings: {fault}" for _name, fault in sorted(faults.items())]
        lines += [f"gunicorn_conf_file: {fault}" for fault in of_file]
        if lines:
            raise SettingsError("\n".join(lines))

    def render(self) -> str:
        """Return the text of `gunicorn.conf.py`: settings as in gunicorn's documentation, and the user's file."""
        lines = ["# Made by pyweb.stack with Ansible: changes here are lost.", f"# gunicorn {self.version}"]
        sections = list(dict.fromkeys(section for section, _hook in self._known.values()))
        for section in sections:
            names = [name for name in self._known if name in self._values and self._known[name][0] == section]
            lines += ["", f"# {section}"] if names else []
            lines += [f"{name} = {pprint.pformat(self._values[name], width=100, sort_dicts=True)}" for name in names]
        parts = ["\n".join(lines), self._conf and f"# From gunicorn_conf_file.\n{self._conf}"]
        # Which class it will be only gunicorn knows, once it has run the user's file.
        if self._of_release or any("asgi" in part for part in parts):
            parts.append(hook.text(self._of_release, aiohttp=any("aiohttp" in part for part in parts if part)))
        return "\n\n".join(part.strip() for part in parts if part) + "\n"

    def _fault(self, name: str, owned: dict[str, str], answer: dict[str, Any]) -> str | None:
        value, refused = self._values[name], answer["refused"].get(name)
        # What says what holds anyway does no harm.
        if name in owned and value is not _DEFAULTS.get(name, owned):
            return f"{name} is not yours to set: {owned[name]}"
        if name not in self._known:
            near = difflib.get_close_matches(name.lower(), self._known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see gunicorn's documentation for its settings"
            return f"{name} is no setting of gunicorn {self.version}: {hint}"
        if self._known[name][1]:
            return f"{name} is a Python function, which a variable can't hold: put it into gunicorn_conf_file"
        if refused and name == "worker_class":
            return self._fault_of_class(value, refused, answer["workers"])
        if refused:
            return f"{name} is {value!r}, which gunicorn refuses: {refused}"
        if name == "pythonpath" and re.search(r"(^|/)bin/python[0-9.]*\s*(,|$)", value or ""):
            return f"{name} is {value!r}, but it is for folders of modules: the interpreter is gunicorn_python"
        if name in answer["numbers"] and value is True:
            return f"{name} is True, which gunicorn would take for 1: write a number"
        return None

    def _fault_of_class(self, value: object, said: str, workers: dict[str, list[str]]) -> str:
        if workers["needs"]:
            needs = " and ".join(workers["needs"])
            return f"worker_class is {value!r}, which needs more than gunicorn: add {needs} to gunicorn_requirements"
        if re.fullmatch(r"\w+", str(value)) and value not in workers["known"]:
            known = ", ".join(workers["known"])
            near = difflib.get_close_matches(str(value).lower(), workers["known"], n=1)
            hint = next(
                (text for name, text in _OTHERS.items() if str(value).startswith(name)),
                f"; did you mean {near[0]}?" if near else "",
            )
            return f"worker_class is {value!r}, which gunicorn {self.version} doesn't have: it has {known}{hint}"
        hint = ""
        if re.search(r" has no \w+$", said):
            hint = (
                ": its documentation says what it has instead; an ASGI app is served by 'asgi', which needs no package"
            )
        if said.startswith("No module named"):
            module = str(value).partition(".")[0]
            hint = f": add {_PACKAGES.get(module, 'its package')} to gunicorn_requirements"
            hint += ", or set worker_class to 'asgi', which needs no package" if "uvicorn" in module else ""
        return f"worker_class is {value!r}, which gunicorn refuses: {said}{hint}"


def _seen(asked: dict) -> list[str]:
    """Return the folders in which these settings have gunicorn look for modules."""
    folder = str(asked.get("chdir") or "/")
    names = ["", *str(asked.get("pythonpath") or "").split(",")]
    seen = [os.path.normpath(os.path.join(folder, name)) for name in names]
    return [path for path in seen if path != "/"]
