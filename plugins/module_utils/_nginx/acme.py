# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates from a CA that speaks ACME, by Debian's certbot and a folder that nginx serves. Private to the collection.

Certbot's own timer renews them, and its hook has nginx take up what it proved first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import http.client
import os
import re
import secrets
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Collection, Sequence
from typing import NamedTuple

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, scratch, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import certificates

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
# Below it certbot puts what the CA asks for, and nginx serves it on port 80, for every site and whoever runs certbot.
WEBROOT = "/var/lib/pyweb-stack/acme"
CHALLENGES = "/.well-known/acme-challenge"
_LIVE = "/etc/letsencrypt/live"
_RENEWAL = "/etc/letsencrypt/renewal"
_HOOK = "/etc/letsencrypt/renewal-hooks/deploy/pyweb-stack"
_HOOK_TEXT = """#!/bin/sh
# Made by pyweb.stack: nginx takes up a renewed certificate where it finds nothing wrong with its configuration.
nginx -t -q && systemctl reload nginx.service
"""
# With whom the CAs' own certificates are from, a file for each app whose CA the host doesn't trust.
_CAS = "/etc/ssl/pyweb-stack/ca"
_TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
_DROP_IN = "/etc/systemd/system/certbot.service.d/pyweb-stack-ca.conf"
_DROP_IN_TEXT = f"""# Made by pyweb.stack: beside the CAs that the host trusts, those of its sites.
[Service]
RuntimeDirectory=pyweb-stack-certbot
ExecStartPre=-/bin/sh -c 'cat {_TRUSTED} {_CAS}/*.pem > /run/pyweb-stack-certbot/ca.pem'
Environment=REQUESTS_CA_BUNDLE=/run/pyweb-stack-certbot/ca.pem
"""
# Certbot renews twice a day what has a third of its time left, or more where that is short; this is well below that.
_ALARM = 1 / 6
# Debian 12's certbot falls over many an error of a CA (certbot/certbot#9539), and has it in the log of this run alone.
_LOG = "/var/log/letsencrypt/letsencrypt.log"
_FALLEN = "AttributeError: can't set attribute"
# In seconds: how long one answer may take, and all that certbot does.
_ANSWER, _ISSUE = 10, 600
# Where a CA asks.
_PORT = 80
# Where somebody else may name a certificate: a mail server, another site.
_CONFIGURATION = "/etc"


class AcmeError(Exception):
    """There is no certificate to be had; the message says why, and what to do."""


class Ways(NamedTuple):
    """Where names lead: sentences on those that lead `astray`, and the addresses that are `silent`, maybe for this host alone."""

    astray: list[str]
    silent: list[str]


