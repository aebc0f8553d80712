# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of a site that have parts. Private to the collection.

Each yields what is wrong with a value, as the rest of a sentence that begins with the variable, or None.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._nginx import config_parser
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

Faults = Iterator[str | None]
_TLS = "the site says itself how it speaks TLS, and nginx_site_tls with which certificate"
_OF_TLS = ("certificate", "certificate_key", "ciphers", "ecdh_curve", "protocols")
_OF_PROXY = (
    *("http_version", "redirect", "connect_timeout", "read_timeout", "next_upstream", "hide_header"),
    *("buffer_size", "buffers", "busy_buffers_size", "headers_hash_max_size", "headers_hash_bucket_size"),
)
_OF_SESSIONS = ("cache", "tickets", "timeout")
_PROXIES = "whose word on the visitor counts is in nginx_site_trusted_proxies"
_ASKED = "how the app is asked is the site's: have it in a location of your own"
_MAPS = "it stands in a server of nginx's, where none can be"
# What a site says itself, and by which variable; a location of the user's own may have of it what it can hold.
_NOT_EXTRA = {
    "listen": "the site listens on port 80, and on 443 with nginx_site_tls",
    "server_name": "the names of the site are in nginx_site_server_names",
    "server": "it stands in a server of nginx's already: give that one a file of its own",
    "upstream": _MAPS,
    "map": _MAPS,
    "root": "that is nginx_site_root",
    "index": "that is nginx_site_index",
    "http2": "it comes with nginx_site_tls",
    "http3": "that is nginx_site_http3",
    "add_header": "those of nginx_site_headers would be lost by it: name it there",
    "proxy_pass": "it can stand in a location alone, and the app is reached already",
    "return": "nothing else would be answered: have it in a location, or lead other names elsewhere by nginx_site_redirects",
    "client_max_body_size": "that is nginx_site_client_max_body_size",
    "disable_symlinks": "the site says itself which links are followed: have it in a location of your own",
    "proxy_set_header": "that is nginx_site_proxy_headers",
    **dict.fromkeys((f"proxy_{of}" for of in _OF_PROXY), _ASKED),
    **dict.fromkeys((*(f"ssl_{of}" for of in _OF_TLS), *(f"ssl_session_{of}" for of in _OF_SESSIONS)), _TLS),
}
# What it says only where a variable is given, which can't say all of it: a limit by something else, one's own htpasswd.
_OF_VARIABLES = {
    "access_log": "nginx_site_access_log",
    "auth_basic": "nginx_site_auth",
    "auth_basic_user_file": "nginx_site_auth",
    "limit_conn": "nginx_site_limits",
    "limit_req": "nginx_site_limits",
}
# What no location of the user's own may have either.
_NEVER_EXTRA = {
    "set_real_ip_from": _PROXIES,
    "real_ip_header": _PROXIES,
    "real_ip_recursive": _PROXIES,
}
_INCLUDE = (
    "what is in another file can't be seen here, nor is it proved anew when that changes: give its text, or have Debian's own, "
    "such as proxy_params, in a location"
)
# Of Debian's package, and made for a location.
_DEBIANS = {
    *("fastcgi.conf", "fastcgi_params", "proxy_params", "scgi_params", "snippets/fastcgi-php.conf", "uwsgi_params"),
}
# The statuses that have pages of the site's own.
_PAGES = {"502", "503", "504"}
# In a line of text, but for the tab and the ends of lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


def tls(tls: dict) -> Faults:
    """Where the certificate comes from: `nginx_site_tls`."""
    given = [part for part in ("certificate", "key", "selfsigned", "acme") if tls.get(part)]
    if given in (["certificate"], ["key"], ["certificate", "key"]):
        yield from (_tls_file(part, tls.get(part)) for part in ("certificate", "key"))
    elif len(given) != 1:
        yield (
            f"has {' and '.join(given) or 'none of them'}, but must have one of {{certificate:, key:}}, {{selfsigned: true}} and "
            "{acme: {email:, terms: true}}"
        )
    elif given == ["acme"]:
        yield from _acme(tls["acme"])


def _tls_file(part: str, path: object) -> str | None:
    return naming.absolute_path(path) and (
        f"has the {part} {path!r}, but it must be the absolute path of a file on the target, of letters, digits and "
        "'._@+-', and without '..'"
    )


def _acme(acme: dict) -> Faults:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(acme.get("email"))):
        yield f"has the email {acme.get('email')!r}, but the CA must be able to write to somebody: 'ops@example.com'"
    if not re.fullmatch(r"https://[\w.:\[\]-]+(?:/[\w./~-]*)?", str(acme.get("directory", "https://a"))):
        yield f"has the directory {acme.get('directory')!r}, but it must be the https URL of the CA's directory"
    if acme.get("ca") is not None:
        yield _tls_file("ca", acme["ca"])
    if not acme.get("terms"):
        yield "has terms other than true, but the CA gives certificates to those alone who agree to its terms: terms: true"


