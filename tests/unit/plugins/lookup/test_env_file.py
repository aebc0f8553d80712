# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of variables on the controller, also encrypted ones, by the lookup as Ansible has it."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.pyweb.stack.plugins.lookup.env_file import LookupModule

SECRETS = [("default", VaultSecret(b"a password"))]


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Look a file up from a playbook in the folder of the test."""
    # What users may set by configuration are no options of this one.
    monkeypatch.setattr(LookupModule, "set_options", lambda *_arguments, **_options: None)
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    loader.set_vault_secrets(SECRETS)
    lookup = LookupModule(loader=loader)
    return lambda *paths: lookup.run(list(paths), {"ansible_search_path": [str(tmp_path)]})


def test_a_file_beside_the_playbook_is_read(look, write, tmp_path):
    write(tmp_path, {"production.env": "A=1\n", "files/other.env": "B='{{ x }}'\n"})
    assert look("production.env", "other.env") == [{"A": "1"}, {"B": "{{ x }}"}]
    assert look(str(tmp_path / "production.env")) == [{"A": "1"}]


def test_a_file_of_the_vault_is_read(look, tmp_path):
    encrypted = VaultLib(SECRETS).encrypt(b"SECRET_KEY=hunter2\n", SECRETS[0][1])
    (tmp_path / "production.env").write_bytes(encrypted)
    assert look("production.env") == [{"SECRET_KEY": "hunter2"}]
    (tmp_path / "damaged.env").write_bytes(encrypted.replace(b"3", b"4"))
    with pytest.raises(AnsibleLookupError, match=r"gunicorn_env_file is 'damaged.env', which can't be read: "):
        look("damaged.env")


def test_what_is_wrong_is_told_by_file_and_line(look, write, tmp_path):
    with pytest.raises(AnsibleLookupError, match=r"is 'none.env', but there is no such file on the controller"):
        look("none.env")
    write(tmp_path, {"bad.env": "export A=1\nB=2 # two\n"})
    with pytest.raises(AnsibleLookupError) as refused:
        look("bad.env")
    assert [line.partition(" begins")[0].partition(" has")[0] for line in str(refused.value).splitlines()] == [
        "gunicorn_env_file, bad.env: line 1",
        "gunicorn_env_file, bad.env: line 2",
    ]
