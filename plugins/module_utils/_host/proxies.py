# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way out of this host without the passwords of its proxies, for whoever builds. Private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import os
import re
import secrets
from collections.abc import Iterator, Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._host import gate, sandboxes
from ansible_collections.pyweb.stack.plugins.module_utils._text import urls

# How the variables that name a proxy are called, those of npm, too.
VARIABLE = re.compile(r"(?i:(npm_config_)?(https?_|all_)?proxy)")


class ProxyError(OSError):
    """A proxy can't be used for a build; the message says which, why, and what to do."""


@dataclasses.dataclass(frozen=True)
class StandIns:
    """What stands in for proxies that want a password: `instead` of the URL of each another, and the `complaints` of all."""

    instead: dict[str, str] = dataclasses.field(default_factory=dict)
    complaints: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def put_into(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment with these where it has those proxies."""
        return {
            name: self.instead.get(value, value) if VARIABLE.fullmatch(name) else value
            for name, value in environment.items()
        }

    def real(self) -> dict[str, str]:
        """Return what these are called, by the address of what stands in for them."""
        return {
            urls.without_credentials(other): urls.without_credentials(whole(url)) for url, other in self.instead.items()
        }


@contextlib.contextmanager
def without_passwords(environment: Mapping[str, str], seconds: float, certificates: str = "") -> Iterator[StandIns]:
    """Yield what stands in for the proxies of an environment that have a user and password, for no longer than so many seconds.

    Whoever knows a word that is worth nothing afterwards gets by it to the same proxies. A program in a sandbox of its own
    knows the passwords; it trusts the `certificates` in that file. Raises ProxyError, or SandboxError.
    """
    secret = sorted({url for name, url in environment.items() if VARIABLE.fullmatch(name) and "@" in url})
    wrong = [whole(url) for url in secret if not urls.is_http(whole(url))]
    if wrong:
        raise ProxyError(
            f"{urls.shown(wrong[0])} is a proxy with a user and password (https_proxy and its like in the play's environment, "
            "or pip's configuration on the host), which a build would see: name one that is reached by http:// or https://, "
            "or that wants none"
        )
    if not secret:
        yield StandIns()
        return
    word = secrets.token_urlsafe(24)
    told = {"word": word, "proxies": [whole(url) for url in secret], "certificates": certificates}
    reads = {path: path for path in [certificates] if os.path.exists(path)}
    sandbox = sandboxes.Sandbox("", "ask a proxy that wants a password", reads=reads, network=True)
    with sandbox.serving(inspect.getsource(gate), told, seconds) as helper:
        ways = [f"http://relay:{word}@127.0.0.1:{port}" for port in helper.ready]
        yield StandIns(dict(zip(secret, ways, strict=True)), helper.said)


def whole(url: str) -> str:
    """Return the URL of a proxy with its scheme, which may be left out."""
    return url if "://" in url else f"http://{url}"
