# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller finds, what it sends and when, and what it lets nobody see."""

from __future__ import annotations

import hashlib
import types

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.pyweb.stack.plugins.action.app_source import ActionModule

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n"
VAULT = [("default", VaultSecret(b"of the vault"))]
COMMIT = "0123456789" * 4


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Run a task from a playbook in the test's folder, on a target that has nothing until it is sent; return both."""

    def play(check_mode=False, **arguments):
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        loader.set_vault_secrets(VAULT)
        shell = types.SimpleNamespace(join_path=lambda *parts: "/".join(parts), tmpdir="/remote")
        connection = types.SimpleNamespace(_shell=shell)
        task = types.SimpleNamespace(args=arguments, check_mode=check_mode, async_val=0, diff=False)
        action = ActionModule(task, connection, types.SimpleNamespace(), loader, None, None)
        asked = []

        def execute(_module, module_args, task_vars):
            asked.append(dict(module_args))
            fetched = module_args.keys() & {"sent", "key"}
            return {
                "changed": True,
                "path": "/there" if fetched else "",
                "waits": not fetched,
                "serving": str(len(asked)),
                "invocation": {"module_args": module_args},
            }

        monkeypatch.setattr(ActionModule, "_execute_module", lambda _self, *given, **named: execute(*given, **named))
        monkeypatch.setattr(ActionModule, "_transfer_file", lambda _self, local, remote: remote)
        return action.run(task_vars={}), asked

    return play


@pytest.fixture
def key(tmp_path, write):
    """Write a private key beside the playbook, encrypted, and return its path as the playbook would have it."""
    write(tmp_path, {"keys/deploy": VaultLib(VAULT).encrypt(KEY, VAULT[0][1]).decode()})
    return "keys/deploy"


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_branch_takes_the_key_at_once(play, key, check_mode):
    _result, asked = play(check_mode, git="git@example.com:shop.git", version="main", ssh_key=key)
    assert [arguments.get("key", "").strip() for arguments in asked] == [KEY.strip()]


def test_a_whole_commit_takes_the_key_only_if_it_is_not_there(play, key):
    given = {"git": "git@example.com:shop.git", "version": COMMIT, "ssh_key": key}
    assert ["key" in arguments for arguments in play(**given)[1]] == [False, True]


def test_no_secret_is_in_what_a_task_returns(play, key):
    for arguments in (
        {"git": "https://me:hunter2@example.com/shop.git"},
        {"git": "git@example.com:shop.git", "ssh_key": key},
        {"archive": "https://me:hunter2@example.com/shop.tar?token=hunter2", "sha256": "a" * 64},
    ):
        result, asked = play(**arguments)
        assert "hunter2" in str(asked)
        assert "hunter2" not in str(result)
        assert "example.com/shop" in str(result) or "example.com:shop" in str(result)


def test_an_archive_is_named_here_and_sent_only_if_it_is_not_there(play, tmp_path, write):
    write(tmp_path, {"shop.tar": "content"})
    digest = hashlib.sha256(b"content").hexdigest()
    for given in ({}, {"sha256": digest.upper()}):
        result, asked = play(archive="shop.tar", **given)
        assert [(arguments["sha256"], arguments.get("sent")) for arguments in asked] == [
            (digest, None),
            (digest, "/remote/source"),
        ]
        # Others may deploy while it is sent.
        assert (result["path"], result["serving"]) == ("/there", "1")


def test_a_url_is_left_to_the_target(play):
    _result, asked = play(archive="https://example.com/shop.tar", sha256="a" * 64)
    assert asked == [{"archive": "https://example.com/shop.tar", "sha256": "a" * 64}]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_folder_is_sent_only_if_it_is_not_there(play, tmp_path, write, check_mode):
    write(tmp_path, {"shop/app.py": ""})
    # Check mode, too, has to know what it brings.
    assert ["sent" in arguments for arguments in play(check_mode, directory="shop")[1]] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"directory": "nosuch"}, "gunicorn_source.directory: there is no folder .*/nosuch on the controller"),
        ({"archive": "nosuch"}, "gunicorn_source.archive: there is no file .*/nosuch on the controller"),
        (
            {"archive": "shop.tar", "sha256": "a" * 64},
            "gunicorn_source.sha256 is a{64}, but .*/shop.tar has the digest",
        ),
        ({"git": "a:b", "ssh_key": "nosuch"}, "gunicorn_source.ssh_key: there is no file .*/nosuch on the controller"),
        ({"git": "a:b", "ssh_key": "shop.tar"}, "gunicorn_source.ssh_key: .*/shop.tar holds no private key"),
        ({"git": "a:b", "ssh_key": "other.vault"}, "gunicorn_source.ssh_key: .*[Dd]ecrypt"),
    ],
)
def test_what_the_controller_lacks(play, tmp_path, write, arguments, said):
    other = VaultLib([]).encrypt(KEY, VaultSecret(b"of another vault")).decode()
    write(tmp_path, {"shop.tar": "content", "other.vault": other})
    with pytest.raises(AnsibleActionFail, match=said):
        play(**arguments)
