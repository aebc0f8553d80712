# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module nginx_site does: the site in front of an app. Private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, machine, ports, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import (
    acme,
    certificates,
    edits,
    plain,
    selfsigned,
    server,
    site_files,
    sites,
)
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._serving import health, media
from ansible_collections.pyweb.stack.plugins.module_utils._text.unknown import UNKNOWN

# What stands for the app's address in check mode, where the role that opens it may not have run.
_NOT_KNOWN = "ADDRESS-OF-gunicorn_bind"
# Connections for a worker of nginx's: below the one a site's first run says what helps, which is the other.
_FEW, _ENOUGH = 2048, 8192
# The options that say how the site is put in place, and not what it is.
_NOT_OF_THE_SITE = {"app_root", "state", "upstream", "tls"}


def run(module: Module, params: dict) -> dict:
    """Put the site in place, or remove it; return what the module documents."""
    present = params["state"] == "present"
    fault = _fault(params) if present else None
    if fault:
        module.fail_json(msg=fault)
    try:
        return _put_in_place(module, params) if present else _remove(module, params)
    except (
        acme.AcmeError,
        certificates.CertificateError,
        site_files.SiteError,
        server.NginxError,
        systemd.SystemdError,
        OSError,
    ) as error:
        return module.fail_json(msg=str(error))


def _put_in_place(module: Module, params: dict) -> dict:
    """Have nginx serve the site, and a CA give its certificate, if one is asked."""
    ca = _ca(params)
    # In check mode an earlier role may be about to bring it.
    if ca and not module.check_mode:
        ca.require()
    _look_at_root(module, params)
    result = _serve(module, params, ca)
    if ca and not ca.there():
        result["changed"] = True
        result["diff"].append({"prepared": f"a certificate for {', '.join(ca.names)} from {ca.directory}\n"})
        if module.check_mode:
            return result
        _obtain(module, ca)
        # With the certificate that it lacked.
        with_it = _serve(module, params, ca)
        result["diff"] += with_it["diff"]
    if not ca:
        forgotten = _forget(module, params, [result["path"]])
        return {**result, "changed": result["changed"] or bool(forgotten), "diff": result["diff"] + forgotten}
    warning = ca.warning()
    if warning:
        module.warn(warning)
    if not module.check_mode:
        result["changed"] |= ca.prepare()
    return result


def _obtain(module: Module, ca: acme.Acme) -> None:
    """Have the CA give its certificate to the site, which is up, or fail."""
    ways = ca.ways()
    if ways.astray:
        module.fail_json(
            msg="\n".join([*ways.astray, f"{ca.directory} was not asked; the site keeps the certificate that it has."])
        )
    ca.issue(ways.silent)
    # The site may name that file already, as of one that had expired or lacked a name.
    server.owe_reload()


def _serve(module: Module, params: dict, ca: acme.Acme | None) -> dict:
    """Have nginx serve the site with what there is of its certificate, each step only where it is needed."""
    certificate, address = _certificate(params, ca), _address(module, params)
    makes = certificate is not None and certificate.is_made
    if makes and not module.check_mode:
        selfsigned.make(params["app"], _names(params))
    tls = _tls(module, params, certificate) if certificate else None
    # In check mode the roles before this one may not have done what it builds on.
    lacks = address == _NOT_KNOWN or (certificate is not None and not certificate.is_there)
    with _alone(module, params):
        site = _site(params, address, tls, module.check_mode)
        tree = site_files.Tree(server.ETC, site, present=True)
        _keep_certbots(module, params, tree)
        if module.check_mode and (lacks or not server.installed()):
            unknown = {"prepared": "(not known yet: what nginx says of it)\n"}
            return {"changed": True, "path": tree.path, "diff": [*tree.diff(), unknown]}
        if not server.installed():
            module.fail_json(msg="nginx is not installed on this host")
        if tree.is_new:
            _warn_of_few(module)
        diff = _take_up(module, params, tree) + _open_webroot(module)
        diff += _open_or_close(module, params, site)
        if not module.check_mode:
            _reach(module, params, address)
            _visit(module, params)
        if diff and not module.check_mode:
            _look_below(module, params)
    return {"changed": makes or bool(diff), "path": tree.path, "diff": diff}


