# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: env_file
short_description: The variables of a .env file on the controller
version_added: 0.1.0
description:
  - Reads a file of lines C(NAME=value), as python-dotenv and systemd have it. It may be encrypted with Ansible Vault.
  - The role P(pyweb.stack.gunicorn#role) does so with C(gunicorn_env_file).
  - Taken is what both read alike. Lines that begin with C(#) are comments. A value stands as it is, or in single or double quotes,
    within which it may have several lines. In double quotes a backslash stands before a quote or a backslash.
  - Nothing is put in the place of a variable, and no shell reads it. What one of the two reads otherwise than the other is
    refused by its line - a comment behind a value, C(export), C(${…}), an escape such as C(\n), a name that is set twice.
options:
  _terms:
    description: Paths of files, absolute or as P(ansible.builtin.file#lookup) finds them.
    type: list
    elements: str
    required: true
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
gunicorn_env: "{{ lookup('pyweb.stack.env_file', 'production.env') | combine({'EDITION': edition}) }}"
"""

RETURN = r"""
_raw:
  description: The variables of each file by their names.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.pyweb.stack.plugins.module_utils._release import dotenv


class LookupModule(LookupBase):
    """The lookup of this file."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        """Return the variables of each of these files."""
        self.set_options(var_options=variables, direct=kwargs)
        return [self._variables(term, variables or {}) for term in terms]

    def _variables(self, term: str, variables: dict[str, Any]) -> dict[str, str]:
        path = self.find_file_in_search_path(variables, "files", term, ignore_missing=True)
        if not path:
            raise AnsibleLookupError(f"gunicorn_env_file is {term!r}, but there is no such file on the controller")
        try:
            found, faults = dotenv.parse(self._loader.get_text_file_contents(path))
        except (AnsibleError, UnicodeError) as error:
            raise AnsibleLookupError(f"gunicorn_env_file is {term!r}, which can't be read: {error}") from error
        if faults:
            raise AnsibleLookupError("\n".join(f"gunicorn_env_file, {term}: {fault}." for fault in faults))
        return found
