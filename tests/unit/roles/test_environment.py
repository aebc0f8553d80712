# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role makes of the variables that say what an app has in its environment."""

from __future__ import annotations

import pathlib

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.pyweb.stack.plugins.lookup.env_file import LookupModule

VARS = pathlib.Path(__file__).parents[3] / "roles/gunicorn/vars/main.yml"


@pytest.mark.parametrize(
    ("file", "env", "both"),
    [
        ("A=file\nB=file\n", {"B": "play", "C": "play"}, {"A": "file", "B": "play", "C": "play"}),
        ("A=file\n", {}, {"A": "file"}),
        (None, {"A": "play"}, {"A": "play"}),
    ],
)
def test_what_the_play_says_goes_over_the_file(tmp_path, monkeypatch, file, env, both):
    # Plugins are found by what a program of Ansible's sets up as it starts.
    monkeypatch.setattr(lookup_loader, "get", lambda _name, **of: LookupModule(**of))
    monkeypatch.setattr(LookupModule, "set_options", lambda *_arguments, **_options: None)
    variables = DataLoader().load_from_file(str(VARS), trusted_as_template=True)
    given = {"gunicorn_env": env}
    if file is not None:
        (tmp_path / "production.env").write_text(file, encoding="utf-8")
        given["gunicorn_env_file"] = str(tmp_path / "production.env")
    assert Templar(DataLoader(), variables={**variables, **given}).template(variables["__gunicorn_env"]) == both
