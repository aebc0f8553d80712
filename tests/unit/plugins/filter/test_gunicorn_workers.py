# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter gunicorn_workers as playbooks call it."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.pyweb.stack.plugins.filter.gunicorn_workers import FilterModule

gunicorn_workers = FilterModule().filters()["gunicorn_workers"]


@pytest.mark.parametrize(("vcpus", "workers"), [(1, 3), (2, 5), ("8", 17)])
def test_workers(vcpus, workers):
    assert gunicorn_workers(vcpus) == workers


@pytest.mark.parametrize("vcpus", [0, -1, 1.5, "two", "", None, True])
def test_what_is_no_number_of_cpus(vcpus):
    with pytest.raises(AnsibleFilterError, match=r"gunicorn_workers: vcpus is .*, but must be a whole number"):
        gunicorn_workers(vcpus)
