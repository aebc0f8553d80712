"""What an app leaves on the server while releases come and go; runs on the server, and prints a line for each kind of trace.

Releases and what is named at random are told as one, with how many there are. As many deploys as one likes must not change it.
"""

import collections
import os
import pathlib
import re
import subprocess

RANDOM = re.compile(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{12}\b|(?<=-)[A-Za-z0-9_]{6}\b|\d{3,}")
# Where a trace could be, and what there changes by itself: the journal's files and Ansible's own.
FOLDERS = ("/etc/systemd", "/etc/nginx", "/run", "/srv/shop", "/tmp", "/usr/local", "/var/lib", "/var/tmp")
MOVING = ("/run/log", "/run/systemd/journal", "/run/udev", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd")


def plain(text):
    """Return a name without what is random in it."""
    return RANDOM.sub("*", text)


def files():
    """Yield what lies in the folders; of a source or an environment only that it is there."""
    for top in FOLDERS:
        for folder, folders, names in os.walk(top):
            yield from (os.path.join(folder, name) for name in folders + names)
            inner = re.fullmatch(r"/srv/shop/(sources|venvs)", folder)
            folders[:] = [] if inner else [each for each in folders if os.path.join(folder, each) not in MOVING]


def processes():
    """Yield what runs, but for what runs this."""
    mine = {os.getpid(), os.getppid()}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        if int(path.name) not in mine and "ansible" not in command:
            yield command


def descriptors():
    """Yield what systemd and nginx have open."""
    masters = [
        path for path in pathlib.Path("/proc").glob("[0-9]*") if b"nginx: master" in (path / "cmdline").read_bytes()
    ]
    for process in [pathlib.Path("/proc/1"), *masters]:
        for path in (process / "fd").iterdir():
            yield f"{'systemd' if process.name == '1' else 'nginx'} {os.readlink(path).partition(':')[0]}"


def units():
    """Yield the units that systemd has in memory."""
    argv = ["systemctl", "list-units", "--all", "--plain", "--no-legend"]
    for line in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines():
        yield " ".join(line.split()[:4])


def cgroups():
    """Yield the groups below the server's own, in each hierarchy that the kernel has."""
    for line in pathlib.Path("/proc/1/cgroup").read_text().splitlines():
        own = line.split(":", 2)[2].removesuffix("/init.scope").lstrip("/")
        for hierarchy in ("", *os.listdir("/sys/fs/cgroup")) if own else ():
            for folder, folders, _files in os.walk(pathlib.Path("/sys/fs/cgroup", hierarchy, own)):
                yield from (os.path.join(folder, name) for name in folders)


def mounts():
    """Yield what is mounted where, for systemd."""
    return (line.split()[4] for line in pathlib.Path("/proc/1/mountinfo").read_text().splitlines())


for look in (files, processes, descriptors, units, cgroups, mounts):
    for what, number in sorted(collections.Counter(map(plain, look())).items()):
        print(look.__name__, number, what)
