# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a git server by ssh for a git that may know no key. Private to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import IO

# Seconds to be connected in, and for which a server may say nothing at all.
_CONNECTED_BY = 30
SILENT_FOR = 60
# What git runs for ssh: it hands over its arguments and its three streams, and has the exit status of what ran with them.
_STAND_IN = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as way:
    way.connect(os.path.join(os.path.dirname(sys.argv[0]), "way"))
    asked = [os.environ.get("GIT_PROTOCOL", ""), *sys.argv[1:]]
    socket.send_fds(way, [json.dumps(asked).encode()], [0, 1, 2])
    status = way.recv(1)
sys.exit(status[0] if status else 255)
"""
_LONGEST = 1 << 16
_HOST = re.compile(r"[\w.\[\]:%@+~][\w.\[\]:%@+~-]*", re.ASCII)
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_PROTOCOL = re.compile(r"[\w=:.]*", re.ASCII)
# What git and git-lfs have a server run when they read: one word in quotes of the shell's.
_QUOTED = r"'(?:[^'!]|'\\['!]')*'"
_READ = re.compile(rf"git-upload-pack {_QUOTED}|git-lfs-(?:authenticate|transfer) (?:{_QUOTED}|[\w./~@:+-]+) download")


class Ssh:
    """ssh with the rights and the settings of whoever runs this, who lends it to a git that has neither.

    `key` is the text of a private key, to be used alone; `known_hosts` are the host keys that count instead of those that
    the host knows. They are on no disk and in no process list.
    """

    def __init__(self, key: str | None, known_hosts: str | None):
        self._files = {name: _in_memory(text) for name, text in (("key", key), ("known_hosts", known_hosts)) if text}

    @property
    def knows_hosts(self) -> bool:
        """Say whether the host keys that count were given."""
        return "known_hosts" in self._files

    @contextlib.contextmanager
    def lent(self, folder: str) -> Iterator[str]:
        """Yield the command that stands in for ssh wherever the `folder` is seen; nothing of it runs when this ends."""
        script = os.path.join(folder, "ssh")
        with open(script, "w", encoding="utf-8") as file:
            file.write(_STAND_IN)
            os.fchmod(file.fileno(), 0o644)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, _Running() as running:
            listener.bind(os.path.join(folder, "way"))
            os.chmod(os.path.join(folder, "way"), 0o666)
            listener.listen()
            thread = threading.Thread(target=self._listen, args=(listener, running), daemon=True)
            thread.start()
            try:
                yield f"/usr/bin/python3 -I -S {script}"
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _listen(self, listener: socket.socket, running: _Running) -> None:
        # It raises when nobody is to come any more.
        with contextlib.suppress(OSError):
            while True:
                way = listener.accept()[0]
                threading.Thread(target=self._connect, args=(way, running), daemon=True).start()

    def _connect(self, way: socket.socket, running: _Running) -> None:
        """Run ssh for one who asks, on their streams, if it is to read a repository."""
        with way, contextlib.suppress(OSError):
            told, streams, _flags, _address = socket.recv_fds(way, _LONGEST, 3)
            status = 255
            try:
                status = running.run(*self._asked(told), streams)
            except (TypeError, ValueError) as error:
                os.write(streams[-1], f"ssh is lent to read repositories alone: {error}\n".encode())
            except OSError as error:
                os.write(streams[-1], f"cannot run ssh: {error}\n".encode())
            finally:
                for stream in streams:
                    os.close(stream)
            way.send(bytes([status & 0xFF]))

    def _asked(self, told: bytes) -> tuple[list[str], dict[str, str]]:
        """Return the command and its environment for what was asked. Raises ValueError where it is not to be had."""
        protocol, *argv = map(str, json.loads(told))
        options = []
        while argv and argv[0].startswith("-"):
            option = argv.pop(0)
            if option == "-p" and argv and _PORT.fullmatch(argv[0]):
                options += ["-p", argv.pop(0)]
            elif option == "-o" and argv and argv[0] == "SendEnv=GIT_PROTOCOL":
                options += ["-o", argv.pop(0)]
            elif option != "--":
                raise ValueError(f"{option!r} is more than that takes")
        host, command = argv[0] if argv else "", " ".join(each for each in argv[1:] if each != "--")
        if not _HOST.fullmatch(host) or not _READ.fullmatch(command):
            raise ValueError(f"{command!r} on {host!r} is something else")
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        if _PROTOCOL.fullmatch(protocol):
            environment["GIT_PROTOCOL"] = protocol
        return [*self._command(), *options, "--", host, command], environment

    def _command(self) -> list[str]:
        settings = ["BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={_CONNECTED_BY}"]
        settings += [f"ServerAliveInterval={SILENT_FOR // 4}", "ServerAliveCountMax=4"]
        # Of what the host's settings may add, nothing but the streams goes through.
        settings += ["ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes"]
        if "key" in self._files:
            settings += ["IdentitiesOnly=yes", "IdentityAgent=none"]
        if "known_hosts" in self._files:
            only = _path(self._files["known_hosts"])
            settings += [f"UserKnownHostsFile={only}", "GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no"]
        identity = ["-i", _path(self._files["key"])] if "key" in self._files else []
        return ["ssh", *(word for each in settings for word in ("-o", each)), *identity]


class _Running:
    """What runs for those who asked; it is ended with this."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._ended = False

    def __enter__(self) -> _Running:
        return self

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._ended = True
            for process in self._processes:
                if process.poll() is None:
                    # With what ssh itself started, such as the command of a proxy.
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, argv: list[str], environment: dict[str, str], streams: list[int]) -> int:
        """Run a command on these three streams, and return its exit status."""
        stdin, stdout, stderr = streams
        with self._lock:
            if self._ended:
                raise OSError("it is too late")
            # AnsibleModule.run_command is not to be had below the modules, and the streams are somebody's own.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
                argv, stdin=stdin, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
            )
            self._processes.append(process)
        return process.wait()


def _in_memory(text: str) -> IO[str]:
    """Return a file for this process and those it starts: on no disk, and gone however this process ends."""
    file = os.fdopen(os.memfd_create("pyweb-stack"), "w", encoding="utf-8")
    # ssh takes no key that others might read, and none without its last newline.
    os.fchmod(file.fileno(), 0o600)
    file.write(text.strip() + "\n")
    file.flush()
    return file


def _path(file: IO[str]) -> str:
    return f"/proc/{os.getpid()}/fd/{file.fileno()}"
