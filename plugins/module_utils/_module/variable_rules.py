# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the values of variables, as far as that can be known without a host. Private to the collection.

The roles ask on the controller, before anything on the host changes, and the modules once more, for whoever uses one
alone: none of what they are given may become the syntax of a unit or of nginx.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans
from ansible_collections.pyweb.stack.plugins.module_utils._module import companion_rules, site_rules
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import header_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release import commands, env_file, steps, unit_overrides
from ansible_collections.pyweb.stack.plugins.module_utils._source import rules
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests, naming, urls

# What a value is asked for, and what is wrong with it, None where nothing is.
Rule = Callable[[Any], Iterable["str | None"]]
# Where an app may write nothing, however it is asked for, and why.
_NEVER_WRITABLE = {
    ("/boot", "/dev", "/etc", "/proc", "/sys", "/usr"): "belongs to the system",
    ("/home", "/root", "/run/user"): "the sandbox hides (ProtectHome)",
    ("/run", "/var/run"): "is empty after every boot",
    ("/tmp", "/var/tmp"): "the sandbox replaces by one of the app's own (PrivateTmp)",
}
# How like one of ours (difflib's ratio, of what follows the role's name) a name is that was meant for it. gunicorn_users
# is less like gunicorn_user, and may be the user's own.
_MISSPELT = 0.9
# Of its superuser, and databases that it comes with.
_OF_POSTGRESQL = ("postgres", "template0", "template1")
# Unlike, and yet meant: it would let happen in silence what somebody wanted to prevent.
_MEANT = {"django_migrations": "django_migrate"}


def faults(variables: dict, names: Collection[str] = ()) -> list[str]:
    """Return sentences that name the variable, what is wrong with its value, and what to do, of those that are known here.

    `variables` has values by the names of the roles' variables; None stands for one that is not given. `names` are
    those of all variables that are set, of whatever role; one of them can't be None, nor nearly have a name of ours.
    """
    found = [*_misspelt(names)]
    for name, check in _CHECKS.items():
        value = variables.get(name)
        if value == "" or (value is None and name in names):
            found.append(f"{name} is empty: set it, or remove it.")
            continue
        if value is None:
            continue
        kind, word = _STRUCTURED.get(name, (object, ""))
        if not isinstance(value, kind):
            shown = "something else" if name in ("gunicorn_env", "gunicorn_source_files") else _shown(value)
            found.append(f"{name} is {shown}, but must be a {word}.")
            continue
        found += [f"{name} {fault}." for fault in check(value) if fault]
    extra = variables.get("nginx_site_extra")
    found += [f"nginx_site_extra {fault}." for fault in site_rules.doubled(extra, variables)]
    # What goes back or away is as it was built.
    if variables.get("gunicorn_state") == "absent" or variables.get("gunicorn_release"):
        return found
    shared = companion_rules.shared_names(variables.get("gunicorn_processes"), variables.get("gunicorn_schedule"))
    of_no_use = rules.useless_include(variables.get("gunicorn_include"), variables.get("gunicorn_source"))
    found += [f"gunicorn_schedule {fault}." for fault in shared]
    return [*found, *(f"gunicorn_include {fault}." for fault in of_no_use)]


def _misspelt(names: Collection[str]) -> Iterator[str]:
    """A role passes over names that it doesn't know, in silence; those that only begin as ours may be the user's own."""
    for role in _ROLES:
        known = {one.removeprefix(role): one for one in (*KNOWN, *_MEANT) if one.startswith(role)}
        for name in sorted(one for one in names if one.startswith(role) and one not in KNOWN):
            for near in difflib.get_close_matches(name.removeprefix(role).lower(), known, n=1, cutoff=_MISSPELT):
                meant = _MEANT.get(known[near], known[near])
                yield f"{name} is no variable of the role: did you mean {meant}? If it is your own, give it another name."


def _requirements(requirements: Any) -> site_rules.Faults:
    for one in requirements:
        if urls.has_credentials(str(one)):
            yield (
                f"has {_shown(one)} with a user or password, which would be seen in the list of processes: let it come from "
                "the index that gunicorn_index.url names, or be a submodule of the source"
            )
        elif not isinstance(one, str) or not re.match(r"\s*[\w.]", one) or "\n" in one:
            yield f"has {_shown(one)}, but must list requirement specifiers such as 'psycopg[binary]>=3.2'"


