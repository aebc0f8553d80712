"""Makes a mirror of python-build-standalone that has one build: Debian's own Python, as a patch of it that no host has."""

import hashlib
import json
import pathlib
import platform
import sys
import tarfile

MIRROR = pathlib.Path("/opt/mirror")
RELEASES = "https://github.com/astral-sh/python-build-standalone/releases/download"
BUILD, PATCH, MACHINE = "20261110", 99, platform.machine()
MAJOR, MINOR = sys.version_info[:2]

name = f"cpython-{MAJOR}.{MINOR}.{PATCH}+{BUILD}-{MACHINE}-unknown-linux-gnu-install_only_stripped.tar.gz"
archive = MIRROR / BUILD / name
archive.parent.mkdir(parents=True)
# Debian has links to /etc in there.
with tarfile.open(archive, "w:gz", compresslevel=1, dereference=True) as files:
    files.add(f"/usr/bin/python{MAJOR}.{MINOR}", f"python/bin/python{MAJOR}.{MINOR}")
    files.add(f"/usr/lib/python{MAJOR}.{MINOR}", f"python/lib/python{MAJOR}.{MINOR}")
known = {
    "name": "cpython",
    "arch": {"family": MACHINE, "variant": None},
    "os": "linux",
    "libc": "gnu",
    "major": MAJOR,
    "minor": MINOR,
    "patch": PATCH,
    "prerelease": "",
    "url": f"{RELEASES}/{BUILD}/{name.replace('+', '%2B')}",
    "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
    "variant": None,
    "build": BUILD,
}
key = f"cpython-{MAJOR}.{MINOR}.{PATCH}-linux-{MACHINE}-gnu"
(MIRROR / "known.json").write_text(json.dumps({key: known}), encoding="utf-8")
