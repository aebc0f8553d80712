# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site and the others in nginx's tree can't both have. Private to the collection.

nginx lets two servers of one name pass with a warning that names no file, and serves the one that it read first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._nginx import config_parser, health, sites

# The default sites that distributions bring, whose page nobody misses.
_DISTRIBUTIONS = ("sites-enabled/default", "conf.d/default.conf")
# How the file of another app's site is called.
_OURS = re.compile(r"(?:zz-)?gunicorn-(\w+)(?:\.conf)?")
# What defines an upstream or a variable, by its last argument.
_DEFINING = ("upstream", "map", "geo", "split_clients")


def clashes(site: sites.Site, others: list[config_parser.Directive]) -> list[str]:
    """Return sentences that name what `site` and `others`, the rest of the http block, both claim, and what to do."""
    ours = config_parser.parse(site.text())
    servers = list(config_parser.inside(ours, "server"))
    found = [claim for other in config_parser.inside(others, "server") for claim in _claims(site, servers, other)]
    if site.health and site.server_names:
        found += _claims_of_health(servers, others)
    return [*found, *_copies(site, ours, others)]


def _claims(site: sites.Site, servers: list[config_parser.Directive], other: config_parser.Directive) -> Iterator[str]:
    # At an address of its own another server hides nothing.
    own = {address for server in servers for address in config_parser.listens(server)}
    shared = {address: listen for address, listen in config_parser.listens(other).items() if address in own}
    # Those of all servers of a site are the same.
    own_names, default = config_parser.names(servers[0]), filter(config_parser.is_default, shared.values())
    if site.server_names and shared:
        for name, directive in config_parser.names(other).items():
            if name in own_names:
                yield (
                    f"nginx_site_server_names has {name!r}, but {directive.where} gives that name to another server on "
                    f"{', '.join(shared)}: take it out there, or out of nginx_site_server_names."
                    f"{_of_two_apps(site, directive.path)}"
                )
    elif listen := next(default, None):
        yield (
            f"nginx_site_server_names is empty, but the host's default site is another one: {listen.where} has "
            f"'listen {' '.join(listen.arguments)}'. Take default_server out there, or name the hosts of the app {site.app}."
        )


def _of_two_apps(site: sites.Site, path: str) -> str:
    """Return how an app gets into the place of another one's site, which is in this file, or below it; nothing if that is none."""
    other = _OURS.fullmatch(os.path.basename(path))
    if not other:
        return ""
    server = f"http://{site.address}" if site.address else f"http://unix:{site.folder}/current/app.sock"
    return (
        f" If {site.app} takes the place of the app {other[1]}, take that one's site away first, by nginx_site_app: {other[1]} with "
        f"nginx_site_state: absent. If {site.app} is meant to be a part of that site, have nginx_site_extra of the app {other[1]} say "
        f"'location /{site.app}/ {{ proxy_pass {server}; }}', and no site of its own."
    )


def _claims_of_health(servers: list[config_parser.Directive], others: list[config_parser.Directive]) -> Iterator[str]:
    """What asks by the host's address is answered by the default site, if another one has no server for it."""
    own = {address for server in servers for address in config_parser.listens(server)}
    apps = {upstream.path for upstream in config_parser.inside(others, "upstream")}
    for other in config_parser.inside(others, "server"):
        shared = [listen for address, listen in config_parser.listens(other).items() if address in own]
        names = {name for each in config_parser.inside(other.block, "server_name") for name in each.arguments}
        default = next(filter(config_parser.is_default, shared), None)
        is_page = default and default.path.endswith(_DISTRIBUTIONS) and default.path not in apps
        if shared and (names & {*health.ADDRESSES} or (default and not is_page)):
            yield (
                f"nginx_site_health answers whoever asks by the host's address, which the server at {other.where} does already: "
                "have the load balancer ask for one of the site's names and leave nginx_site_health out, or take that out "
                "there."
            )


def _copies(
    site: sites.Site, ours: list[config_parser.Directive], others: list[config_parser.Directive]
) -> Iterator[str]:
    own = _defined(ours)
    taken: dict[str, list[str]] = {}
    for name, directive in _defined(others).items():
        if name in own:
            taken.setdefault(directive.path, []).append(name)
    for path, names in taken.items():
        yield (
            f"{path} defines {', '.join(names)}, as the site of the app {site.app} does: if it is a copy of that site, "
            "move it to where nginx doesn't read it, or else rename them there."
        )


def _defined(directives: list[config_parser.Directive]) -> dict[str, config_parser.Directive]:
    return {
        each.arguments[-1]: each
        for kind in _DEFINING
        for each in config_parser.inside(directives, kind)
        if each.arguments
    }