@dataclasses.dataclass(frozen=True)
class Acme:
    """Whom to ask for the certificate of `app` for these `names`, as the person of `email`.

    `directory` is the URL of the CA; `ca` is the file with whom its own certificate is from, None for those that the host
    trusts. Of the names `redirects` are those that lead to others.
    """

    app: str
    names: tuple[str, ...]
    email: str
    directory: str
    ca: str | None = None
    redirects: Collection[str] = ()

    def pair(self) -> dict[str, str]:
        """Return where the certificate and its key are once they are there."""
        folder = os.path.join(_LIVE, f"gunicorn-{self.app}")
        return {"certificate": f"{folder}/fullchain.pem", "key": f"{folder}/privkey.pem"}

    def require(self) -> None:
        """Have all that is named be there. Raises AcmeError."""
        if self.ca and not os.path.exists(self.ca):
            raise AcmeError(
                f"nginx_site_tls has the ca {self.ca!r}, which is not on this host: put it there before the site, or leave "
                "it out where the host trusts the CA"
            )

    def there(self) -> bool:
        """Say whether a certificate of this CA for all the names is there, and has not expired."""
        pair = self.pair()
        wanted = {name.lower() for name in self.names}
        return (
            certificates.there(**pair)
            and certificates.names(pair["certificate"]) == wanted
            and not certificates.expired(pair["certificate"])
            and not self._is_of_another()
        )

    def warning(self) -> str | None:
        """Return how long the certificate holds still, where it should have been renewed by now."""
        validity = certificates.validity(self.pair()["certificate"])
        if not validity or validity.left >= validity.whole * _ALARM:
            return None
        return (
            f"the certificate of the app {self.app} holds for {_span(validity.left)}, and certbot should have renewed it by now: "
            "see systemctl status certbot.timer certbot.service, and certbot renew --dry-run"
        )

    def ways(self) -> Ways:
        """Ask each address of each name for a token, as the CA will one of them."""
        token, ways = secrets.token_hex(16), Ways([], [])
        folder = WEBROOT + CHALLENGES
        files.make_folder(folder)
        path = os.path.join(folder, token)
        files.create(path, token, 0o644)
        try:
            for name in self.names:
                self._follow(name, token, ways)
        finally:
            os.unlink(path)
        return ways

    def _follow(self, name: str, token: str, ways: Ways) -> None:
        """Note where a name leads, if that is not here."""
        subject = f"nginx_site_{'redirects' if name in self.redirects else 'server_names'} has {name!r}"
        addresses = _addresses(name)
        if not addresses:
            ways.astray.append(f"{subject}, which has no address: give it one in the DNS first")
        for address in addresses:
            try:
                said = _said_at(address, name, f"{CHALLENGES}/{token}")
            except (OSError, http.client.HTTPException) as error:
                # Many a host behind an address translation can't reach itself by its name.
                ways.silent.append(f"{name} at {address} ({getattr(error, 'reason', error)})")
                continue
            if said != token:
                ways.astray.append(
                    f"{subject}, but what answers at its address {address} is not this site (it said {said[:80]!r}): have "
                    "each of its addresses lead to this host, or leave the name out"
                )

    def issue(self, silent: Sequence[str] = ()) -> None:
        """Have the CA give a certificate for all the names, and certbot renew it from there from then on.

        `silent` are addresses of theirs where nobody answers this host. Raises AcmeError.
        """
        self.prepare()
        names = [word for name in self.names for word in ("--domain", name)]
        how = ["--non-interactive", "--agree-tos", "--email", self.email, "--server", self.directory]
        which = ["--cert-name", f"gunicorn-{self.app}", "--renew-with-new-domains"]
        # To certbot one that holds is good, whoever gave it.
        which.append("--force-renewal" if self._is_of_another() else "--keep-until-expiring")
        with scratch.folder() as folder:
            bundle = os.path.join(folder, "ca.pem")
            trusted = map(files.read, (_TRUSTED, *glob.glob(f"{_CAS}/*.pem")))
            files.create(bundle, "".join(trusted), 0o644)
            done = shell.run(
                ["certbot", "certonly", "--quiet", "--webroot", "--webroot-path", WEBROOT, *how, *which, *names],
                identity=shell.CALLER,
                sandbox=None,
                seconds=_ISSUE,
                env={**os.environ, **({"REQUESTS_CA_BUNDLE": bundle} if self.ca else {})},
            )
        if done.returncode:
            raise AcmeError(
                f"nginx_site_tls: {self.directory} gave no certificate for {', '.join(self.names)}; until it does, the site "
                f"keeps the one that it has. Certbot said:\n{_said(done)}{_unanswered(silent)}"
            )
        if self._is_of_another():
            # Or each run would have one made, of which a CA gives a few a week.
            raise AcmeError(
                f"nginx_site_tls: certbot got the certificate, but the server in {_renewal(self.app)} is still not "
                f"{self.directory}, from which it is to renew that: give acme.directory as it stands there"
            )

    def prepare(self) -> bool:
        """Have renewals reach nginx, and the CA; say whether that changed anything."""
        wanted = {_HOOK: (_HOOK_TEXT, 0o755)}
        if self.ca:
            wanted[os.path.join(_CAS, f"{self.app}.pem")] = (files.read(self.ca), 0o644)
            wanted[_DROP_IN] = (_DROP_IN_TEXT, 0o644)
        changed = [path for path, (text, _mode) in wanted.items() if files.read(path) != text]
        for path in changed:
            text, mode = wanted[path]
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            files.replace(path, text)
            os.chmod(path, mode)
        if _DROP_IN in changed:
            systemd.require("daemon-reload")
        if _HOOK in changed:
            # Its package starts it, unless that was told to start nothing.
            systemd.require("enable", "--now", "--quiet", "certbot.timer")
        return bool(changed)

    def _is_of_another(self) -> bool:
        """Say whether certbot has the certificate that is there from another CA."""
        server = re.search(r"^server = (\S+)$", files.read(_renewal(self.app)), re.MULTILINE)
        return server is not None and server[1] != self.directory


