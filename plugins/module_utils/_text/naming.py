# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be called what. Private to the collection.

Every function takes a value as the user wrote it and returns what is wrong with it as the rest of a sentence
whose subject is the variable ("is …, but must …"), or None. Nothing here looks at a host.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re

# A dash would nest systemd slices, and 31 characters keep socket paths below the kernel's 107 bytes.
APP_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
APP_NAME_LENGTH = 31
# Older ones lack what the roles ask of gunicorn, or don't run on the Pythons of today.
OLDEST_GUNICORN = 23
# The release that the last deploy replaced, as a user asks for it.
PREVIOUS = "previous"
# Names to each Python of an app the file that it runs first.
START_VARIABLE = "PYWEB_STACK_START"

_HOST_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_SERVER_NAME = re.compile(rf"(?:\*\.)?{_HOST_LABEL}(?:\.{_HOST_LABEL})*", re.IGNORECASE | re.ASCII)
# In a map they are no values.
_WORDS_OF_MAPS = ("default", "hostnames", "include", "volatile")
# What the service's sandbox hides from an app: ProtectHome and PrivateTmp.
_HIDDEN = re.compile(r"(/root|/home|/run/user|/tmp|/var/tmp)(/|$)")
# What the kernel or systemd makes anew at each boot.
_PASSING = re.compile(r"(/run|/var/run|/var/lock|/dev|/proc|/sys)(/|$)")
# What other tools lock or configure with; anything else may be a requirements file.
_NO_REQUIREMENTS = re.compile(r"Pipfile|.*\.(?:lock|toml|ya?ml|json|cfg|py)")
_READ_ALL_THE_SAME = re.compile(r"pyproject\.toml|pylock(?:\.[^.]+)?\.toml|(?:uv|Pipfile|poetry|pdm)\.lock")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?:=[A-Za-z0-9.+~:-]+)?")
_INDEX_URL = re.compile(r"https?://(?:[^/@\s?#]+@)?[^/@\s?#]+(?:/[^@\s?#]*)?", re.IGNORECASE | re.ASCII)
_ENV_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH_PART = r"[\w.@+~-]+(?: +[\w.@+~-]+)*"
_RELATIVE_PATH = re.compile(rf"{_PATH_PART}(?:/{_PATH_PART})*/?")
_SIZE = re.compile(r"([0-9]{1,20})([kKmMgG]?)")
_LOCATION = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*")
_COMPARED = re.compile(r"/(?:[\w.~-]+/)*[\w.~-]*", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?")
_DEFAULT_PORT = re.compile(r"http:.*:80|https:.*:443")
_URL_PATH = re.compile(r"/[A-Za-z0-9._~!&'()*+,=:@%/?-]*")


def app_name(value: object) -> str | None:
    """The name of an app: `gunicorn_name`, `nginx_site_app`."""
    if isinstance(value, str) and APP_NAME.fullmatch(value) and len(value) <= APP_NAME_LENGTH:
        return None
    return (
        f"is {value!r}, but must be lower-case letters and digits in words joined by single underscores, "
        f"beginning with a letter, at most {APP_NAME_LENGTH} characters: for instance 'shop' or 'my_shop'"
    )


def relative_path(value: object) -> str | None:
    """A path inside a source tree."""
    if isinstance(value, str) and _RELATIVE_PATH.fullmatch(value) and ".." not in value.split("/"):
        return None
    return f"is {value!r}, but must be a path inside the source, relative to its top and without '..'"


def absolute_path(value: object) -> str | None:
    """A path on the target that may stand in unit files and nginx's configuration as it is."""
    if isinstance(value, str) and re.fullmatch(r"(?:/[\w.@+-]+)+", value) and not {".", ".."} & set(value.split("/")):
        return None
    return (
        f"is {value!r}, but must be an absolute path of letters, digits and '._@+-', without '..' or '.' as a folder and "
        "without a slash at the end"
    )


def loopback_address(value: object) -> str | None:
    """An address of the host itself and a port: `gunicorn_bind`."""
    match = re.fullmatch(r"(?:\[([^]]*)\]|([^:]*)):([0-9]+)", value) if isinstance(value, str) else None
    if not match:
        return f"is {value!r}, but must be a loopback address and a port, such as '127.0.0.1:9999' or '[::1]:9999'"
    port = match[3]
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        return f"is {value!r}, but the port must be from 1 to 65535"
    try:
        address = ipaddress.IPv6Address(match[1]) if match[2] is None else ipaddress.IPv4Address(match[2] or "0.0.0.0")
    except ValueError:
        return f"is {value!r}, but must have an address instead of a name, such as '127.0.0.1:{port}'"
    # Of IPv6 only ::1: in mapped IPv4 addresses Python finds loopback or not, by its version.
    if not (address == ipaddress.IPv6Address("::1") or (address.version == 4 and address.is_loopback)):
        return (
            f"is {value!r}, which is not this host's own loopback, but gunicorn belongs behind a proxy that buffers: "
            f"write '127.0.0.1:{port}', and let the role nginx_site face the network"
        )
    return None


def server_name(value: object) -> str | None:
    """A host name of a site; `*.example.com` is allowed, regular expressions are not."""
    remedy = _remedy_for_name(value) if isinstance(value, str) else None
    if remedy:
        return f"has {value!r}, but {remedy}"
    if isinstance(value, str) and len(value) <= 253 and _SERVER_NAME.fullmatch(value):
        return None
    return f"has {value!r}, but must list host names such as 'www.example.com' or '*.example.com'"


def _remedy_for_name(text: str) -> str | None:
    """Say what to write for what is often written for a host name, but is none."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(text.strip("[]"))
        return "that is an address: for a site that answers to addresses leave nginx_site_server_names empty"
    if "://" in text:
        host = re.sub(r"^.*?://|[/:].*", "", text)
        return f"that is a URL: write its host alone, {host!r}" if _SERVER_NAME.fullmatch(host) else None
    if match := re.fullmatch(r"(.*[^:]):[0-9]+", text, re.ASCII):
        return f"the site is on port 80, with nginx_site_tls on 443, and a name has none: write {match[1]!r}"
    if text.startswith(".") and _SERVER_NAME.fullmatch(text[1:]):
        return f"that stands for two names: list {text[1:]!r} and {'*' + text!r}"
    if text.endswith(".") and _SERVER_NAME.fullmatch(text[:-1]):
        return f"browsers leave the last dot out: write {text[:-1]!r}"
    if text == "_":
        return "that is no name: for a site that answers to every name leave nginx_site_server_names empty"
    if text.lower() in _WORDS_OF_MAPS:
        return "that is a word of nginx's own: give the host another name"
    with contextlib.suppress(UnicodeError):
        ascii_name = text.encode("idna").decode()
        if not text.isascii() and _SERVER_NAME.fullmatch(ascii_name):
            return f"nginx compares names as browsers send them: write {ascii_name!r}"
    return None


def interpreter(value: object) -> str | None:
    """A Python on the target."""
    if not str(value).startswith("/"):
        return f"is {value!r}, but must be a version such as '3.13', or an absolute path on the target"
    return _hidden(value, "have an interpreter in another place, such as below /opt") or absolute_path(value)


def app_root(value: object) -> str | None:
    """The folder on the target in which that of an app is: `gunicorn_root`."""
    remedy = "choose another folder, such as /srv or /opt"
    passing = _PASSING.match(str(value))
    if passing and not _HIDDEN.match(str(value)):
        return f"is {value!r}, but {passing[1]} is empty after a boot: {remedy}"
    return _hidden(value, remedy) or absolute_path(value)


def requirements_file(value: object) -> str | None:
    """A file in the source that says what the app needs."""
    name = str(value).rpartition("/")[2]
    if not _READ_ALL_THE_SAME.fullmatch(name) and _NO_REQUIREMENTS.fullmatch(name):
        return (
            f"is {value!r}, but must be a requirements file, a lock (uv.lock, pylock.toml, Pipfile.lock, poetry.lock, "
            "pdm.lock), or a pyproject.toml with a [project] table; most other tools can export a requirements file"
        )
    return relative_path(value)


def own_requirements_file(value: str) -> str | None:
    """A file on the controller that says what the app needs."""
    if _READ_ALL_THE_SAME.fullmatch(value.rpartition("/")[2]) or requirements_file(value.lstrip("/")):
        return (
            f"is {value!r}, an absolute path, which is on the controller, where it must be a requirements file: a lock or "
            "a pyproject.toml counts in the source alone"
        )
    return None


def mirror(value: object) -> str | None:
    """Where interpreters come from. What is wrong with it does not show it, as it may hold a password."""
    if isinstance(value, str) and (_INDEX_URL.fullmatch(value) or absolute_path(value) is None):
        return None
    return "must be an http or https URL, or the absolute path of a folder on the target"


def group(value: object) -> str | None:
    """A dependency group or an extra."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", value):
        return None
    return f"has {value!r}, but must list names of dependency groups or extras, such as 'postgres'"