def _index(index: Any) -> site_rules.Faults:
    if "url" in index:
        yield naming.index_url(index["url"])
    for key in ("wheels", "ca"):
        if key in index and naming.absolute_path(index[key]):
            yield f"has the {key} {index[key]!r}, but it must be an absolute path on the target"
    if "pythons" in index and naming.mirror(index["pythons"]):
        yield f"has pythons, which {naming.mirror(index['pythons'])}"
    if "url" in index and "wheels" in index:
        yield "has url and wheels, but packages come from one of them: leave the other out"


def _wsgi_app(value: Any) -> site_rules.Faults:
    file = re.match(r"([\w./-]+)\.py(:.*)?\Z", str(value))
    if file:
        yield f"is {value!r}, which names a file: name its module, {file[1].strip('./').replace('/', '.') + (file[2] or '')!r}"
    elif str(value).endswith(".ini"):
        yield f"is {value!r}, which names no module: what Pyramid makes of that file is \"pyramid.paster:get_app('{value}')\""
    elif not isinstance(value, str) or not re.match(r"[A-Za-z_][\w.]*(:\S.*)?\Z", value):
        yield f"is {value!r}, but must be a module and what to call in it, such as 'shop.wsgi:application'"


def _conf_file(value: Any) -> site_rules.Faults:
    if not str(value).startswith("/"):
        yield naming.relative_path(value)
    elif not os.path.isfile(value):
        yield (
            f"is {value!r}, but there is no such file on the controller: a path in the source is relative to where "
            "the app runs"
        )


def _env_file(value: Any) -> site_rules.Faults:
    if not isinstance(value, str):
        yield f"is {_shown(value)}, but must be the path of a file on the controller"
    elif value.startswith("/") and not os.path.isfile(value):
        yield f"is {value!r}, but there is no such file on the controller"


def _secrets(names: Any) -> site_rules.Faults:
    # Of their values nothing can be wrong.
    yield from (env_file.fault(name, "") for name in names)


def _requirements_file(value: Any) -> site_rules.Faults:
    if not str(value).startswith("/"):
        yield naming.requirements_file(value)
    elif naming.own_requirements_file(value):
        yield naming.own_requirements_file(value)
    elif not os.path.isfile(value):
        yield (
            f"is {value!r}, but there is no such file on the controller: a path in the source is relative to its top"
        )


def _writable_paths(paths: Any) -> site_rules.Faults:
    for path in paths:
        if naming.absolute_path(path):
            yield (
                f"has {path!r}, but must list absolute paths of letters, digits and '._@+-', without '..' and without "
                "a slash at the end"
            )
            continue
        if _closed(path):
            yield f"has {path!r}, which {_closed(path)}: choose a folder such as '/srv/files' or '/var/lib/files'"


def _database_app(value: Any) -> site_rules.Faults:
    if value in _OF_POSTGRESQL or str(value).startswith("pg_"):
        yield f"is {value!r}, a name that PostgreSQL has for itself: choose another"
    else:
        yield naming.app_name(value)


def _database_user(value: Any) -> site_rules.Faults:
    if value in _OF_POSTGRESQL or str(value).startswith("pg_"):
        yield f"is {value!r}, a name that PostgreSQL has for itself: name the account of the app"
    else:
        yield from _user(value)


def _user(value: Any) -> site_rules.Faults:
    if value == "root":
        yield "is 'root', but an app must not run as root: name another account, or leave it out"
    elif not re.fullmatch(r"[a-z_][a-z0-9_-]{0,30}", str(value)):
        yield f"is {value!r}, but must be the name of a system account, such as 'shop' or 'www-data'"


def _build(wanted: Any) -> site_rules.Faults:
    for command in wanted:
        found = list(commands.faults(command))
        yield from found or commands.build_faults(command)


def _tasks(path: Any) -> site_rules.Faults:
    if not os.path.isfile(str(path)):
        yield f"is {path!r}, but there is no such file on the controller: a relative path begins beside the playbook"


