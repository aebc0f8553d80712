# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the values of variables, as far as that can be known without a host. Private to the collection.

The roles ask on the controller, before anything on the host changes, and the modules once more, for whoever uses one
alone: none of what they are given may become the syntax of a unit or of nginx.
"""

from __future__ import annotations

import os
import re

from ansible_collections.pyweb.stack.plugins.module_utils import (
    _digest,
    _environment,
    _headers,
    _names,
    _plan,
    _source,
    _store,
    _unit,
    _url,
)

# Where an app may write nothing, however it is asked for, and why.
_NEVER_WRITABLE = {
    ("/boot", "/dev", "/etc", "/proc", "/sys", "/usr"): "belongs to the system",
    ("/home", "/root", "/run/user"): "the sandbox hides (ProtectHome)",
    ("/run", "/var/run"): "is empty after every boot",
    ("/tmp", "/var/tmp"): "the sandbox replaces by one of the app's own (PrivateTmp)",
}


def faults(variables: dict) -> list[str]:
    """Return sentences that name the variable, what is wrong with its value, and what to do, of those that are known here.

    I(variables) has values by the names of the roles' variables; None stands for one that is not given.
    """
    found = []
    for name, check in _CHECKS.items():
        value = variables.get(name)
        if value is None:
            continue
        kind, word = _STRUCTURED.get(name, (object, ""))
        if not isinstance(value, kind):
            shown = "something else" if name == "gunicorn_env" else _shown(value)
            found.append(f"{name} is {shown}, but must be a {word}.")
            continue
        found += [f"{name} {fault}." for fault in check(value) if fault]
    return found


def _requirements(requirements):
    for one in requirements:
        if not isinstance(one, str) or not re.match(r"\s*[\w.]", one) or "\n" in one:
            yield f"has {one!r}, but must list requirement specifiers such as 'psycopg[binary]>=3.2'"


def _index(index):
    if index.get("url") is not None:
        yield _names.index_url(index["url"])
    for key in ("wheels", "ca"):
        if index.get(key) is not None and _names.absolute_path(index[key]):
            yield f"has the {key} {index[key]!r}, but it must be an absolute path on the target"
    if index.get("url") is not None and index.get("wheels") is not None:
        yield "has url and wheels, but packages come from one of them: leave the other out"


def _wsgi_app(value):
    if not re.match(r"[A-Za-z_][\w.]*(:\S.*)?\Z", str(value)):
        yield f"is {value!r}, but must be a module and what to call in it, such as 'shop.wsgi:application'"


def _conf_file(value):
    if not str(value).startswith("/"):
        yield _names.relative_path(value)
    elif not os.path.isfile(value):
        yield (
            f"is {value!r}, but there is no such file on the controller: a path in the source is relative to where "
            "the app runs"
        )


def _writable_paths(paths):
    for path in paths:
        if _names.absolute_path(path):
            yield (
                f"has {path!r}, but must list absolute paths of letters, digits and '._@+-', without '..' and without "
                "a slash at the end"
            )
            continue
        for tops, reason in _NEVER_WRITABLE.items():
            if any(f"{path}/".startswith(f"{top}/") for top in tops):
                yield f"has {path!r}, which {reason}: choose a folder such as '/srv/files' or '/var/lib/files'"
                break


def _user(value):
    if value == "root":
        yield "is 'root', but an app must not run as root: name another account, or leave it out"
    elif not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", str(value)):
        yield f"is {value!r}, but must be the name of a system account"


def _version(value):
    if not re.fullmatch(r"\d+(\.\d+)+", str(value)):
        yield f"is {value!r}, but must be one whole version such as '27.0.1'"


def _release(value):
    if value != _store.PREVIOUS and not re.fullmatch(rf"[0-9a-f]{{{_digest.RELEASE_LENGTH}}}", str(value)):
        yield f"is {value!r}, but must be 'previous', or the id of a release, {_digest.RELEASE_LENGTH} hexadecimal digits"


def _health(health):
    health = {name: value for name, value in health.items() if value is not None}
    if not str(health.get("path", "/")).startswith("/") or _names.url_path(health.get("path", "/")):
        yield f"has the path {health.get('path')!r}, but it must be a URL path beginning with '/'"
    if not re.fullmatch(r"[A-Za-z0-9._-]+(:[0-9]+)?", str(health.get("host", "localhost"))):
        yield f"has the host {health.get('host')!r}, but it must be a host name such as 'www.example.com'"
    first, _dash, last = str(health.get("status", "200")).partition("-")
    if not all(re.fullmatch(r"[1-5][0-9]{2}", each) for each in (first, last or first)) or (last or first) < first:
        yield f"has the status {health.get('status')!r}, but it must be one such as 200, or a range such as 200-399"
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", str(health.get("timeout", 1))) or float(health.get("timeout", 1)) <= 0:
        yield f"has the timeout {health.get('timeout')!r}, but it must be a number of seconds above 0"


def _server_names(names):
    yield from map(_names.server_name, names)
    yield from _twice(names)


def _headers_by(fault):
    def check(headers):
        yield from (fault(name, value) for name, value in headers.items())
        yield from _twice(headers)

    return check


def _twice(names):
    """Names of hosts and of headers have no case."""
    lower = [str(name).lower() for name in names]
    for name in dict.fromkeys(lower):
        if lower.count(name) > 1:
            yield f"has {name} more than once, but case makes no difference: leave the others out"


def _cors_origins(origins):
    if "*" not in origins:
        yield from map(_names.origin, origins)
    elif len(origins) > 1:
        yield "has '*' beside others, but must list either origins or '*' alone"


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


def _shown(value):
    return _url.without_credentials(repr(value))


# What has parts, which can be looked at only where it is of the right type.
_STRUCTURED = {
    "gunicorn_source": (dict, "dictionary"),
    "gunicorn_env": (dict, "dictionary"),
    "gunicorn_health": (dict, "dictionary"),
    "gunicorn_index": (dict, "dictionary"),
    "gunicorn_packages": (list, "list"),
    "gunicorn_requirements": (list, "list"),
    "gunicorn_writable_paths": (list, "list"),
    "gunicorn_unit": (dict, "dictionary"),
    "nginx_site_server_names": (list, "list"),
    "nginx_site_index": (list, "list"),
    "nginx_site_headers": (dict, "dictionary"),
    "nginx_site_proxy_headers": (dict, "dictionary"),
    "nginx_site_cors_origins": (list, "list"),
}
_CHECKS = {
    "gunicorn_name": _one(_names.app_name),
    "gunicorn_root": _one(_names.absolute_path),
    "gunicorn_wsgi_app": _wsgi_app,
    "gunicorn_source": _source.faults,
    "gunicorn_chdir": _one(_names.relative_path),
    "gunicorn_requirements": _requirements,
    "gunicorn_requirements_file": _one(_names.requirements_file),
    "gunicorn_index": _index,
    "gunicorn_packages": _each(_names.package),
    "gunicorn_version": _version,
    "gunicorn_python": _one(_names.interpreter),
    "gunicorn_conf_file": _conf_file,
    "gunicorn_env": lambda env: [_environment.fault(name, value) for name, value in env.items()],
    "gunicorn_user": _user,
    "gunicorn_release": _release,
    "gunicorn_health": _health,
    "gunicorn_bind": _one(_names.loopback_address),
    "gunicorn_drain_timeout": _at_least(0),
    "gunicorn_memory_max": _by(_plan.mebibytes),
    "gunicorn_memory_per_worker": _at_least(1),
    "gunicorn_cpu_quota": _by(_plan.percent),
    "gunicorn_writable_paths": _writable_paths,
    "gunicorn_unit": _unit.faults,
    "gunicorn_keep_releases": _at_least(1),
    "nginx_site_app": _one(_names.app_name),
    "nginx_site_app_root": _one(_names.absolute_path),
    "nginx_site_server_names": _server_names,
    "nginx_site_location": _one(_names.location),
    "nginx_site_root": _one(_names.absolute_path),
    "nginx_site_index": _each(_names.file_name),
    "nginx_site_headers": _headers_by(_headers.response_fault),
    "nginx_site_proxy_headers": _headers_by(_headers.request_fault),
    "nginx_site_cors_origins": _cors_origins,
    "nginx_site_client_max_body_size": _one(_names.size),
}
