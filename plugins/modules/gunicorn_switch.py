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
  - Starts the release beside the active one, on a socket of its own, and asks it over HTTP while watching its unit
    and its workers. Only then does one rename of C(ROOT/NAME/current) make it the active one, for nginx and for the
    next boot. The old instance stops when everything it had accepted or queued is answered.
  - A release that doesn't prove itself is stopped at once, and the old one never noticed.
  - Where one of the two was made with C(overlap=false), the old instance ends first, visitors wait on its socket while the
    new one is proved, and are then passed on to it; if it is refused, the old one is started again.
  - Then the release's processes (C(gunicorn_processes)) are started, and each must live for its C(settle) seconds; those of the
    old one are told to end once the new one serves, and nobody waits for that. One that can't overlap ends before the new
    one starts. The timers of its jobs (C(gunicorn_schedule)) are those of the release that serves.
  - Removes instances that a killed run left behind, and releases beyond O(keep_releases).
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
  - pyweb.stack.app.media
options:
  release:
    description:
      - Id of the release; empty in check mode where it can't be known yet.
      - With O(back) also V(previous), the one that the last deploy replaced.
    type: str
  back:
    description:
      - Whether this rolls back to a release of an earlier deploy. Then the app keeps its fixed address where O(bind) isn't
        given, the release is asked what it was asked when it last became active where O(health) isn't given, and all
        releases stay.
      - A rollback is no deploy, so afterwards V(previous) still is the same release.
    type: bool
    default: false
  replaces:
    description:
      - The release that was active when the run began, as M(pyweb.stack.app_source) and M(pyweb.stack.python_venv) return it
        in C(serving); empty where none did. Where another one has taken over since then, this fails, and that one stays.
      - Without it whatever is active is replaced.
    type: str
  by:
    description: Who does this, for the history.
    type: str
  version:
    description: What the source of the release is called, for people to read in the diff.
    type: str
    default: ''
  health:
    description: What the release must answer before it becomes active.
    type: dict
    default: {}
    suboptions:
      path:
        description:
          - The path to ask for, C(/) by default. A redirect to the same host is followed, to https too, and what counts is
            the page at its end. One to another host can't be followed, and counts only where O(health.status) begins
            above 299.
        type: str
      paths:
        description: Several paths, each of which must answer, in place of O(health.path).
        type: list
        elements: str
      host:
        description:
          - The Host header to send, C(localhost) by default. Django answers 400 to a host that its C(ALLOWED_HOSTS) lacks.
        type: str
      status:
        description: The status codes that count as healthy, one or a range, C(200-399) by default.
        type: str
      timeout:
        description: Seconds until the release must have answered, with all its workers up; 30 by default.
        type: float
  drain_timeout:
    description: Seconds that the old instance may take to end what it has in hand. Connections still open then are closed, and reported.
    type: int
    default: 30
  bind:
    description:
      - Loopback address and port at which the active release can be reached, too. Without it there is none, and one
        of an earlier run is closed.
      - One that somebody else has is refused before anything changes.
    type: str
  keep_releases:
    description: How many releases stay. The active one and the one before it always do.
    type: int
    default: 5
  keep_assets:
    description:
      - Of how many releases, the active one among them, the static files that are named by their content are served, for
        pages that were open at the switch. They are in C(ROOT/NAME/assets).
    type: int
    default: 3
  media:
    description:
      - A folder of the app's state that nginx is to serve. It is made, and nginx's account may read what is in it.
      - Without it there is none, and one of an earlier run is closed to nginx; not where O(back) is set, which leaves it as it is.
"""

EXAMPLES = r"""
- name: Prove the release and switch to it
  pyweb.stack.gunicorn_switch:
    name: shop
    release: 4f6a7d8e9c0b
    health:
      path: /healthz
      host: www.example.com

- name: Take the last deploy back
  pyweb.stack.gunicorn_switch:
    name: shop
    release: previous
    back: true
"""

RETURN = r"""
release:
  description: The active release.
  returned: success
  type: str
  sample: 4f6a7d8e9c0b
version:
  description: What the source of that release is called.
  returned: success
  type: str
  sample: v1.4
previous:
  description: The release that was active when this began; none if there was none.
  returned: success
  type: str
  sample: 0b1a2f3e4d5c
answer:
  description: What the release answered to the proof, redirects and several pages by their names; empty if it was active already.
  returned: success
  type: str
  sample: 200 OK
ending:
  description: The processes of earlier releases that still end what they have in hand, each by its name and its unit.
  returned: success
  type: list
  elements: str
  sample: ["worker of release 0b1a2f3e4d5c (gunicorn-shop-worker@0b1a2f3e4d5c.service)"]
cut:
  description: How many connections the old instance had not ended when O(drain_timeout) was over, and were closed.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.gunicorn_switch import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
