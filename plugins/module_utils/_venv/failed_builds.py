# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that could not be built from their source: what that takes of Debian, and the end of what they said. Private to the collection.

Whoever lacks a compiler lacks the headers, too, and would learn of one after the other. So a package that is known is
told all at once.
"""

from __future__ import annotations

import re

_PACKAGE = re.compile(r"Failed to (?:download and )?build `([\w.-]+)")
# What says that the host lacks something, each with the package of Debian's that has it where that is not in the next table.
_LACKING = (
    r"command '\S*(?:gcc|cc|g\+\+|clang)' failed: No such file or directory",
    r"No such file or directory: '\S*(?:gcc|cc|g\+\+|make|cmake)'",
    r"fatal error: (?P<header>\S+\.h(?:pp)?): No such file or directory",
    r"(?P<program>[\w-]+) executable not found",
    r"/bin/sh: \d+: (?P<command>[\w-]+): not found",
    r"Can not find valid pkg-config name",
    r"Package '?(?P<configured>[\w.+-]+)'?(?:, required by '[^']+',)? (?:was )?not found(?: in the pkg-config search path)?",
    r"No such file or directory: '\S*(?P<tool>pkg-config|pkgconf)'|(?P<missing>pkg-config)\b.*\bnot found",
    r"Could not run (?P<configuration>[\w-]+)",
    r"libxml2 and libxslt development packages are installed",
    r"headers or library files could not be found for (?P<library>\w+)",
    r"cannot find -l(?P<linked>[\w+-]+)",
    r"Unknown compiler\(s\)",
    r"CMAKE_C(?:XX)?_COMPILER not set",
    r"can't find Rust compiler|requires Rust and Cargo|Rust toolchain",
)
# By a word in what was said, or by the name of the package.
_DEBIAN = {
    "cairo": "libcairo2-dev pkg-config",
    "curl": "libcurl4-openssl-dev libssl-dev",
    "dbus": "libdbus-1-dev pkg-config",
    "ffi": "libffi-dev",
    "freetype": "libfreetype-dev",
    "gdal": "libgdal-dev",
    "geos": "libgeos-dev",
    "girepository": "libgirepository1.0-dev pkg-config",
    "glib": "libglib2.0-dev pkg-config",
    "gobject": "libgirepository1.0-dev pkg-config",
    "hdf5": "libhdf5-dev pkg-config",
    "jpeg": "libjpeg-dev",
    "lber": "libldap-dev libsasl2-dev",
    "ldap": "libldap-dev libsasl2-dev",
    "magic": "libmagic-dev",
    "mysql": "default-libmysqlclient-dev pkg-config",
    "odbc": "unixodbc-dev",
    "openssl": "libssl-dev",
    "pg_config": "libpq-dev",
    "pkg-config": "pkg-config",
    "pq": "libpq-dev",
    "proj.h": "libproj-dev",
    "rust": "cargo",
    "sasl": "libldap-dev libsasl2-dev",
    "sqlext": "unixodbc-dev",
    "systemd": "libsystemd-dev pkg-config",
    "xml": "libxml2-dev libxslt1-dev",
    "xmlsec": "libxmlsec1-dev pkg-config",
    "xslt": "libxml2-dev libxslt1-dev",
    "zlib": "zlib1g-dev",
}
_OF = {
    "cffi": "ffi",
    "dbus-python": "dbus",
    "h5py": "hdf5",
    "lxml": "xml",
    "mysqlclient": "mysql",
    "pillow": "jpeg zlib freetype",
    "psycopg-c": "pq",
    "psycopg2": "pq",
    "pycairo": "cairo",
    "pycurl": "curl",
    "pygobject": "girepository cairo",
    "pyodbc": "odbc",
    "pyproj": "proj.h",
    "python-ldap": "ldap",
    "shapely": "geos",
    "systemd-python": "systemd",
    "xmlsec": "xmlsec",
}
# The same, built already.
_BUILT = {"psycopg2": "psycopg2-binary", "psycopg-c": "psycopg[binary]"}
# So many lines of what a build wrote to each of its outputs.
_LINES = 6


def remedy(said: str) -> str | None:
    """Return what is to be installed for a build that lacked something, by what uv said; None for any other failure."""
    failed = _PACKAGE.search(said)
    lacking = [found for found in (re.search(pattern, said, re.IGNORECASE) for pattern in _LACKING) if found]
    if not failed or not lacking:
        return None
    name = failed[1].lower().replace("_", "-")
    words = [word.lower() for found in lacking for word in [*found.groupdict().values(), found[0]] if word]
    parts = {part for part in _DEBIAN if any(re.search(rf"(?<![a-z]){part}|lib{part}", word) for word in words)}
    parts |= set(_OF.get(name, "").split())
    packages = sorted({"build-essential", "python3-dev", *(each for part in parts for each in _DEBIAN[part].split())})
    instead = _BUILT.get(name, "a version of which the index has a wheel for this Python")
    return (
        f"gunicorn_packages: [{', '.join(packages)}]: building {failed[1]} from its source takes these; or require {instead} in "
        "its place, which is built already"
    )


def shortened(said: str) -> str:
    """Return what uv said with the last lines alone of what a build wrote."""
    kept: list[str] = []
    output: list[str] = []
    inside = False
    for line in said.splitlines():
        if re.fullmatch(r" *\[std(?:out|err)\]", line):
            kept += [*output[-_LINES:], line]
            inside, output = True, []
        elif inside and re.match(r" *(?:hint|cause|help): ", line):
            kept += [*output[-_LINES:], line]
            inside, output = False, []
        elif inside:
            output += [line] if line.strip() else []
        else:
            kept.append(line)
    return "\n".join([*kept, *output[-_LINES:]])
