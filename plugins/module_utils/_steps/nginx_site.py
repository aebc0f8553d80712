# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module nginx_site does: the site in front of an app. Private to the collection."""

from __future__ import annotations

import contextlib
import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import (
    acme,
    certificates,
    selfsigned,
    server,
    site_files,
    sites,
)
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._text.unknown import UNKNOWN


def run(module: Module, params: dict) -> dict:
    """Put the site in place, or remove it; return what the module documents."""
    fields = dict(params)
    app = fields["app"]
    folder = os.path.join(fields.pop("app_root"), app)
    present = fields.pop("state") == "present"
    tcp = fields.pop("upstream") == "tcp" and present
    address = unit_files.fixed_address(app) if tcp else None
    given = fields.pop("tls")
    given = given if present else None
    fault = _fault(params) if present else None
    if fault:
        module.fail_json(msg=fault)
    names = [*fields["server_names"], *fields["redirects"]]
    ca = _ca(given, app, names)
    pair = _pair(given, app, ca)
    there = not pair or certificates.there(**pair)
    made = bool(pair) and pair == selfsigned.pair(app) and not selfsigned.fits(app, names)
    # In check mode the roles before this one may not have done what it builds on.
    known = server.installed() and (not tcp or address is not None) and (there or (made and not module.check_mode))
    if tcp and address is None:
        if not module.check_mode:
            module.fail_json(
                msg=f"nginx_site_upstream is tcp, but the app {app} has no address on this host: set gunicorn_bind, "
                "such as 127.0.0.1:9999, for the role that deploys the app, and have that role come before this one"
            )
        address = "ADDRESS-OF-gunicorn_bind"
    try:
        if made and not module.check_mode:
            selfsigned.make(app, names)
        tls = None
        if given and pair:
            # Of what renews itself, a renewal is no change of the site.
            digest = given["certificate"] and (
                _digest(module, pair) if there or not module.check_mode else UNKNOWN.value
            )
            tls = sites.Tls(**pair, digest=digest, http2=server.has_http2())
        ipv6 = os.path.exists("/proc/net/if_inet6")
        types = server.missing_types()
        site = sites.Site(folder=folder, address=address, ipv6=ipv6, tls=tls, types=types, **fields)
        with contextlib.nullcontext() if module.check_mode else server.locked(f"changing the site of the app {app}"):
            tree = site_files.Tree(server.ETC, site, present)
            theirs = certificates.of_certbot(files.read(tree.path)) if tree.path and not tls else None
            if theirs:
                # Whose visitors come by HTTPS.
                module.fail_json(
                    msg=f"certbot was run by hand for {tree.path}, and this run would take its HTTPS away: set nginx_site_tls: "
                    f"{{certificate: {theirs['certificate']}, key: {theirs['key']}}}, or let the role get its own by "
                    "nginx_site_tls: {acme: …}, or remove certbot's lines first"
                )
            result: dict = {"path": tree.path, "diff": tree.diff()}
            if not present:
                changed = _take_away(tree, module.check_mode)
                return {"changed": selfsigned.remove(app, module.check_mode) or changed, **result}
            if module.check_mode and not known:
                result["diff"].append({"prepared": "(not known yet: what nginx says of it)\n"})
                return {"changed": True, **result}
            if not known:
                module.fail_json(msg="nginx is not installed on this host")
            server.look(tree)
            changed, state = bool(tree.changes()), server.state()
            closing = params["maintenance"].get("active")
            turn = closing is not None and closing != site.edge.is_closed()
            if turn:
                result["diff"].append(files.diff("maintenance", f"{not closing}\n", f"{closing}\n"))
            if changed:
                server.prove(tree)
            if state != server.READY:
                result["diff"].append(files.diff("nginx.service", f"{state}\n", f"{server.READY}\n"))
            if changed and not module.check_mode:
                server.install(tree)
            elif state != server.READY and not module.check_mode:
                server.make_ready()
            if turn and not module.check_mode:
                site.edge.close(closing)
            closed = None if tcp or module.check_mode else server.unreachable(f"{folder}/current/app.sock")
    except (
        acme.AcmeError,
        certificates.CertificateError,
        site_files.SiteError,
        server.NginxError,
        systemd.SystemdError,
        OSError,
    ) as error:
        module.fail_json(msg=str(error))
    if closed:
        # As nginx.org's packages bring an account of their own, after a release that was made for Debian's.
        module.fail_json(
            msg=f"nginx serves the site, but can't reach the app {app} at {folder}/current/app.sock: {closed}. Its release "
            "was made for another account of nginx's, or a folder above is closed to this one: deploy the app again, or "
            "open the folder"
        )
    result["changed"] = changed or turn or made or state != server.READY
    return _with_certificate(module, params, ca, result) if ca else result


def _ca(given: dict | None, app: str, names: list[str]) -> acme.Acme | None:
    """Return whom to ask for a certificate, if anybody is to be."""
    asked = given and given["acme"]
    return acme.Acme(app, tuple(names), asked["email"], asked["directory"], asked["ca"]) if asked else None


def _pair(given: dict | None, app: str, ca: acme.Acme | None) -> dict[str, str] | None:
    """Return where the certificate and its key are; until a CA has given one, the host's own serve."""
    if not given:
        return None
    if given["certificate"]:
        return {part: given[part] for part in ("certificate", "key")}
    # One that lacks a new name serves the others well until the next is there.
    return ca.pair() if ca and certificates.there(**ca.pair()) else selfsigned.pair(app)


