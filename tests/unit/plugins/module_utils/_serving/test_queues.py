# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits on a unix socket, by real ones."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._serving import queues


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "app.sock"))
        listener.listen(8)
        yield listener


def test_who_waits_and_who_was_accepted(listener, tmp_path):
    path = listener.getsockname()
    clients = [socket.socket(socket.AF_UNIX) for _client in range(3)]

    assert queues.length(path) == (0, 0)
    for client in clients:
        client.connect(path)
    assert queues.length(path) == (3, 0)
    accepted, _address = listener.accept()
    assert queues.length(path) == (2, 1)
    assert queues.length(str(tmp_path / "app")) == (0, 0)
    accepted.close()
    assert queues.length(path) == (2, 0)

    for client in clients:
        client.close()


def test_a_path_with_blanks(tmp_path):
    path = str(tmp_path / "my app.sock")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        listener.listen(1)
        client.connect(path)
        assert queues.length(path) == (1, 0)