def _version(value: Any) -> site_rules.Faults:
    # A number has lost its zeros: 27.10 is 27.1.
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]+(\.[0-9]+)+", value):
        yield f"is {value!r}, but must be one whole version, as text: for instance '27.0.1'"
    elif int(value.partition(".")[0]) < naming.OLDEST_GUNICORN:
        yield f"is {value!r}, but must be {naming.OLDEST_GUNICORN} or newer: leave it out, or name such a one"


def _python(value: Any) -> site_rules.Faults:
    if isinstance(value, (int, float)):
        yield f"is {value}, a number, of which 3.10 would be 3.1: put it in quotes"
    elif not re.fullmatch(r"3\.[0-9]+(\.[0-9]+)?", str(value), re.ASCII):
        yield naming.interpreter(value)


def _settings(settings: Any) -> site_rules.Faults:
    for name in settings:
        if not isinstance(name, str):
            yield f"has the name {name!r}, but must have settings of gunicorn by their names, such as timeout"


def _module_name(value: Any) -> site_rules.Faults:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", value, re.ASCII):
        yield f"is {value!r}, but must be the name of a module, such as 'shop.settings'"


def _databases(aliases: Any) -> site_rules.Faults:
    if not aliases:
        yield "is empty, but must list at least one alias of the settings' DATABASES: to migrate none, set django_migrate: false"
    for alias in aliases:
        if not isinstance(alias, str) or not re.fullmatch(r"\w[\w.-]*", alias, re.ASCII):
            yield f"has {alias!r}, but must list aliases of the settings' DATABASES, such as 'default'"


def _backup(backup: Any) -> site_rules.Faults:
    if not re.fullmatch(r"[0-9]+", str(backup.get("keep", 1))):
        yield f"has keep with {backup['keep']!r}, but it must be a whole number; 0 makes no backups"
    path, command = backup.get("path"), backup.get("command", ["true"])
    if path is not None and naming.absolute_path(path):
        yield f"has the path {path!r}, but it must be an absolute path on the target"
    elif path is not None and _closed(path):
        yield f"has the path {path!r}, which {_closed(path)}: choose a folder such as '/srv/backups'"
    if not isinstance(command, list) or not command or not all(isinstance(one, str) and one for one in command):
        yield f"has the command {command!r}, but it must be a list, a program and its arguments: [bin/backup, --quick]"


def _closed(path: str) -> str | None:
    """Return why an app may not write to a path, or None."""
    found = [why for tops, why in _NEVER_WRITABLE.items() if any(f"{path}/".startswith(f"{top}/") for top in tops)]
    return found[0] if found else None


def _release(value: Any) -> site_rules.Faults:
    if value != naming.PREVIOUS and not re.fullmatch(rf"[0-9a-f]{{{digests.RELEASE_LENGTH}}}", str(value)):
        yield f"is {value!r}, but must be 'previous', or the id of a release, {digests.RELEASE_LENGTH} hexadecimal digits"


def _health(health: Any) -> site_rules.Faults:
    paths = health.get("paths", [])
    if not isinstance(paths, list):
        yield f"has the paths {paths!r}, but they must be a list of URL paths such as ['/', '/login/']"
        paths = []
    if "paths" in health and "path" in health:
        yield "has path and paths: put the one path into the list as well, and leave path out"
    elif health.get("paths") == []:
        yield "has no paths in its list, but the app must be asked for at least one: leave paths out for '/'"
    for path in [health.get("path", "/"), *paths]:
        if not str(path).startswith("/") or naming.url_path(path):
            yield f"has the path {path!r}, but it must be a URL path beginning with '/'"
    host = health.get("host", "localhost")
    if not isinstance(host, str) or not re.fullmatch(r"[A-Za-z0-9._-]+(:[0-9]+)?", host):
        yield f"has the host {health.get('host')!r}, but it must be a host name such as 'www.example.com'"
    first, _dash, last = str(health.get("status", "200")).partition("-")
    if not all(re.fullmatch(r"[2-5][0-9]{2}", each) for each in (first, last or first)) or (last or first) < first:
        yield f"has the status {health.get('status')!r}, but it must be one such as 200, or a range such as 200-399"
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", str(health.get("timeout", 1))) or float(health.get("timeout", 1)) <= 0:
        yield f"has the timeout {health.get('timeout')!r}, but it must be a number of seconds above 0"


