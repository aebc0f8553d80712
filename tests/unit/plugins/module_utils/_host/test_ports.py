# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address, asked of this machine's own kernel."""

from __future__ import annotations

import os
import socket

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import ports


def test_an_address_that_this_process_has(listening):
    assert ports.fault(listening).startswith("the process ")
    assert f"({os.getpid()}" in ports.fault(listening)
    assert ports.fault(listening).endswith(" listens there already")


def test_an_address_that_a_listener_on_all_addresses_has():
    with socket.create_server(("", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert f"({os.getpid()}" in ports.fault(address)
        assert not ports.listens(str(os.getpid()), address)


def test_the_same_port_of_another_address_is_free(listening):
    assert ports.fault(listening.replace("127.0.0.1", "127.0.0.2")) is None


def test_connections_that_end_do_not_take_an_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with socket.create_connection((host, port)) as client:
            # Who ends first has to wait.
            server.accept()[0].close()
            assert client.recv(1) == b""
    assert ports.fault(f"{host}:{port}") is None


@pytest.mark.skipif(not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"), reason="this system has no IPv6")
def test_an_ipv6_address():
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        assert "this host can't listen there" in ports.fault("[::1]:9999")
        return
    with server:
        assert f"({os.getpid()}" in ports.fault(f"[::1]:{server.getsockname()[1]}")


def test_an_address_that_the_host_does_not_have():
    assert ports.fault("192.0.2.1:9999") == "this host can't listen there (Cannot assign requested address)"


def test_a_process_listens_where_it_does_and_not_where_that_is_covered(listening):
    port = listening.rpartition(":")[2]
    pid = str(os.getpid())
    assert ports.listens(pid, listening)
    assert not ports.listens(pid, f"0.0.0.0:{port}")
    assert not ports.listens(pid, f"[::]:{port}")
    assert not ports.listens("1", listening)
    assert f"({pid}" in ports.fault(f"0.0.0.0:{port}")


def test_a_listener_is_one_on_the_address_or_on_all():
    for bound, there in (("127.0.0.1", True), ("", True), ("127.0.0.2", False)):
        with socket.create_server((bound, 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            assert ports.has_listener(address) == there
            assert not ports.has_listener(address.replace("127.0.0.1", "[::1]"))
        assert not ports.has_listener(address)
    # Where nobody can listen, nobody does.
    assert not ports.has_listener("192.0.2.1:9999")