def users(app: str, but: Collection[str] = ()) -> list[str]:
    """Return the files of the host's configuration that name the certificate of an app's site, all but these."""
    argv = [
        "grep",
        "--recursive",
        "--files-with-matches",
        "--no-messages",
        "--fixed-strings",
        "--exclude-dir=letsencrypt",
    ]
    said = shell.run(
        [*argv, f"{_LIVE}/gunicorn-{app}/", _CONFIGURATION], identity=shell.CALLER, sandbox=None, seconds=60
    )
    return sorted(path for path in said.stdout.splitlines() if path not in but)


def renewed(app: str) -> bool:
    """Say whether certbot renews a certificate that a site of the app had it get."""
    return WEBROOT in files.read(_renewal(app)) and shutil.which("certbot") is not None


def forget(app: str) -> None:
    """Have certbot delete the certificate, whose renewal could but fail without the site. Raises AcmeError."""
    argv = ["certbot", "delete", "--quiet", "--non-interactive", "--cert-name", f"gunicorn-{app}"]
    done = shell.run(argv, identity=shell.CALLER, sandbox=None, seconds=_ISSUE)
    if done.returncode:
        raise AcmeError(
            f"the certificate gunicorn-{app} has no site any more, but certbot can't delete it: "
            f"{_said(done)}\nRun again when that is repaired, or its renewal fails from now on"
        )
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(_CAS, f"{app}.pem"))


def _renewal(app: str) -> str:
    return os.path.join(_RENEWAL, f"gunicorn-{app}.conf")


def _addresses(name: str) -> list[str]:
    """Return the addresses of a name, each once."""
    try:
        found = socket.getaddrinfo(name, _PORT, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _said_at(address: str, name: str, path: str) -> str:
    """Return what one address of a name answers, as a CA asks: by plain HTTP. Raises OSError and HTTPException."""

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            # A redirect may lead to another host.
            place = (address, _PORT) if self.host == name else (self.host, self.port)
            self.sock = socket.create_connection(place, self.timeout)

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Connection, req)

    # By no proxy that this host may have for itself.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), Handler)
    try:
        with direct.open(f"http://{name}{path}", timeout=_ANSWER) as answer:
            return answer.read(200).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return f"status {error.code}"


def _unanswered(silent: Sequence[str]) -> str:
    """Return what is to be known of addresses where nobody answers, which a CA may take for the name's."""
    if not silent:
        return ""
    return (
        f"\nNobody answers this host for {', '.join(silent)}: if it is the same for the CA, have that address lead to this "
        "host, or take it out of the DNS."
    )


def _span(seconds: float) -> str:
    days = int(seconds // 86400)
    return f"{days} more days" if days > 1 else f"{max(int(seconds // 3600), 0)} more hours"


def _said(done: shell.Done) -> str:
    """Return what certbot said of its end; where that is of itself, the CA's own words."""
    said = done.stderr.strip() or done.stdout.strip()
    causes = re.findall(r"^acme\.messages\.Error: (.+)", files.read(_LOG), re.MULTILINE) if _FALLEN in said else []
    return said.replace(_FALLEN, causes[-1]) if causes else said