def package(value: object) -> str | None:
    """A Debian package, perhaps with its version."""
    if isinstance(value, str) and _PACKAGE.fullmatch(value):
        return None
    return f"has {value!r}, but must list Debian packages such as 'libpq-dev' or 'libpq-dev=15.14-0+deb12u1'"


def index_url(value: object) -> str | None:
    """The URL of an index of packages. What is wrong with it does not show it, as it may hold a password."""
    if isinstance(value, str) and _INDEX_URL.fullmatch(value):
        return None
    return (
        "has a url that is none: it must be such as https://pypi.example.com/simple, perhaps with user:password@ before the "
        "host; characters such as @, / and : in these are written in percent code"
    )


def env_key(value: object) -> str | None:
    """The name of an environment variable."""
    if isinstance(value, str) and _ENV_KEY.fullmatch(value):
        return None
    return f"has the name {value!r}, but names are letters, digits and underscores, not beginning with a digit"


def size(value: object) -> str | None:
    """A size as nginx writes it: bytes, or with `k`, `m` or `g`."""
    match = _SIZE.fullmatch(str(value))
    if not match:
        return f"is {value!r}, but must be a number of bytes, or one followed by k, m or g: for instance '10m'"
    if int(match[1]) == 0:
        return (
            f"is {value!r}, but to nginx that is no limit at all: write the largest that the app can take, such as '1g'"
        )
    if int(match[1]) * 1024 ** " kmg".index(match[2].lower() or " ") >= 2**63:
        return f"is {value!r}, but nginx can't count that far: write the largest that the app can take, such as '1g'"
    return None


