# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that other roles and guides have for what a variable of ours says. Private to the collection.

Each may also be the user's own, from which a value of ours is made. So one is told only where ours says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# Of gunicorn's settings, those that playbooks set most.
_SETTINGS = (
    *("accesslog", "backlog", "errorlog", "graceful_timeout", "keepalive", "loglevel", "max_requests"),
    *("max_requests_jitter", "preload_app", "threads", "timeout", "worker_class", "worker_connections", "workers"),
)
_OF_THE_SITE = {
    "nginx_site_domain": "nginx_site_server_names",
    "nginx_site_domains": "nginx_site_server_names",
    "nginx_site_ssl": "nginx_site_tls",
}


def unused(role: str, variables: Mapping) -> Iterator[str]:
    """Yield a sentence on each of the `variables` of a role, by name, that changes nothing and was meant for one of ours."""
    settings = variables.get("gunicorn_settings", {})
    for name in _SETTINGS if role == "gunicorn" and isinstance(settings, Mapping) else ():
        if f"gunicorn_{name}" in variables and name not in settings:
            yield (
                f"gunicorn_{name} is no variable of the role and changes nothing: "
                f"set gunicorn_settings: {{{name}: {variables[f'gunicorn_{name}']}}}"
            )
    for name, ours in _OF_THE_SITE.items() if role == "nginx_site" else ():
        if name in variables and not variables.get(ours):
            yield f"{name} is no variable of the role and changes nothing: set {ours}"