def _look_at_root(module: Module, params: dict) -> None:
    """Fail where nginx may not read what is outside of the app's URLs; warn where there is none."""
    root, folder = params["root"], _folder(params)
    if not root or not server.installed() or (params["location"] == "/" and not params["locations"]):
        return
    path = os.path.join(root, params["fallback"]) if params["fallback"] else root
    closed = server.unreadable(path)
    if closed:
        apart = f"{os.path.realpath(path)}/".startswith(f"{os.path.realpath(folder)}/")
        remedy = (
            f"what is in {folder} is for the app alone: have the app serve it, or bring it to a folder of its own, such as "
            f"/srv/www/{params['app']}, by a task before this one"
            if apart
            else "open it and the folders above it to this account, or name another folder"
        )
        module.fail_json(msg=f"nginx_site_root is {root!r}, but nginx can't read {path}: {closed}; {remedy}")
    # In check mode whatever brings it may not have done so.
    if not module.check_mode and not os.path.exists(path):
        module.warn(
            f"nginx_site_root is {root!r}, but there is no {path}, so that nginx answers 404 to what doesn't go to the app: bring it there"
        )


def _take_up(module: Module, params: dict, tree: site_files.Tree) -> list[dict]:
    """Prove the site and have nginx take it up; return what that changed."""
    server.look(tree)
    changed, diff, state = bool(tree.changes()), tree.diff(), server.state()
    if changed:
        server.prove(tree)
    if state != server.READY:
        diff.append(files.diff("nginx.service", f"{state}\n", f"{server.READY}\n"))
    with _recorded(module, params, tree):
        if changed and not module.check_mode:
            server.install(tree)
        elif state != server.READY and not module.check_mode:
            server.make_ready()
    return diff


@contextlib.contextmanager
def _recorded(module: Module, params: dict, tree: site_files.Tree) -> Iterator[None]:
    """Tell what people lose of the site's files in what is done meanwhile, and keep in mind what they have then."""
    record = edits.Record(params["app"])
    for said in record.lost(tree):
        module.warn(said)
    if not module.check_mode:
        record.expect(tree)
    yield
    if not module.check_mode:
        record.settle(tree)


def _open_webroot(module: Module) -> list[dict]:
    """Have the folder from which nginx answers a CA, for whoever runs certbot; return what that changed."""
    if os.path.isdir(acme.WEBROOT):
        return []
    if not module.check_mode:
        files.make_folder(acme.WEBROOT)
    return [files.diff(acme.WEBROOT, "", "a folder for what CAs ask for\n")]


def _open_or_close(module: Module, params: dict, site: sites.Site) -> list[dict]:
    """Close the site for maintenance, or open it, where either is asked; return what that changed."""
    closing = params["maintenance"].get("active")
    if closing is None or closing == site.edge.is_closed():
        return []
    if not module.check_mode:
        site.edge.close(closing)
    return [files.diff("maintenance", f"{not closing}\n", f"{closing}\n")]


def _reach(module: Module, params: dict, address: str | None) -> None:
    """Fail where nginx may not connect to the app; warn where nobody listens at its fixed `address`, by which nginx goes there."""
    folder, app = _folder(params), params["app"]
    if address:
        if not ports.has_listener(address):
            # As somebody may have stopped the app, which fails no run where nginx goes by the socket either.
            module.warn(
                f"nginx serves the site, but nobody listens at {address}, where nginx_site_upstream: tcp has it go: "
                f"systemctl start gunicorn-{app} starts the app {app} there, and systemctl status gunicorn-{app}-tcp.socket says "
                "what is wrong"
            )
        return
    if not os.path.lexists(f"{folder}/current"):
        module.warn(
            f"nginx serves the site, but there is no app {app} in {params['app_root']} that it could go to, so it answers 502: deploy "
            "that app, or mend nginx_site_app or nginx_site_app_root"
        )
    closed = server.unreachable(f"{folder}/current/app.sock")
    if closed:
        # As nginx.org's packages bring an account of their own, after a release that was made for Debian's.
        module.fail_json(
            msg=f"nginx serves the site, but can't reach the app {params['app']} at {folder}/current/app.sock: {closed}. Its "
            "release was made for another account of nginx's, or a folder above is closed to this one: deploy the app "
            "again, or open the folder"
        )


def _visit(module: Module, params: dict) -> None:
    """Warn where the app wants visitors to come by https, and neither the site nor anybody in front is known to speak it."""
    told = {name.lower() for name in params["proxy_headers"]}
    if params["tls"] or params["trusted_proxies"] or "x-forwarded-proto" in told:
        return
    fault = plain.fault(_first_name(params) or "localhost", (params["locations"] or [params["location"]])[0])
    if fault:
        module.warn(fault)


def _look_below(module: Module, params: dict) -> None:
    """Warn where the whole app is below a prefix that it knows nothing of, so that none of its pages is found."""
    prefix = params["location"].rstrip("/")
    if not prefix or params["locations"] or "script_name" in {name.lower() for name in params["proxy_headers"]}:
        return
    if health.misses_prefix(f"{_folder(params)}/current/app.sock", prefix, _first_name(params) or "localhost"):
        module.warn(
            f"nginx_site_location is {params['location']!r}, where the app {params['app']} has no page (404), but it has if it is "
            f"told that it is mounted there: add nginx_site_proxy_headers: {{SCRIPT_NAME: {prefix}}}, unless its own URLs begin "
            "with that"
        )


