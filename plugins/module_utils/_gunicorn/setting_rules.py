# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gunicorn accepts of a setting, and then doesn't start with or does otherwise in silence. Private to the collection.

gunicorn's validators look at the form of one value, and `--check-config` asks them alone. Everything here was seen to go
wrong with a gunicorn that was content at its check.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

# Python for the environment whose gunicorn it is about: what that makes of all settings, and which of the packages that
# some of them need are missing. The limits it clamps when it reads a request, so it is given one to read.
FACTS = """
def facts(config):
    import importlib.util
    from gunicorn.glogging import Logger
    from gunicorn.http.message import Request
    from gunicorn.http.unreader import IterUnreader

    class Reading(Request):
        def parse(self, unreader):
            return b""

        def set_body_reader(self):
            pass

    values, parser = {name: setting.get() for name, setting in config.settings.items()}, None
    try:
        reading = Reading(config, IterUnreader([]), ("", 0))
    except RuntimeError as error:
        parser = str(error)
        config.set("http_parser", "python")
        reading = Reading(config, IterUnreader([]), ("", 0))
    optional = ["gunicorn_h1c", "h2", "inotify", "uvloop"]
    return {
        "values": values,
        "taken": {name: getattr(reading, name) for name in values if name.startswith("limit_request_")},
        "parser": parser,
        "missing": [name for name in optional if not importlib.util.find_spec(name)],
        "levels": sorted(Logger.LOG_LEVELS, key=Logger.LOG_LEVELS.get),
    }
"""

_PLAIN_LOGGER = "gunicorn.glogging.Logger"
# What FACTS says, and what follows from a value in their light.
Facts = dict[str, Any]
Rule = Callable[[Any, Facts], "str | None"]


class _Atoms(dict[str, object]):
    """Any atom of the access log, of its kind."""

    def __missing__(self, name: str) -> object:
        return 0 if name in ("B", "D", "M", "T") else "-"


def faults(facts: Facts, writable: Sequence[str] | None = None) -> dict[str, str]:
    """Return by its name what is wrong with a setting, as the rest of a sentence that begins with "NAME is VALUE, ".

    `facts` is what FACTS says in the environment; `writable` are the only folders that the service may write, None
    where that is not known. Looks at the host's files, but not for any account.
    """
    facts = {**facts, "writable": writable}
    said = {name: check(facts["values"][name], facts) for name, check in _CHECKS.items() if name in facts["values"]}
    return {name: text for name, text in said.items() if text}


def _at_least_one(consequence: str) -> Rule:
    return lambda value, facts: f"but {consequence}: set at least 1, or leave it out" if value < 1 else None


def _unless_off(consequence: str) -> Rule:
    return lambda value, facts: consequence if value else None


def _limit(name: str) -> Rule:
    def check(value: Any, facts: Facts) -> str | None:
        taken = facts["taken"][name]
        # The asgi worker reads requests by itself, and takes any limit.
        if taken == value or "asgi" in str(facts["values"]["worker_class"]):
            return None
        return f"for which gunicorn silently takes {taken}: write that, or a limit below it"

    return check


def _loglevel(value: Any, facts: Facts) -> str | None:
    levels = facts["levels"]
    if facts["values"]["logger_class"] == _PLAIN_LOGGER and str(value).lower() not in levels:
        return f"but must be one of {', '.join(levels)}; gunicorn would take it for info"
    return None


def _access_log_format(value: Any, facts: Facts) -> str | None:
    if value is None or facts["values"]["logger_class"] != _PLAIN_LOGGER:
        return None
    try:
        value % _Atoms()
    except (TypeError, ValueError) as error:
        return f"but no request could be logged by that ({error}): write atoms as '%(h)s', and a percent sign as '%%'"
    return None


def _log(value: Any, facts: Facts) -> str | None:
    if value in (None, "-"):
        return None
    path, writable = _path(value, facts), facts["writable"]
    if writable is not None and not any(path.startswith(f"{folder}/") for folder in writable):
        return (
            f"but the service can write no file but those below {', '.join(writable) or 'gunicorn_writable_paths'}: choose "
            "one there, add its folder to gunicorn_writable_paths, or set '-' for systemd's journal"
        )
    if os.path.isdir(path):
        return "which is a folder: name a file in it"
    folder = os.path.dirname(path)
    if not os.path.isdir(folder) and folder not in (writable or []):
        return f"but there is no folder {folder} on the host, and gunicorn doesn't make it: name one that is there"
    return None


def _file(value: Any, facts: Facts) -> str | None:
    if value and not os.path.isfile(_path(value, facts)):
        return f"but there is no file {_path(value, facts)} on the host: name one that is there"
    return None


