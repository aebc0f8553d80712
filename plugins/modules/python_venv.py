#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: python_venv
short_description: Build a virtual environment named by what is in it
version_added: 0.1.0
description:
  - Installs requirements with a pinned C(uv) into C(ROOT/NAME/venvs/DIGEST), owned by root, bytecode compiled.
  - The digest covers the requirements with all files they include, and the interpreter. An environment that is
    there under its digest is whole, since it got its name last, and is used again. So a requirement that leaves a choice
    is resolved once; when its text changes, a comment behind it for instance, it is resolved again.
  - Where the source itself is installed, it is built from a copy, so its folder stays as it was sealed, and the digest
    covers it, too.
  - In check mode it is asked what it would install, where the target has C(uv) already, so that
    M(pyweb.stack.gunicorn_release) can show which packages change.
  - Credentials in a URL appear in no output, no log and no process list, and in nothing that is recorded.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: none
options:
  user:
    description: The account that may use the environment besides root.
    type: str
    required: true
  source:
    description:
      - Folder of the sealed source that the requirements come from.
      - An empty text in check mode where there is one that can't be known yet. Then nothing of the environment is known.
    type: path
  version:
    description:
      - What was asked for of the source, as M(pyweb.stack.app_source) returns it. A project that has its version from its
        repository, by setuptools-scm for instance, is told a tag such as C(v1.2.3), or else one that names the source.
    type: str
    default: ""
  chdir:
    description: Folder inside the source where the app runs. A file there comes before those at the top.
    type: str
    default: .
  requirements_file:
    description:
      - What the app needs, as a path in the source, relative to its top. By default the first of these that is found in
        O(chdir), or else at the top.
      - A C(uv.lock) or C(pylock.toml), of which versions and hashes count but not the addresses, so any index will do. Groups
        for development stay out. One that no longer fits its C(pyproject.toml) is refused.
      - A requirements file; where it has hashes, all its requirements must.
      - A C(Pipfile.lock), a C(poetry.lock) of Poetry 2, a C(pdm.lock) with the strategy C(inherit_metadata); as C(uv.lock).
      - A C(pyproject.toml) with a C([project]) table. With a C([build-system]), the project is installed itself, unless it
        says that it is no package, or its build backend finds none in it.
      - C(requirements/production.txt), C(requirements/prod.txt) or C(requirements/base.txt).
      - Where there is none of these and no O(requirements), but something else that says what is needed, it fails and names
        that.
    type: str
  requirements_text:
    description: The content of a requirements file that counts in place of any in the source. It can include no other.
    type: str
  requirements_groups:
    description: Dependency groups and extras to install, of a C(pyproject.toml) or a lock.
    type: list
    elements: str
    default: []
  requirements:
    description: Requirement specifiers to install beside what the file names. What that pins stays as it is.
    type: list
    elements: str
    default: []
  gunicorn_version:
    description:
      - The gunicorn to install, also where the file asks for another one; O(requirements) count before it.
      - By default the one that is asked for there, or else 27.0.1.
    type: str
  python:
    description:
      - The interpreter. It can't be in a folder that the service's sandbox hides, such as C(/root) or C(/home).
      - An empty text in check mode where it can't be known yet. Then nothing of the environment is known.
    type: path
    default: /usr/bin/python3
  secrets:
    description:
      - Files of the source, as paths in it, that are empty wherever a package is built, the source's own, too. What says what is
        needed is read all the same.
    type: list
    elements: str
    default: []
  ssh:
    description:
      - How repositories are reached that a requirement names by C(git+ssh://). They are fetched before anything is built, and a
        build finds a copy of each without any key. All of their branches and tags come along, and the commit that is named.
      - Without this they can be reached only where no key is needed, which ssh never is.
    type: dict
    suboptions:
      key:
        description: The text of a private ssh key without a passphrase, the only one that is tried. Without it, root's own count.
        type: str
      known_hosts:
        description: Host keys of their servers, lines as C(ssh-keyscan) prints them. Without it, those count that the target knows.
        type: str
      ssh_key:
        description: Set by M(pyweb.stack.steps), a path of the controller. Where C(key) is needed and missing, it is waited for.
        type: path
  index:
    description: Where packages come from, uv itself among them. By default that is what pip's configuration on the target says.
    type: dict
    default: {}
    suboptions:
      url:
        description: An index in place of the host's, with credentials where it asks for some.
        type: str
      wheels:
        description:
          - A folder on the target from which alone packages come, without any network. Excludes O(index.url).
          - It must hold all that is installed, and uv itself unless the target has it already. C(pip download) makes one.
        type: path
      pythons:
        description: As for M(pyweb.stack.python_interpreter); of no use here.
        type: str
      ca:
        description: A file on the target with the certificates (PEM) of the authorities to trust, in place of the host's.
        type: path
"""

EXAMPLES = r"""
- name: Build the environment of an app
  pyweb.stack.python_venv:
    name: shop
    user: shop
    source: /srv/shop/sources/8f9b5c0d5a7e2c1b4f6a7d8e9c0b1a2f3e4d5c6b
    requirements: [psycopg]
    index:
      url: https://deploy:{{ vault_index_password }}@pypi.example.com/simple
"""

RETURN = r"""
path:
  description: Folder of the environment, in check mode the one that it will have; empty there where that can't be known yet.
  returned: always
  type: str
  sample: /srv/shop/venvs/1b4f6a7d8e9c0b1a2f3e4d5c6b8f9b5c0d5a7e2c
requirements_file:
  description: The file of requirements that was used, relative to the source; none where there is none.
  returned: always
  type: str
  sample: requirements.txt
serving:
  description: The release that was active when this began, for O(pyweb.stack.gunicorn_switch#module:replaces); empty if none did.
  returned: always
  type: str
  sample: 4f6a7d8e9c0b
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.python_venv import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