def _remove(module: Module, params: dict) -> dict:
    """Remove the site, and the certificate that was made for it."""
    with _alone(module, params):
        tree = site_files.Tree(server.ETC, _site(params, None, None), present=False)
        own = [os.path.join(server.ETC, path) for path in tree.changes()]
        with _recorded(module, params, tree):
            diff, changed = tree.diff(), _take_away(tree, module.check_mode)
        changed |= selfsigned.remove(params["app"], module.check_mode)
    forgotten = _forget(module, params, own)
    diff, changed = diff + forgotten, changed or bool(forgotten)
    return {"changed": changed, "path": tree.path, "diff": diff}


def _forget(module: Module, params: dict, own: list[str]) -> list[dict]:
    """Have certbot delete the certificate that it got for the site, unless others than its `own` files name that."""
    app = params["app"]
    if not acme.renewed(app):
        return []
    others = acme.users(app, own if module.check_mode else [])
    if others:
        module.warn(
            f"the site of the app {app} has no use for its certificate /etc/letsencrypt/live/gunicorn-{app} any more, but "
            f"{', '.join(others)} names it, so it stays; certbot can renew it as long as the name leads to a site of this host"
        )
        return []
    if not module.check_mode:
        acme.forget(app)
    return [files.diff("certbot certificates", f"gunicorn-{app}\n", "")]


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


def _alone(module: Module, params: dict) -> contextlib.AbstractContextManager[None]:
    """Let no other run change nginx's sites meanwhile; check mode, which changes none, waits for nobody."""
    if module.check_mode:
        return contextlib.nullcontext()
    return server.locked(f"changing the site of the app {params['app']}")


def _folder(params: dict) -> str:
    return os.path.join(params["app_root"], params["app"])


def _names(params: dict) -> list[str]:
    return [*params["server_names"], *params["redirects"]]


def _address(module: Module, params: dict) -> str | None:
    """Return the app's fixed address if nginx is to go there; in check mode it may not be known yet."""
    if params["upstream"] != "tcp":
        return None
    address = unit_files.fixed_address(params["app"])
    if address is None and not module.check_mode:
        module.fail_json(
            msg=f"nginx_site_upstream is tcp, but the app {params['app']} has no address on this host: set gunicorn_bind, "
            "such as 127.0.0.1:9999, for the role that deploys the app, and have that role come before this one"
        )
    return address or _NOT_KNOWN


def _site(params: dict, address: str | None, tls: sites.Tls | None, check_mode: bool = False) -> sites.Site:
    fields = {name: value for name, value in params.items() if name not in _NOT_OF_THE_SITE}
    ipv6, folder = machine.has_ipv6(), _folder(params)
    fields |= {
        "types": server.missing_types(),
        "media": media.foretold(folder) if check_mode else media.served(folder),
        "most": _most(),
    }
    fields["reuseport"] = params["http3"] and not server.has_quic(params["app"])
    fields["brotli"] = server.has("brotli_filter") and server.has("brotli_static")
    if params["health"]:
        fields["health"] = {"path": params["health"]["path"], "host": _host_of_health(params)}
    return sites.Site(folder=folder, address=address, ipv6=ipv6, tls=tls, **fields)