def _folder(value: Any, facts: Facts) -> str | None:
    if value and not os.path.isdir(_path(value, facts)):
        return f"but there is no folder {_path(value, facts)} on the host: name one that is there"
    return None


def _path(value: str, facts: Facts) -> str:
    return os.path.normpath(os.path.join(facts["values"]["chdir"], value))


def _secure_scheme_headers(value: Any, facts: Facts) -> str | None:
    for name, text in value.items():
        if not isinstance(name, str) or name != name.upper():
            return f"but gunicorn finds a header there only by its name in upper case: write {str(name).upper()}"
        if not isinstance(text, str):
            return f"but gunicorn compares text, which {text!r} for {name} never equals: put it in quotes"
    return None


def _forwarder_headers(value: Any, facts: Facts) -> str | None:
    for name in value:
        if name != "*" and not re.fullmatch(r"[A-Z0-9_]+", name):
            right = name.upper().replace("-", "_")
            return f"but gunicorn finds a header there only in upper case with underscores: write {right}"
    return None


def _reload(value: Any, facts: Facts) -> str | None:
    if value and facts["values"]["preload_app"]:
        return "but with preload_app workers keep the code that gunicorn started with: leave out one of the two"
    return None


def _reload_engine(value: Any, facts: Facts) -> str | None:
    needed = value == "inotify" and facts["values"]["reload"] and "inotify" in facts["missing"]
    return "which needs more than gunicorn: add inotify to gunicorn_requirements" if needed else None


def _reuse_port(value: Any, facts: Facts) -> str | None:
    if value and any(address.startswith("unix:") for address in facts["values"]["bind"]):
        return "but workers can't share a unix socket so, and each would take it from the others: leave it out"
    return None


def _asgi_loop(value: Any, facts: Facts) -> str | None:
    if value == "uvloop" and "uvloop" in facts["missing"]:
        return "but that is not installed, and gunicorn would silently go without: add uvloop to gunicorn_requirements"
    return None


def _http_protocols(value: Any, facts: Facts) -> str | None:
    if "h2" in value and "h2" in facts["missing"]:
        return "but the package h2 is not installed: add h2 to gunicorn_requirements, or leave h2 out"
    return None


def _http_parser(value: Any, facts: Facts) -> str | None:
    if not facts["parser"]:
        return None
    hint = (
        "add gunicorn_h1c to gunicorn_requirements, or leave it out"
        if "gunicorn_h1c" in facts["missing"]
        else "leave it out"
    )
    return f"but gunicorn would fail at each request ({facts['parser']}): {hint}"


def _protocol(value: Any, facts: Facts) -> str | None:
    return None if value in ("http", "uwsgi") else "but must be 'http' or 'uwsgi'; gunicorn would take it for http"


def _needs(other: str, consequence: str) -> Rule:
    return lambda value, facts: f"but {consequence}: set {other}" if value and not facts["values"][other] else None


_ENDS = "with which gunicorn prints and ends instead of serving: leave it out"
_CHECKS = {
    "backlog": _at_least_one("then clients are turned away as soon as one waits"),
    "workers": _at_least_one("then nobody answers"),
    "threads": _at_least_one("then nobody answers"),
    "worker_connections": _at_least_one("then workers take no connection"),
    "limit_request_line": _limit("limit_request_line"),
    "limit_request_fields": _limit("limit_request_fields"),
    "limit_request_field_size": _limit("limit_request_field_size"),
    "reload": _reload,
    "reload_engine": _reload_engine,
    "check_config": _unless_off(_ENDS),
    "print_config": _unless_off(_ENDS),
    "sendfile": _unless_off("but gunicorn turns it off whatever the value: leave it out to have it on"),
    "reuse_port": _reuse_port,
    "worker_tmp_dir": _folder,
    "secure_scheme_headers": _secure_scheme_headers,
    "accesslog": _log,
    "access_log_format": _access_log_format,
    "errorlog": _log,
    "loglevel": _loglevel,
    "capture_output": _needs("errorlog", "there is nowhere to write what it captures"),
    "logconfig": _file,
    "logconfig_json": _file,
    "protocol": _protocol,
    "keyfile": _file,
    "certfile": _file,
    "ca_certs": _file,
    "http_protocols": _http_protocols,
    "http_parser": _http_parser,
    "forwarder_headers": _forwarder_headers,
    "asgi_loop": _asgi_loop,
    "dirty_apps": _needs("dirty_workers", "dirty_workers is 0, so none of them would run"),
    "dirty_workers": _needs("dirty_apps", "dirty_apps is empty, so none of them would start"),
    "dirty_threads": _at_least_one("then they do nothing"),
}
