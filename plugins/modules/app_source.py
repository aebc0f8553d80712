#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_source
short_description: Put an app's code on the target, named by what it is
version_added: 0.1.0
description:
  - Fetches the code of an app into C(ROOT/NAME/sources/DIGEST), where it is never changed again.
  - A source that is already there under its digest is not fetched a second time.
  - In check mode it is fetched into memory, below C(/run/pyweb-stack-check), so that the modules after this one can tell
    what it brings. M(pyweb.stack.gunicorn_switch) removes it from there.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: partial
    details: It shows O(source_files). What else of the source changes is in the diff of M(pyweb.stack.gunicorn_release).
options:
  user:
    description: The account that may read the code besides root.
    type: str
    required: true
  git:
    description:
      - URL of a git repository, anything that C(git fetch) takes. Files in Git LFS are fetched with it, which takes
        C(git-lfs) on the target. Credentials in an C(https) URL count for all of its
        host, and appear in no output, no log and no process list.
      - Exactly one of O(git), O(archive), O(path) and O(directory) is needed.
    type: str
  version:
    description: Branch, tag or whole commit (40 hexadecimal digits) to take from O(git).
    type: str
    default: HEAD
  ssh_key:
    description:
      - Path on the controller of a private ssh key without a passphrase that may read O(git). It may be encrypted with
        Ansible Vault. It is the only key that is tried.
      - It is sent only for asking and fetching, and held in memory on the target. Without it, root's own keys count.
    type: path
  known_hosts:
    description:
      - Host keys of the ssh server of O(git), lines as C(ssh-keyscan) prints them. No other host keys count then.
      - Host keys are always checked. Without this, those count that the target knows.
    type: str
  submodules:
    description:
      - Whether to fetch the submodules of O(git), too, and theirs, with the same key and credentials.
      - A commit with submodules that is fetched without them has a RV(digest) of its own.
    type: bool
    default: true
  archive:
    description:
      - Path on the controller, or C(http) or C(https) URL, of a tar file (plain, or packed with gzip, bzip2 or xz) or a
        zip file. The target fetches a URL itself; a file is sent only when the target lacks it.
      - If all of its content lies in one folder, that is the top of the source. What would lead out of the source, and
        devices, are refused, and so is what unpacks to more than 64 MiB and 100 times its own size, to 4 GiB, or to 200000
        files.
    type: str
  sha256:
    description: The SHA-256 of O(archive), 64 hexadecimal digits. Required for a URL, checked in any case.
    type: str
  path:
    description:
      - Path of a folder on the target, to be copied. The same of its files count as with O(directory).
      - It is read with the rights of its owner, who must be able to read all of it; where the path leads over a link that is
        somebody's, with the rights of that account. Nothing that the configuration of a git work tree names is run.
    type: path
  directory:
    description:
      - Path of a folder on the controller. Its content is sent only when the target lacks it.
      - In a git work tree these are the files that git tracks or would add, so what C(.gitignore) names stays behind;
        elsewhere it is every file but C(.git), C(__pycache__) and C(*.pyc).
    type: path
  include:
    description: Files and folders of O(directory) or O(path) that come along though git ignores them.
    type: list
    elements: str
    default: []
  source_files:
    description:
      - Files to add before the source is sealed, by their paths in it. Each is a text, or a dictionary of C(content), and
        C(secret) and C(replace), which are false by default. Their texts are in the digest, keyed by the host's own key.
      - A file that the source has itself is refused unless C(replace) is true.
    type: dict
    default: {}
  shared_paths:
    description:
      - Paths in the source at which its app writes. Folders are made where they are missing, for the service to mount the
        app's own there; a file gives way to a link to C(/var/lib/gunicorn-NAME), and is kept below C(.shared).
    type: list
    elements: str
    default: []
  python:
    description: The interpreter whose bytecode is compiled in.
    type: path
    default: /usr/bin/python3
  digest:
    description: Set by the action plugin. The digest of O(directory).
    type: str
  sent:
    description:
      - Set by the action plugin. Path on the target of what it sent, a tar file with the content of O(directory), or
        the file O(archive).
    type: path
  key:
    description: Set by the action plugin. The text of O(ssh_key).
    type: str
"""

EXAMPLES = r"""
- name: Fetch the tagged version of an app
  pyweb.stack.app_source:
    name: shop
    user: shop
    git: https://git.example.com/shop.git
    version: v1.4.2

- name: Fetch a private repository with a deploy key
  pyweb.stack.app_source:
    name: shop
    user: shop
    git: git@git.example.com:shop.git
    ssh_key: deploy_key
    known_hosts: git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO6bUT3EJ1n0b0Hf1mHqzJm1D0xKb6kkPXK0oSAZc4cT

- name: Fetch an archive
  pyweb.stack.app_source:
    name: shop
    user: shop
    archive: https://example.com/shop-1.4.2.tar.gz
    sha256: b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c
"""

RETURN = r"""
path:
  description:
    - Folder of the source, in check mode the one that it will have.
    - Empty in check mode where it can't be fetched, since the host lacks git or ssh, or memory for it.
  returned: always
  type: str
  sample: /srv/shop/sources/8f9b5c0d5a7e2c1b4f6a7d8e9c0b1a2f3e4d5c6b
digest:
  description:
    - What the source is named by, a git commit, the digest of its files, or the first 40 digits of O(sha256).
    - None where it can't be known yet.
  returned: always
  type: str
  sample: 8f9b5c0d5a7e2c1b4f6a7d8e9c0b1a2f3e4d5c6b
version:
  description: For people to read, the version that was asked for, or the file name of an archive; empty for a folder.
  returned: always
  type: str
  sample: v1.4.2
waits:
  description: Whether the controller has yet to send the source. It does, so nobody sees this.
  returned: always
  type: bool
  sample: false
serving:
  description: The release that was active when this began, for O(pyweb.stack.gunicorn_switch#module:replaces); empty if none did.
  returned: always
  type: str
  sample: 4f6a7d8e9c0b
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.app_source import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
