#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: python_interpreter
short_description: Have a Python of a version on the host
version_added: 0.1.0
description:
  - Finds the host's own interpreter of a version, C(/usr/bin/python3.13) for instance. Where there is none, the pinned C(uv)
    installs one (python-build-standalone) below C(/usr/local/lib/pyweb-stack/pythons), owned by root, of a build and with a
    digest that this version of C(uv) knows.
  - All apps of the host share it. M(pyweb.stack.gunicorn_switch) removes it when no environment of any app has it any more.
options:
  python:
    description: The version, such as C(3.13), or C(3.13.5) for that alone.
    type: str
    required: true
  index:
    description: Where packages and interpreters come from, as for M(pyweb.stack.python_venv).
    type: dict
    default: {}
    suboptions:
      url:
        description: As for M(pyweb.stack.python_venv); C(uv) itself comes from there.
        type: str
      wheels:
        description: As for M(pyweb.stack.python_venv); C(uv) itself comes from there.
        type: path
      ca:
        description: As for M(pyweb.stack.python_venv).
        type: path
      pythons:
        description:
          - A mirror of python-build-standalone in place of GitHub, an http or https URL, or a folder on the target. Below it is
            C(BUILD/FILE) as in the URLs of that project's releases.
        type: str
extends_documentation_fragment:
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: none
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
- name: Have Python 3.13
  pyweb.stack.python_interpreter:
    python: "3.13"
  register: interpreter
"""

RETURN = r"""
path:
  description: Path of the interpreter; in check mode empty where that can't be known yet.
  returned: success
  type: str
  sample: /usr/bin/python3.13
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.python_interpreter import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
