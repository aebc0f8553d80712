# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: faults
short_description: What is wrong with the variables of an app or a site
version_added: 0.1.0
description:
  - Looks at what types alone can't say, on the controller, before anything on a host changes.
  - Knows the variables of the collection's roles by their names; others are passed over.
positional: []
options:
  _input:
    description: Variables by name.
    type: dict
    required: true
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
faults: "{{ {'gunicorn_name': 'My Shop'} | pyweb.stack.faults }}"
"""

RETURN = r"""
_value:
  description: Sentences that name the variable, what is wrong with its value, and what to do. None means all is well.
  type: list
  elements: str
"""

import re

from ansible_collections.pyweb.stack.plugins.module_utils import _environment, _names, _plan


def faults(variables):
    """Return the faults of all variables that are known here."""
    found = []
    for name, check in _CHECKS.items():
        value = variables.get(name)
        if value is None:
            continue
        kind, word = _STRUCTURED.get(name, (object, ""))
        if not isinstance(value, kind):
            shown = "something else" if name == "gunicorn_env" else repr(value)
            found.append(f"{name} is {shown}, but must be a {word}.")
            continue
        found += [f"{name} {fault}." for fault in check(value) if fault]
    return found


def _source(source):
    kinds = [kind for kind in ("git", "directory") if kind in source]
    if source and len(kinds) != 1:
        yield f"has {' and '.join(kinds) or 'neither git nor directory'}, but must have exactly one of git and directory"
    for kind in kinds:
        if not isinstance(source[kind], str) or not source[kind].strip() or source[kind].startswith("-"):
            yield f"has the {kind} {source[kind]!r}, but it must be a {'URL' if kind == 'git' else 'path'}"
    version = source.get("version", "HEAD")
    # git would take a leading dash for an option, and these characters are in no ref (git-check-ref-format(1)).
    if (
        not isinstance(version, str)
        or not version
        or version.startswith("-")
        or re.search(r"[\s~^:?*\[\\]|\.\.", version)
    ):
        yield f"has the version {version!r}, but it must be a branch, a tag or a commit of 40 digits"
    if "directory" in source and "version" in source:
        yield "has a version, which only a git source can have: leave it out"


def _requirements(requirements):
    for one in requirements:
        if not isinstance(one, str) or not re.match(r"\s*[\w.]", one) or "\n" in one:
            yield f"has {one!r}, but must list requirement specifiers such as 'psycopg[binary]>=3.2'"


def _wsgi_app(value):
    if not re.match(r"[A-Za-z_][\w.]*(:\S.*)?\Z", str(value)):
        yield f"is {value!r}, but must be a module and what to call in it, such as 'shop.wsgi:application'"


def _user(value):
    if value == "root":
        yield "is 'root', but an app must not run as root: name another account, or leave it out"
    elif not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", str(value)):
        yield f"is {value!r}, but must be the name of a system account"


def _version(value):
    if not re.fullmatch(r"\d+(\.\d+)+", str(value)):
        yield f"is {value!r}, but must be one whole version such as '27.0.1'"


def _health(health):
    if not str(health.get("path", "/")).startswith("/") or _names.url_path(health.get("path", "/")):
        yield f"has the path {health.get('path')!r}, but it must be a URL path beginning with '/'"
    if not re.fullmatch(r"[A-Za-z0-9._-]+(:[0-9]+)?", str(health.get("host", "localhost"))):
        yield f"has the host {health.get('host')!r}, but it must be a host name such as 'www.example.com'"
    first, _dash, last = str(health.get("status", "200")).partition("-")
    if not all(re.fullmatch(r"[1-5][0-9]{2}", each) for each in (first, last or first)) or (last or first) < first:
        yield f"has the status {health.get('status')!r}, but it must be one such as 200, or a range such as 200-399"
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", str(health.get("timeout", 1))) or float(health.get("timeout", 1)) <= 0:
        yield f"has the timeout {health.get('timeout')!r}, but it must be a number of seconds above 0"


def _at_least(least):
    def check(value):
        if not re.fullmatch(r"[0-9]+", str(value)) or int(value) < least:
            yield f"is {value!r}, but must be at least {least}"

    return check


def _by(function):
    """Turn a function that raises ValueError into one that yields what it says."""

    def check(value):
        try:
            function(value)
        except ValueError as error:
            yield f"can't be used: {error}"

    return check


def _each(function):
    def check(values):
        return [function(value) for value in values]

    return check


def _one(function):
    return lambda value: [function(value)]


# What has parts, which can be looked at only where it is of the right type.
_STRUCTURED = {
    "gunicorn_source": (dict, "dictionary"),
    "gunicorn_env": (dict, "dictionary"),
    "gunicorn_health": (dict, "dictionary"),
    "gunicorn_requirements": (list, "list"),
    "nginx_site_server_names": (list, "list"),
}
_CHECKS = {
    "gunicorn_name": _one(_names.app_name),
    "gunicorn_root": _one(_names.absolute_path),
    "gunicorn_wsgi_app": _wsgi_app,
    "gunicorn_source": _source,
    "gunicorn_chdir": _one(_names.relative_path),
    "gunicorn_requirements": _requirements,
    "gunicorn_requirements_file": _one(_names.relative_path),
    "gunicorn_version": _version,
    "gunicorn_python": _one(_names.absolute_path),
    "gunicorn_env": lambda env: [_environment.fault(name, value) for name, value in env.items()],
    "gunicorn_user": _user,
    "gunicorn_health": _health,
    "gunicorn_bind": _one(_names.loopback_address),
    "gunicorn_drain_timeout": _at_least(0),
    "gunicorn_memory_max": _by(_plan.mebibytes),
    "gunicorn_memory_per_worker": _at_least(1),
    "gunicorn_cpu_quota": _by(_plan.percent),
    "gunicorn_keep_releases": _at_least(1),
    "nginx_site_app": _one(_names.app_name),
    "nginx_site_app_root": _one(_names.absolute_path),
    "nginx_site_server_names": _each(_names.server_name),
    "nginx_site_client_max_body_size": _one(_names.size),
}


class FilterModule:
    """The filter of this file."""

    def filters(self):
        """Return it by name."""
        return {"faults": faults}