def redirects(redirects: dict) -> Faults:
    """Host names that lead to others: `nginx_site_redirects`."""
    for name, target in redirects.items():
        yield naming.server_name(name)
        fault = naming.server_name(target)
        yield fault and fault.replace("must list host names", "must lead to host names")
        if str(target).startswith("*"):
            yield f"leads to {target!r}, but must lead to one host name, such as 'www.example.com'"
        if target in redirects:
            yield f"leads to {target!r}, which it leads elsewhere itself: name where that leads to"


def networks(what: str) -> Callable[[list], Faults]:
    """Return the check of a list of addresses and networks, which people call `what`."""

    def check(networks: list) -> Faults:
        for network in networks:
            try:
                found = ipaddress.ip_network(str(network))
            except ValueError as error:
                yield f"has {network!r}, but must list {what} such as '10.0.0.0/8' or '2001:db8::1' ({error})"
                continue
            if found.prefixlen == 0:
                yield f"has {network!r}, which is everybody: name the networks that you mean"

    return check


def hsts(hsts: dict) -> Faults:
    """How long browsers are to insist on TLS: `nginx_site_hsts`."""
    age = hsts.get("max_age")
    if not re.fullmatch(r"[0-9]+", str(age)):
        yield f"has the max_age {age!r}, but it must be a whole number of seconds, such as 31536000 for a year"
    elif hsts.get("preload") and (int(str(age)) < 31536000 or not hsts.get("subdomains")):
        yield "has preload, which browsers' lists take only with a max_age of at least 31536000 and with subdomains: true"


def limits(limits: list[dict]) -> Faults:
    """What one address may ask, by URL prefixes: `nginx_site_limits`."""
    for limit in limits:
        path = limit.get("path")
        yield naming.compared_path(path)
        rate = limit.get("rate")
        if rate is not None and not re.fullmatch(r"[1-9][0-9]*r/[sm]", str(rate)):
            yield f"has the rate {rate!r}, but it must be requests a second or a minute, such as '10r/s' or '30r/m'"
        if rate is None and limit.get("connections") is None:
            yield f"has neither a rate nor connections for {path!r}: give one of them, such as rate: 10r/m"
        for name in ("burst", "connections"):
            if limit.get(name) is not None and not re.fullmatch(r"[1-9][0-9]*", str(limit[name])):
                yield f"has the {name} {limit[name]!r}, but it must be a whole number above 0"
    paths = [str(limit.get("path")) for limit in limits]
    yield from (
        f"has the path {path!r} more than once: leave the others out" for path in {*paths} if paths.count(path) > 1
    )


def maintenance(maintenance: dict) -> Faults:
    """How the site is closed: `nginx_site_maintenance`."""
    yield from networks("addresses and networks")(maintenance.get("allow") or [])
    yield from pages({503: maintenance["page"]} if maintenance.get("page") else {})


def pages(pages: dict) -> Faults:
    """The user's own pages, by status: `nginx_site_error_pages`."""
    for status, text in pages.items():
        if str(status) not in ("502", "503"):
            yield f"has a page for {status!r}, but there are pages for 502 (the app is gone, or too slow) and 503 (maintenance)"
        if not isinstance(text, str) or not text.lstrip().startswith("<"):
            yield (
                f"has a page for {status} that is no HTML: give the text of the page, such as "
                "\"{{ lookup('ansible.builtin.file', 'sorry.html') }}\""
            )


def access_log(log: dict) -> Faults:
    """Where requests are logged as JSON: `nginx_site_access_log`."""
    path = log.get("path")
    if naming.absolute_path(path) or not str(path).startswith("/var/log/"):
        yield f"has the path {path!r}, but it must be that of a file below /var/log, such as '/var/log/nginx/shop.log'"


def auth(auth: dict) -> Faults:
    """Who must give a password: `nginx_site_auth`."""
    users, paths = auth.get("users") or {}, auth.get("paths", ["/"])
    if not users:
        yield "has no users: name each with the hash of a password, which openssl passwd -6 makes"
    for name, hashed in users.items():
        if not re.fullmatch(r"[\w.@+-]+", str(name)):
            yield f"has the user {name!r}, but a name is letters, digits and '._@+-'"
        elif not re.fullmatch(r"\$(?:5|6|y|2[aby]|apr1)\$[\w./$=,+-]{20,}", str(hashed)):
            # It may be the password itself.
            yield (
                f"has for the user {name!r} what is no hash of a password, and passwords belong in no playbook: make one by "
                "openssl passwd -6, and give what that says, in quotes"
            )
    if not re.fullmatch(r"[\w .,:!?()-]+", str(auth.get("realm", "Restricted"))):
        yield f"has the realm {auth['realm']!r}, but it must be a few words of letters, digits and ' .,:!?()-'"
    if not paths:
        yield "has no paths, but must have at least one: leave paths out for the whole site"
    for path in paths:
        yield naming.compared_path(path)