def _server_names(names: Any) -> site_rules.Faults:
    yield from map(naming.server_name, names)
    yield from _twice(names)


def _index_files(names: Any) -> site_rules.Faults:
    if not names:
        yield "is empty, but must list at least one name of a file: for instance 'index.html'"
    yield from map(naming.file_name, names)


def _headers_by(fault: Callable[[object, object], str | None]) -> Rule:
    def check(headers: Any) -> site_rules.Faults:
        yield from (fault(name, value) for name, value in headers.items())
        yield from _twice(headers)

    return check


def _twice(names: Any) -> site_rules.Faults:
    """Names of hosts and of headers have no case."""
    lower = [str(name).lower() for name in names]
    for name in dict.fromkeys(lower):
        if lower.count(name) > 1:
            yield f"has {name} more than once, but case makes no difference: leave the others out"


def _cors_origins(origins: Any) -> site_rules.Faults:
    if "*" not in origins:
        yield from map(naming.origin, origins)
    elif len(origins) > 1:
        yield "has '*' beside others, but must list either origins or '*' alone"


def _at_least(least: int) -> Rule:
    def check(value: Any) -> site_rules.Faults:
        if not re.fullmatch(r"[0-9]+", str(value)) or int(value) < least:
            yield f"is {value!r}, but must be a whole number of at least {least}"

    return check


def _by(function: Callable[[object], object]) -> Rule:
    """Turn a function that raises ValueError into one that yields what it says."""

    def check(value: Any) -> site_rules.Faults:
        try:
            function(value)
        except ValueError as error:
            yield f"can't be used: {error}"

    return check


def _each(function: Callable[[Any], str | None]) -> Rule:
    def check(values: Any) -> Iterable[str | None]:
        return [function(value) for value in values]

    return check


def _one(function: Callable[[Any], str | None]) -> Rule:
    return lambda value: [function(value)]


def _shown(value: object) -> str:
    return urls.without_secrets(repr(value))


