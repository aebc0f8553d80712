#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gunicorn_switch
short_description: Prove a release over HTTP and let it take over without losing a request
version_added: 0.1.0
description:
  - Starts the release beside the one that serves, on a socket of its own, and asks it over HTTP while watching its unit
    and its workers. Only then does one rename of C(ROOT/NAME/current) make it the serving one, for nginx and for the
    next boot. The old instance stops when everything it had accepted or queued is answered.
  - A release that doesn't prove itself is stopped at once, and the old one never noticed.
  - Where one of the two was made with C(overlap=false), the old instance ends first, visitors wait on its socket while the
    new one is proved, and are then passed on to it; if it is refused, the old one is started again.
  - Removes instances that a killed run left behind, and releases beyond O(keep_releases).
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
options:
  release:
    description: Id of the release; empty in check mode where it can't be known yet.
    type: str
  health:
    description: What the release must answer before it serves.
    type: dict
    default: {}
    suboptions:
      path:
        description: The path to ask for.
        type: str
        default: /
      host:
        description: The Host header to send. Django answers 400 to a host that its C(ALLOWED_HOSTS) lacks.
        type: str
        default: localhost
      status:
        description: The status codes that count as healthy, one or a range.
        type: str
        default: 200-399
      timeout:
        description: Seconds until the release must have answered, with all its workers up.
        type: float
        default: 30
  drain_timeout:
    description: Seconds that the old instance may take to end what it has in hand. What is left then is cut, and reported.
    type: int
    default: 30
  bind:
    description:
      - Loopback address and port at which the release that serves can be reached, too. Without it there is none, and one
        of an earlier run is closed.
      - One that somebody else has is refused before anything changes.
    type: str
  keep_releases:
    description: How many releases stay. The one that serves and the one before it always do.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Prove the release and switch to it
  pyweb.stack.gunicorn_switch:
    name: shop
    release: 4f6a7d8e9c0b
    health:
      path: /healthz
      host: www.example.com
"""

RETURN = r"""
release:
  description: The release that serves now.
  returned: success
  type: str
  sample: 4f6a7d8e9c0b
previous:
  description: The release that served before; none if there was none.
  returned: success
  type: str
  sample: 0b1a2f3e4d5c
answer:
  description: What the release answered to the proof; empty if it served already.
  returned: success
  type: str
  sample: 200 OK
cut:
  description: How many connections the old instance had not ended when O(drain_timeout) was over, and were cut.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.pyweb.stack.plugins.module_utils import _systemd
from ansible_collections.pyweb.stack.plugins.module_utils._handover import Handover, Health, Refused
from ansible_collections.pyweb.stack.plugins.module_utils._module import Module
from ansible_collections.pyweb.stack.plugins.module_utils._store import Store, StoreError


def main() -> None:
    """Wire the module."""
    module = Module(
        "gunicorn_",
        {
            "name": {"type": "str", "required": True},
            "root": {"type": "path", "default": "/srv"},
            "release": {"type": "str"},
            "health": {
                "type": "dict",
                "default": {},
                "options": {
                    "path": {"type": "str", "default": "/"},
                    "host": {"type": "str", "default": "localhost"},
                    "status": {"type": "str", "default": "200-399"},
                    "timeout": {"type": "float", "default": 30},
                },
            },
            "drain_timeout": {"type": "int", "default": 30},
            "bind": {"type": "str"},
            "keep_releases": {"type": "int", "default": 5},
        },
    )
    params = module.params
    health = Health(**{**params["health"], "status": _statuses(params["health"]["status"])})
    store = Store(params["root"], params["name"])
    handover = Handover(store, params["name"], params["drain_timeout"], params["keep_releases"], params["bind"])
    before = store.current()
    diff = {
        "before": _lines(before, handover.front.address()),
        "after": _lines(params["release"] or "(not known yet)", params["bind"]),
    }
    result = {"release": params["release"], "previous": before, "answer": "", "cut": 0}
    if module.check_mode:
        fault = handover.fault()
        if fault:
            module.fail_json(msg=fault)
        module.exit_json(changed=handover.needed(params["release"]), diff=diff, **result)
    if not params["release"]:
        module.fail_json(msg="release is empty, but must be the id of a release")
    try:
        with store.locked("switching its release"):
            result.update(handover.run(params["release"], health))
    except (Refused, StoreError, _systemd.SystemdError, OSError) as error:
        module.fail_json(msg=str(error))
    if result["cut"]:
        module.warn(
            f"{result['cut']} connections to the old release were cut, since they had not ended within "
            f"gunicorn_drain_timeout, {params['drain_timeout']} s"
        )
    module.exit_json(diff=diff, **result)


def _lines(release: str | None, address: str | None) -> str:
    return "".join(f"{line}\n" for line in (release, address) if line)


def _statuses(text: str) -> range:
    first, _dash, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    main()
