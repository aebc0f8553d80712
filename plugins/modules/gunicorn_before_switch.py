#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gunicorn_before_switch
short_description: Do what a release has to do once before it takes over
version_added: 0.1.0
description:
  - Runs those of the release's commands that are marked C(once), such as C(flask db upgrade), as its account, with its
    environment and in its sandbox. What is done is noted in the release's folder and never done again for it.
  - A command that fails ends the run, and what serves goes on. A later run begins with that one.
  - The other commands run while M(pyweb.stack.gunicorn_release) makes the release.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
options:
  release:
    description: Id of the release; empty in check mode where it can't be known yet.
    type: str
  replaces:
    description:
      - The release that served when the run began; empty where none did. Where another one has taken over since then,
        nothing is done.
      - Without it that makes no difference.
    type: str
  before_switch:
    description:
      - All steps of the release, dictionaries of C(command), a list of words, and C(once). The ones with C(once) are done,
        in their order.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Upgrade the database
  pyweb.stack.gunicorn_before_switch:
    name: shop
    release: "{{ release.id }}"
    before_switch:
      - {command: [flask, db, upgrade], once: true}
"""

RETURN = r"""
commands:
  description: The commands that were done, or, in check mode, are going to be.
  returned: success
  type: list
  elements: list
  sample: [[flask, db, upgrade]]
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.gunicorn_before_switch import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