def _most() -> int:
    """Return how many requests one client may have under way: each takes two connections, and half of all are enough."""
    workers, connections = server.capacity()
    return max(workers * connections // 4, 100)


def _warn_of_few(module: Module) -> None:
    """Say where so few connections are nginx's that one client can hold them all by requests that it doesn't end."""
    workers, connections = server.capacity()
    if connections < _FEW:
        module.warn(
            f"nginx takes {connections} connections for each of its workers on this host, so one client who begins "
            f"{workers * connections} requests and ends none holds up all sites: have worker_rlimit_nofile {_ENOUGH * 2}; at the "
            f"top of {server.ETC}/nginx.conf and worker_connections {_ENOUGH}; in its events block, and reload nginx"
        )


def _keep_certbots(module: Module, params: dict, tree: site_files.Tree) -> None:
    """Fail where the site would lose the certificate that certbot gave it by hand, which its visitors know."""
    theirs, tls = certificates.of_certbot(files.read(tree.path)) if tree.path else None, params["tls"]
    if theirs and not (tls and (tls["acme"] or tls["certificate"] == theirs["certificate"])):
        module.fail_json(
            msg=f"certbot was run by hand for {tree.path}, and this run would remove the certificate that it brought: set "
            f"nginx_site_tls: {{certificate: {theirs['certificate']}, key: {theirs['key']}}}, or let the role get its own by "
            "nginx_site_tls: {acme: …}, or remove certbot's lines first"
        )


def _ca(params: dict) -> acme.Acme | None:
    """Return whom to ask for a certificate, if anybody is to be."""
    asked = params["tls"] and params["tls"]["acme"]
    if not asked:
        return None
    who = asked["email"], asked["directory"], asked["ca"]
    return acme.Acme(params["app"], tuple(_names(params)), *who, redirects=tuple(params["redirects"]))


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The files of a site's certificate; `is_made` where this run makes them, if it isn't in check mode."""

    certificate: str
    key: str
    is_there: bool
    is_made: bool


def _certificate(params: dict, ca: acme.Acme | None) -> Certificate | None:
    """Return the certificate that is asked for; until a CA has given one, the host's own serves."""
    given, app = params["tls"], params["app"]
    if not given:
        return None
    if given["certificate"]:
        pair = {part: given[part] for part in ("certificate", "key")}
    else:
        # One that lacks a new name serves the others well until the next is there.
        pair = ca.pair() if ca and certificates.there(**ca.pair()) else selfsigned.pair(app)
    is_made = pair == selfsigned.pair(app) and not selfsigned.fits(app, _names(params))
    return Certificate(**pair, is_there=certificates.there(**pair), is_made=is_made)


def _tls(module: Module, params: dict, certificate: Certificate) -> sites.Tls:
    pair = {"certificate": certificate.certificate, "key": certificate.key}
    digest = None
    # Of what renews itself, a renewal is no change of the site.
    if params["tls"]["certificate"]:
        known = certificate.is_there or not module.check_mode
        digest = _digest(module, pair, _names(params)) if known else UNKNOWN.value
    return sites.Tls(**pair, digest=digest, http2=server.has_http2())


def _digest(module: Module, pair: dict[str, str], names: list[str]) -> str:
    digest = certificates.digest(**pair)
    if certificates.expired(pair["certificate"]):
        module.warn(f"nginx_site_tls has the certificate {pair['certificate']!r}, which has expired: renew it")
    strangers = certificates.strangers(pair["certificate"], names)
    if strangers:
        module.warn(
            f"nginx_site_tls has the certificate {pair['certificate']!r}, which is not for {', '.join(strangers)}, so browsers "
            "warn of it: give one that has all names of nginx_site_server_names and nginx_site_redirects"
        )
    return digest


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
    return _fault_of_urls(params)


def _fault_of_urls(params: dict) -> str | None:
    """Return what is wrong with the variables that say which URL leads where, together, or None."""
    if params["locations"] and params["location"] != "/":
        return "nginx_site_locations and nginx_site_location are both given: put the one prefix into the list as well"
    if params["http3"] and not params["tls"]:
        return "nginx_site_http3 is true, but HTTP/3 is always over TLS: give nginx_site_tls, or leave it out"
    if params["http3"] and not server.has_http3():
        return (
            "nginx_site_http3 is true, but this host's nginx is built without HTTP/3, as Debian 12's is: leave it out, or take "
            "Debian 13's or nginx.org's"
        )
    if params["fallback"] and not params["root"]:
        return "nginx_site_fallback is a file below nginx_site_root, which is not given: set that, too"
    if params["fallback"] and not params["locations"] and params["location"] == "/":
        return (
            "nginx_site_fallback is given, but all URLs go to the app: name those that do in nginx_site_locations, such as "
            "[/api/, /admin/]"
        )
    if params["health"] and not _host_of_health(params):
        return (
            "nginx_site_health has no host, and nginx_site_server_names names none: give one that the app answers to, such as "
            "host: www.example.com"
        )
    return None


def _host_of_health(params: dict) -> str | None:
    """Return the host that the app is asked as for its health: as given, or the first that is the site's own."""
    return params["health"]["host"] or _first_name(params)


def _first_name(params: dict) -> str | None:
    """Return the first of the site's names that stands for one host; None where there is none."""
    return next((name for name in params["server_names"] if "*" not in name), None)


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
        "auth": {
            "type": "dict",
            "options": {
                "realm": {"type": "str", "default": "Restricted"},
                "users": {"type": "dict", "required": True},
                "paths": {"type": "list", "elements": "str", "default": ["/"]},
            },
        },
        "locations": {"type": "list", "elements": "str", "default": []},
        "fallback": {"type": "str"},
        "http3": {"type": "bool", "default": False},
        "health": {
            "type": "dict",
            "options": {"path": {"type": "str", "required": True}, "host": {"type": "str"}},
        },
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
    hidden={"auth": lambda auth: {**auth, "users": dict.fromkeys(auth["users"], "(hidden)")}},
    run=run,
)
