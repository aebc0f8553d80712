#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_build
short_description: Build the source of an app by commands, such as a front end by npm
version_added: 0.1.0
description:
  - Runs commands on a copy of a sealed source, and seals what they leave as another source, C(ROOT/NAME/sources/DIGEST).
  - The digest covers the source, the commands, and what their programs say to C(--version), of npm and the like that of
    C(node), too. What is there under its digest is whole, and is used again.
  - The commands run as an account that owns nothing, without the app's environment and packages. They see Debian's programs,
    reach other hosts, and have a cache of the app's own, in which npm keeps what it fetched.
  - The variables of the play's environment that say how to reach others and what to trust, such as C(https_proxy), reach
    them, and so does C(npm_config_registry) and each other one of npm's.
  - In check mode nothing is run but C(--version); what isn't built yet has an empty RV(path) then.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: partial
    details: Shows what is going to be run, but not what comes of it.
options:
  user:
    description: The account that may read the source besides root.
    type: str
    required: true
  source:
    description: Folder of the sealed source, as M(pyweb.stack.app_source) returns it; empty where check mode can't know it.
    type: path
  build:
    description:
      - The commands, each a list of words, which no shell sees. They begin in the top of the copy, one after the other.
      - The first word is a program of the host's, or a path, relative to the top or absolute.
    type: list
    elements: raw
    required: true
  secrets:
    description: Files of the source that the commands find empty, as paths in it; the result has them as they were.
    type: list
    elements: str
    default: []
  python:
    description: Interpreter that the bytecode is for.
    type: path
    default: /usr/bin/python3
"""

EXAMPLES = r"""
- name: Build the front end
  pyweb.stack.app_build:
    name: shop
    user: shop
    source: "{{ source.path }}"
    build:
      - [npm, ci]
      - [npm, run, build]
      - [rm, -rf, node_modules]
"""

RETURN = r"""
path:
  description: Folder of the built source; empty in check mode where it isn't built yet.
  returned: success
  type: str
  sample: /srv/shop/sources/5d41402abc4b2a76b9719d911017c592ae12d3f4
tools:
  description: What the programs said of their versions.
  returned: success
  type: dict
  sample: {node: v18.20.4, npm: 9.2.0}
messages:
  description: What people should know of what was built.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.app_build import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
