# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package indexes without their passwords, for whoever builds. Private to the collection."""

from __future__ import annotations

import base64
import contextlib
import inspect
import os
import secrets
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import proxies, sandboxes
from ansible_collections.pyweb.stack.plugins.module_utils._text import urls
from ansible_collections.pyweb.stack.plugins.module_utils._venv import relay, uv


@contextlib.contextmanager
def without_passwords(index: uv.Index) -> Iterator[uv.Index]:
    """Yield an index like this one that gives the same to whoever knows a word that is worth nothing afterwards.

    A package is built by code that its author wrote, and a build takes packages itself. So what needs a password is asked
    for by a program in a sandbox of its own, which knows it, and which the build asks; and so for the way to all others.
    """
    certificates = index.way_out()["SSL_CERT_FILE"]
    with contextlib.ExitStack() as stack:
        known = stack.enter_context(_places(index))
        ways_out = stack.enter_context(proxies.without_passwords(index.uv(), uv.END, certificates))
        yield known.by_ways_out(ways_out)


@contextlib.contextmanager
def _places(index: uv.Index) -> Iterator[uv.Index]:
    passwords = index.passwords()
    if not passwords:
        yield index
        return
    word = secrets.token_urlsafe(24)
    environment = index.way_out()
    told = {
        "word": word,
        "env": environment,
        "places": [
            {
                "url": urls.without_credentials(url),
                "authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(),
                "insecure": index.trusts(url),
            }
            for url, (user, password) in passwords.items()
        ],
    }
    certificates = [path for path in [environment["SSL_CERT_FILE"]] if os.path.exists(path)]
    sandbox = sandboxes.Sandbox(
        "", "ask an index that wants a password", reads={path: path for path in certificates}, network=True
    )
    with sandbox.serving(inspect.getsource(relay), told, uv.END) as helper:
        yield index.by_way_of(dict(zip(passwords, helper.ready, strict=True)), f"relay:{word}", helper.said)
