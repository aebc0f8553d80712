# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build lacked leads to the packages of Debian that it takes."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv.failed_builds import remedy, shortened

SAID = """error: Failed to build `{0}==1.0`
  cause: The build backend returned an error

         [stdout]
         {1}
         last of it

         [stderr]
         {2}

hint: `{0}` (v1.0) was included because of something
"""
NO_COMPILER = "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory"


def _said(package, lacking):
    return SAID.format(package, "\n         ".join(f"copying {n}" for n in range(40)), lacking)


@pytest.mark.parametrize(
    ("package", "lacking", "packages"),
    [
        ("psycopg-c", NO_COMPILER, "build-essential, libpq-dev, python3-dev"),
        ("psycopg2", "Error: pg_config executable not found.", "build-essential, libpq-dev, python3-dev"),
        ("psycopg_c", "FileNotFoundError: [Errno 2] No such file or directory: 'gcc'", "build-essential, libpq-dev"),
        (
            "mysqlclient",
            "/bin/sh: 1: pkg-config: not found",
            "build-essential, default-libmysqlclient-dev, pkg-config, python3-dev",
        ),
        (
            "pycurl",
            "Could not run curl-config: [Errno 2] No such file or directory: 'curl-config'",
            "build-essential, libcurl4-openssl-dev, libssl-dev, python3-dev",
        ),
        ("ourown", "fatal error: Python.h: No such file or directory", "build-essential, python3-dev"),
        ("ourown", "fatal error: ffi.h: No such file or directory", "build-essential, libffi-dev, python3-dev"),
        ("ourown", "fatal error: lber.h: No such file or directory", "libldap-dev, libsasl2-dev, python3-dev"),
        ("ourown", "/usr/bin/ld: cannot find -lz: No such file\n/usr/bin/ld: cannot find -lmagic", "build-essential, "),
        (
            "Pillow",
            "The headers or library files could not be found for jpeg,",
            "build-essential, libfreetype-dev, libjpeg-dev, python3-dev, zlib1g-dev",
        ),
        (
            "pycairo",
            "Package cairo was not found in the pkg-config search path.",
            "build-essential, libcairo2-dev, pkg-config, python3-dev",
        ),
        (
            "ourown",
            "Package 'dbus-1', required by 'virtual:world', not found",
            "build-essential, libdbus-1-dev, pkg-config",
        ),
        ("pygobject", "ERROR: Program 'pkg-config' not found", "libcairo2-dev, libgirepository1.0-dev, pkg-config"),
        ("lxml", "make sure the libxml2 and libxslt development packages are installed.", "libxml2-dev, libxslt1-dev"),
        ("pydantic-core", "error: can't find Rust compiler", "build-essential, cargo, python3-dev"),
    ],
)
def test_a_build_that_lacks_something_takes_debians_packages(package, lacking, packages):
    said = remedy(_said(package, lacking))
    assert said.startswith("gunicorn_packages: [")
    assert packages in said.partition("]")[0]


def test_what_is_built_already_stands_in_for_it():
    assert "require psycopg2-binary in its place" in remedy(_said("psycopg2", NO_COMPILER))
    assert "of which the index has a wheel for this Python" in remedy(_said("ourown", NO_COMPILER))


@pytest.mark.parametrize("said", [_said("shop", "KeyError: '__version__'"), NO_COMPILER, ""])
def test_other_failures_are_not_explained_so(said):
    assert remedy(said) is None


def test_of_what_a_build_wrote_its_end_is_shown():
    said = shortened(_said("psycopg-c", NO_COMPILER)).splitlines()
    assert [line.strip() for line in said if line.strip()] == [
        "error: Failed to build `psycopg-c==1.0`",
        "cause: The build backend returned an error",
        "[stdout]",
        *(f"copying {n}" for n in range(35, 40)),
        "last of it",
        "[stderr]",
        NO_COMPILER,
        "hint: `psycopg-c` (v1.0) was included because of something",
    ]
    assert shortened("error: No solution found\n  cause: shop needs more") == (
        "error: No solution found\n  cause: shop needs more"
    )