def url_path(value: object) -> str | None:
    """An absolute path of a URL."""
    if isinstance(value, str) and _URL_PATH.fullmatch(value):
        return None
    return f"is {value!r}, but must be a URL path beginning with '/', percent-encoded where it needs to be"


def compared_path(value: object) -> str | None:
    """A URL path as nginx compares it: what was asked for without `//`, `/./` and `/../`."""
    if isinstance(value, str) and _COMPARED.fullmatch(value) and not {".", ".."} & {*value.split("/")}:
        return None
    return (
        f"has the path {value!r}, but it must be a URL path of letters, digits and '._~-/' that begins with '/', without '//' "
        "and without '.' or '..' as a part"
    )


def location(value: object) -> str | None:
    """The URL prefix of what goes to an app."""
    if isinstance(value, str) and _LOCATION.fullmatch(value):
        return None
    return f"is {value!r}, but must be a URL path of letters, digits and '._~-' that begins and ends with '/': for instance '/shop/'"


def file_name(value: object) -> str | None:
    """The name of a file in whatever folder."""
    if isinstance(value, str) and _FILE_NAME.fullmatch(value):
        return None
    return f"has {value!r}, but must list names of files such as 'index.html'"


def origin(value: object) -> str | None:
    """An origin as browsers write it (RFC 6454): nothing else is ever equal to what they send."""
    if isinstance(value, str) and _ORIGIN.fullmatch(value) and not _DEFAULT_PORT.fullmatch(value):
        return None
    return (
        f"has {value!r}, but must list origins as browsers send them, in lower case, without a path and without the "
        "scheme's own port: for instance 'https://app.example.com'"
    )


def _hidden(value: object, remedy: str) -> str | None:
    hidden = _HIDDEN.match(str(value))
    return hidden and f"is {value!r}, but the service's sandbox hides {hidden[1]} from the app: {remedy}"