# What has parts, which can be looked at only where it is of the right type.
_STRUCTURED = {
    "gunicorn_source": (dict, "dictionary"),
    "gunicorn_env": (dict, "dictionary"),
    "gunicorn_secrets": (list, "list"),
    "gunicorn_health": (dict, "dictionary"),
    "gunicorn_index": (dict, "dictionary"),
    "gunicorn_settings": (dict, "dictionary"),
    "gunicorn_packages": (list, "list"),
    "gunicorn_build": (list, "list of commands, such as [[npm, ci], [npm, run, build]]"),
    "gunicorn_before_switch": (list, "list of steps, such as [{command: [flask, db, upgrade], once: true}]"),
    "gunicorn_requirements": (list, "list"),
    "gunicorn_requirements_groups": (list, "list"),
    "gunicorn_writable_paths": (list, "list"),
    "gunicorn_source_files": (dict, "dictionary"),
    "gunicorn_shared_paths": (list, "list"),
    "gunicorn_include": (list, "list"),
    "gunicorn_unit": (dict, "dictionary"),
    "gunicorn_media": (dict, "dictionary"),
    "django_backup": (dict, "dictionary"),
    "gunicorn_processes": (dict, "dictionary"),
    "gunicorn_schedule": (dict, "dictionary"),
    "django_databases": (list, "list"),
    "nginx_site_server_names": (list, "list"),
    "nginx_site_index": (list, "list"),
    "nginx_site_headers": (dict, "dictionary"),
    "nginx_site_proxy_headers": (dict, "dictionary"),
    "nginx_site_cors_origins": (list, "list"),
    "nginx_site_tls": (dict, "dictionary"),
    "nginx_site_redirects": (dict, "dictionary"),
    "nginx_site_hsts": (dict, "dictionary"),
    "nginx_site_trusted_proxies": (list, "list"),
    "nginx_site_limits": (list, "list"),
    "nginx_site_maintenance": (dict, "dictionary"),
    "nginx_site_error_pages": (dict, "dictionary"),
    "nginx_site_access_log": (dict, "dictionary"),
    "nginx_site_extra": (str, "text"),
    "nginx_site_auth": (dict, "dictionary"),
    "nginx_site_locations": (list, "list"),
    "nginx_site_health": (dict, "dictionary"),
}
_CHECKS: dict[str, Rule] = {
    "gunicorn_name": _one(naming.app_name),
    "gunicorn_root": _one(naming.app_root),
    "gunicorn_wsgi_app": _wsgi_app,
    "gunicorn_source": rules.faults,
    "gunicorn_chdir": _one(naming.relative_path),
    "gunicorn_requirements": _requirements,
    "gunicorn_requirements_file": _requirements_file,
    "gunicorn_requirements_groups": _each(naming.group),
    "gunicorn_index": _index,
    "gunicorn_packages": _each(naming.package),
    "gunicorn_build": _build,
    "gunicorn_before_switch": steps.faults,
    "gunicorn_tasks_before_switch": _tasks,
    "gunicorn_tasks_after_switch": _tasks,
    "gunicorn_version": _version,
    "gunicorn_python": _python,
    "gunicorn_settings": _settings,
    "gunicorn_conf_file": _conf_file,
    "gunicorn_env": env_file.faults,
    "gunicorn_env_file": _env_file,
    "gunicorn_secrets": _secrets,
    "gunicorn_user": _user,
    "gunicorn_release": _release,
    "gunicorn_health": _health,
    "gunicorn_bind": _one(naming.loopback_address),
    "gunicorn_drain_timeout": _at_least(0),
    "gunicorn_memory_max": _by(plans.mebibytes),
    "gunicorn_memory_per_worker": _at_least(1),
    "gunicorn_cpu_quota": _by(plans.percent),
    "gunicorn_writable_paths": _writable_paths,
    "gunicorn_source_files": rules.file_faults,
    "gunicorn_shared_paths": rules.shared_faults,
    "gunicorn_include": rules.include_faults,
    "gunicorn_unit": unit_overrides.faults,
    "gunicorn_media": site_rules.media,
    "gunicorn_processes": companion_rules.processes,
    "gunicorn_schedule": companion_rules.schedule,
    "gunicorn_keep_releases": _at_least(1),
    "gunicorn_keep_assets": _at_least(1),
    "database_app": _database_app,
    "database_user": _database_user,
    "database_cache_memory": _by(plans.mebibytes),
    "django_backup": _backup,
    "django_databases": _databases,
    "django_settings_module": _module_name,
    "nginx_site_app": _one(naming.app_name),
    "nginx_site_app_root": _one(naming.absolute_path),
    "nginx_site_server_names": _server_names,
    "nginx_site_location": _one(naming.location),
    "nginx_site_root": _one(naming.absolute_path),
    "nginx_site_index": _index_files,
    "nginx_site_headers": _headers_by(header_rules.response_fault),
    "nginx_site_proxy_headers": _headers_by(header_rules.request_fault),
    "nginx_site_cors_origins": _cors_origins,
    "nginx_site_client_max_body_size": _one(naming.size),
    "nginx_site_tls": site_rules.tls,
    "nginx_site_redirects": site_rules.redirects,
    "nginx_site_hsts": site_rules.hsts,
    "nginx_site_trusted_proxies": site_rules.networks("addresses and networks of proxies"),
    "nginx_site_limits": site_rules.limits,
    "nginx_site_maintenance": site_rules.maintenance,
    "nginx_site_error_pages": site_rules.pages,
    "nginx_site_access_log": site_rules.access_log,
    "nginx_site_extra": site_rules.extra,
    "nginx_site_auth": site_rules.auth,
    "nginx_site_locations": site_rules.locations,
    "nginx_site_fallback": site_rules.fallback,
    "nginx_site_health": site_rules.health,
}
_ROLES = ("database_", "django_", "gunicorn_", "nginx_site_")
# All variables of the roles; of these last ones the type says it all.
KNOWN = {
    *_CHECKS,
    *("database_cache", "database_engine", "database_purge", "database_state"),
    *(
        "django_allow_debug",
        "django_check_deploy",
        "django_collectstatic",
        "django_migrate",
        "gunicorn_overlap",
        "gunicorn_purge",
        "gunicorn_state",
    ),
    *("nginx_site_http3", "nginx_site_state", "nginx_site_upstream"),
}