def _with_certificate(module: Module, params: dict, ca: acme.Acme, result: dict) -> dict:
    """Have the site, which is up, get its certificate from the CA; return what all of it came to."""
    if ca.there():
        warning = ca.warning()
        if warning:
            module.warn(warning)
        if not module.check_mode:
            result["changed"] |= ca.prepare()
        return result
    result["changed"] = True
    result["diff"].append({"prepared": f"a certificate for {', '.join(ca.names)} from {ca.directory}\n"})
    if module.check_mode:
        return result
    strays = ca.strays()
    if strays:
        module.fail_json(
            msg="\n".join([*strays, f"{ca.directory} was not asked; the site keeps the certificate that it has."])
        )
    try:
        ca.issue()
    except (acme.AcmeError, OSError) as error:
        module.fail_json(msg=str(error))
    again = run(module, params)
    return {**again, "changed": True, "diff": [*result["diff"], *again["diff"]]}


def _fault(params: dict) -> str | None:
    """Return what is wrong with the variables together, or None."""
    if params["hsts"] and not params["tls"]:
        return (
            "nginx_site_hsts is given, but without nginx_site_tls the site speaks plain HTTP, where browsers ignore it: give "
            "nginx_site_tls, or leave it out"
        )
    names = {name.lower() for name in params["server_names"]}
    wild = sorted(name for name in [*params["server_names"], *params["redirects"]] if name.startswith("*"))
    if params["tls"] and params["tls"]["acme"] and not names:
        return "nginx_site_tls has acme, but nginx_site_server_names is empty: a CA gives certificates for names alone"
    if params["tls"] and params["tls"]["acme"] and wild:
        return (
            f"nginx_site_tls has acme, but {wild[0]!r} is a wildcard, for which a CA asks the DNS: name the hosts one by one, "
            "or give a certificate and key of your own"
        )
    twice = sorted(name for name in params["redirects"] if name.lower() in names)
    if twice:
        return (
            f"nginx_site_redirects has {twice[0]!r}, which nginx_site_server_names has as well: a name is either the "
            "site's own or leads elsewhere"
        )
    if params["redirects"] and not names:
        return "nginx_site_redirects is given, but nginx_site_server_names is empty: name the hosts that are the site's own"
    return None


def _digest(module: Module, pair: dict[str, str]) -> str:
    digest = certificates.digest(**pair)
    if certificates.expired(pair["certificate"]):
        module.warn(f"nginx_site_tls has the certificate {pair['certificate']!r}, which has expired: renew it")
    return digest


def _take_away(tree: site_files.Tree, check_mode: bool) -> bool:
    changes = tree.changes()
    if not server.installed():
        if not check_mode:
            site_files.apply(server.ETC, changes)
        return bool(changes)
    if changes:
        server.look(tree)
        server.prove(tree)
    changed = bool(changes) or server.pending()
    if changed and not check_mode:
        server.install(tree)
    return changed


STEP = Step(
    prefix="nginx_site_",
    options={
        "app": {"type": "str", "required": True},
        "app_root": {"type": "path", "default": "/srv"},
        "upstream": {"type": "str", "choices": ["socket", "tcp"], "default": "socket"},
        "server_names": {"type": "list", "elements": "str", "default": []},
        "location": {"type": "str", "default": "/"},
        "root": {"type": "path"},
        "index": {"type": "list", "elements": "str", "default": ["index.html"]},
        "headers": {"type": "dict", "default": {}},
        "proxy_headers": {"type": "dict", "default": {}},
        "cors_origins": {"type": "list", "elements": "str", "default": []},
        "client_max_body_size": {"type": "str", "default": "10m"},
        "redirects": {"type": "dict", "default": {}},
        "hsts": {
            "type": "dict",
            "options": {
                "max_age": {"type": "int", "required": True},
                "subdomains": {"type": "bool", "default": False},
                "preload": {"type": "bool", "default": False},
            },
        },
        "trusted_proxies": {"type": "list", "elements": "str", "default": []},
        "limits": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "str", "required": True},
                "rate": {"type": "str"},
                "burst": {"type": "int", "default": 20},
                "connections": {"type": "int"},
            },
        },
        "maintenance": {
            "type": "dict",
            "default": {},
            "options": {
                "active": {"type": "bool"},
                "page": {"type": "str"},
                "retry_after": {"type": "int", "default": 300},
                "allow": {"type": "list", "elements": "str", "default": []},
            },
        },
        "error_pages": {"type": "dict", "default": {}},
        "access_log": {"type": "dict", "options": {"path": {"type": "path", "required": True}}},
        "extra": {"type": "str"},
        "tls": {
            "type": "dict",
            "options": {
                "certificate": {"type": "path"},
                "key": {"type": "path", "no_log": False},
                "selfsigned": {"type": "bool", "default": False},
                "acme": {
                    "type": "dict",
                    "options": {
                        "email": {"type": "str", "required": True},
                        "directory": {"type": "str", "default": acme.LETS_ENCRYPT},
                        "ca": {"type": "path"},
                        "terms": {"type": "bool", "required": True},
                    },
                },
            },
        },
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    run=run,
)