def locations(prefixes: list) -> Faults:
    """Several URL prefixes of what goes to the app, and URLs of files: `nginx_site_locations`."""
    for prefix in prefixes:
        if prefix == "/" or (naming.location(prefix) and not _is_file(prefix)):
            yield (
                f"has {prefix!r}, but must list URL paths of letters, digits and '._~-' that begin and end with '/', such as "
                "'/api/', which is '/api' as well, or are those of a file, such as '/openapi.json'; for the whole site leave it out"
            )
        if prefixes.count(prefix) > 1:
            yield f"has {prefix!r} more than once: leave the others out"


def _is_file(path: object) -> bool:
    return isinstance(path, str) and "." in posixpath.basename(path) and not naming.location(f"{path}/")


def fallback(name: object) -> Faults:
    """The file that answers where there is none: `nginx_site_fallback`."""
    if not isinstance(name, str) or not re.fullmatch(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*", name, re.ASCII):
        yield f"is {name!r}, but must be the path of a file below nginx_site_root, such as 'index.html'"


def health(health: dict) -> Faults:
    """The page that load balancers ask for: `nginx_site_health`."""
    path, host = health.get("path"), health.get("host")
    if path == "/":
        yield "has the path '/', but the page must be one of its own, such as '/healthz'"
    yield naming.compared_path(path)
    if host is not None:
        fault = naming.server_name(host)
        if fault or str(host).startswith("*"):
            yield f"has the host {host!r}, but it must be a host name that the app answers to, such as 'www.example.com'"


def media(media: dict) -> Faults:
    """What people gave to the app and nginx serves: `gunicorn_media`."""
    url, path = media.get("url", "/media/"), media.get("path", "media")
    if url == "/" or naming.location(url) or f"{url}/".startswith("/.well-known/"):
        yield (
            f"has the url {url!r}, but it must be a URL path of letters, digits and '._~-' that begins and ends with '/' and is "
            "the files' own, such as '/media/'"
        )
    if not isinstance(path, str) or not re.fullmatch(r"[\w.@+-]+(?:/[\w.@+-]+)*/?", path, re.ASCII):
        yield (
            f"has the path {path!r}, but it must be that of a folder below the app's state folder, of letters, digits and "
            "'._@+-', such as 'media'"
        )
    elif {".", ".."} & {*path.split("/")}:
        yield (
            f"has the path {path!r}, but the state folder also holds what visitors must not get, such as databases: name a "
            "folder in it that is for their files alone, such as 'media'"
        )


def extra(text: str) -> Faults:
    """Text for the server block: `nginx_site_extra`."""
    control = _CONTROL.search(text)
    if control:
        yield f"has the control character {control[0]!r}: leave it out"
        return
    try:
        found = config_parser.parse(text)
    except config_parser.ConfError as error:
        yield f"can't be read as what stands in a server of nginx's: {error}"
        return
    yield from map(_not_extra, found)
    yield from (
        f"has {each.name!r}, but {_NEVER_EXTRA[each.name]}" for each in _all(found) if each.name in _NEVER_EXTRA
    )
    # What else has a block, as `if`, nginx itself lets have none of Debian's.
    inside = [each for directive in found for each in _all(directive.block)]
    if any(each.name == "include" for each in found) or any(map(_includes_others, inside)):
        yield f"has 'include', but {_INCLUDE}"


def doubled(text: object, variables: dict) -> Faults:
    """What `nginx_site_extra` says of which a variable, that is given too, says the same."""
    try:
        found = config_parser.parse(text) if isinstance(text, str) else []
    except config_parser.ConfError:
        return
    for name in (each.name for each in found):
        if variables.get(_OF_VARIABLES.get(name)):
            yield f"has {name!r}, but that is {_OF_VARIABLES[name]}, which is given too: leave one of them out"


def _not_extra(directive: config_parser.Directive) -> str | None:
    """Return why a directive can't stand in the server beside what the site says itself, or None."""
    name, why = directive.name, _NOT_EXTRA.get(directive.name)
    if name == "error_page" and _PAGES & {*directive.arguments}:
        why = "the pages of 502, 503 and 504 are those of nginx_site_error_pages"
    return why and f"has {name!r}, but {why}"


def _includes_others(directive: config_parser.Directive) -> bool:
    """Say whether a directive includes a file that is not Debian's own."""
    paths = directive.arguments if directive.name == "include" else []
    return any(path.removeprefix("/etc/nginx/") not in _DEBIANS for path in paths)


def _all(directives: list[config_parser.Directive]) -> Iterator[config_parser.Directive]:
    for each in directives:
        yield each
        yield from _all(each.block)
