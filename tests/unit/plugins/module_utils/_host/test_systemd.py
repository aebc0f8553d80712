# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of systemd without one; the rest is tested on servers."""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd


def test_a_release_has_a_pair_of_units_of_its_own():
    assert systemd.instance("shop", "4f6a") == "gunicorn-shop@4f6a"


def test_a_removed_unit_is_gone_and_one_that_was_not_there_no_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path))
    (tmp_path / "gunicorn-shop@4f6a.socket").write_text("[Socket]\n")
    systemd.remove(["gunicorn-shop@4f6a.service", "gunicorn-shop@4f6a.socket"])
    assert os.listdir(tmp_path) == []


def test_several_units_are_asked_for_by_one_question(monkeypatch, write, tmp_path):
    write(tmp_path, {"systemctl": "#!/bin/sh\nprintf 'A=1\\nB=x=y\\n\\nA=2\\n'\n"}).joinpath("systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert systemd.show_all(["one.service", "two.socket"], "A", "B") == {
        "one.service": {"A": "1", "B": "x=y"},
        "two.socket": {"A": "2"},
    }
