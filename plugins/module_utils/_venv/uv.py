# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinned installer uv, and where it takes packages from. Private to the collection."""

from __future__ import annotations

import configparser
import copy
import glob
import netrc
import os
import platform
import re
import urllib.parse

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, proxies, sandboxes, scratch, shell
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._text import urls
from ansible_collections.pyweb.stack.plugins.module_utils._venv import failed_builds

VERSION = "0.13.9"
# SHA-256 of each file of it on the index, whatever kind of machine that is for: `uv pip compile --generate-hashes` lists them.
HASHES = (
    "16963d19594e18d746a70c7fce82237bde4f2cac4cfcf0ca2b84796fe9d0c6e9",
    "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25",
    "3eeeb51a267a2144640fcd8f38d4a2f63439b39bc47445fd84727c3fc462c843",
    "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    "56ec37616c00220032fc7b8c9d0ef51367fd0d70d9cd6ddd841660f949f84fed",
    "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
    "6a44b2ed8111d2f60d2b92627c5dccda3f7ed7570b18ce115e569cd68c28246b",
    "6b0c7b9f47a5d011939d61e324d3fe18a8bc155d8dd53add738709a92f290a7c",
    "6d5114bba238adddacb32fb11904f2b3ff4e988f8e9ff0d8d3b5e9822cf836b8",
    "7ec1e1dd9b6cb335c301afdf877989df384227313981850755a59561f75e4ab8",
    "a2ee66fe8b6608e1482ab1bde5799da04705c1cb40324c7f66054ecf46ae6e40",
    "a6e845f387e4ed55bb59342957a9179e24a631fcc7668bda3426ae1cef8ed4b9",
    "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
    "c5dbdb7c8737cd183a9dce95b39cfd1f3d54ec2a27a1bb58f160293f9ba2c805",
    "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    "db5c8df7145c21ffea9c0f74e38823bac3af60cbadf0e26b8633f08627b17bab",
    "dd6f4f93ddf8a668c73f0945f3638444b2140a4e15a3912067493fc6335543e4",
    "ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375",
    "eeb92051c2123b9730c46b04cc843cfa4bc7d7b0aec56df431a2215ef4cb0273",
)
# Tools of the host, not of an app: every app shares them.
FOLDER = "/usr/local/lib/pyweb-stack"
# Debian's own pip as a wheel, from the package python3-pip-whl: enough to fetch uv, and nothing gets installed.
_PIP_WHEELS = "/usr/share/python-wheels/pip-*.whl"
_PIP_OF_ALL = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# Of this process's environment what builds are told as well: how to compile, the way out, and what is uv's. The rest, such as
# a token that a play needs elsewhere, is no business of theirs.
_PASSED_ON = re.compile(
    r"(LANG|LC_\w+|TZ|CC|CXX|AR|LD|FC|(C|CXX|CPP|LD|F|RUST)FLAGS|MAKEFLAGS|(CMAKE|PKG_CONFIG|CARGO|RUST|SETUPTOOLS_SCM|UV|SSL_CERT)_\w+"
    r"|(?i:(http|https|all|no)_proxy))"
)
# Of what is uv's those that may be secret.
_SECRET = re.compile(r"UV_\w*(USERNAME|PASSWORD|TOKEN)\w*")
# Where uv has Pythons from, no business of builds.
_OF_PYTHONS = ("UV_PYTHON_INSTALL_MIRROR", "UV_PYPY_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL")
# Seconds until a build is given up, all of its packages together, and until the installer itself is.
END = 3600
_FETCHED_BY = 600
# Of pip's settings those that say where packages are.
_PLACES = ("index-url", "extra-index-url", "find-links", "no-index")
# The same as variables of uv, each with what separates several values.
_OF_UV = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "proxy": ("ALL_PROXY", " "),
}
_UNKNOWN_AUTHORITY = (
    "gunicorn_index.ca: name a file with the certificate of the authority that signed that of the index"
)
_NO_CREDENTIALS = "gunicorn_index.url: the index has no such package, or doesn't take the user and password of the URL"
_PRIVATE_REPOSITORY = (
    "gunicorn_source: where it is a git repository, its ssh_key and known_hosts serve what is required by git+ssh://, but not "
    "the submodules of that. Else have the package on the index, or in a submodule of the source, required by its path, such "
    "as ./libs/name"
)
# What uv and pip say, and what to do about it.
_REMEDIES = {
    "Permission denied (publickey": _PRIVATE_REPOSITORY,
    "Host key verification failed": _PRIVATE_REPOSITORY,
    # What ssh says to an account that is made for the occasion.
    "No user exists for uid": _PRIVATE_REPOSITORY,
    "could not read Username": _PRIVATE_REPOSITORY,
    "No module named 'pkg_resources'": (
        "gunicorn_requirements: a package's own setup needs pkg_resources, which setuptools no longer has: ask for a newer "
        "version of that package, or one of which there is a wheel"
    ),
    "pkg-resources was not found": (
        "gunicorn_requirements_file: pkg-resources is no package, though `pip freeze` writes pkg-resources==0.0.0 in environments of "
        "older Debians and Ubuntus: take that line out"
    ),
    "Distribution not found at: file://": (
        "gunicorn_requirements_file: it has a path of the machine that it was made on, as `pip freeze` writes it in conda's "
        "environments: have `pip list --format=freeze` write it"
    ),
    "Git sources cannot be editable": (
        "gunicorn_requirements_file: take out the -e in front of git+, as nobody edits a repository where an app is deployed"
    ),
    "no wheels with a matching platform tag": (
        "gunicorn_requirements_file: take out what is for another system alone, such as pywin32, or let its line end in "
        "; sys_platform == 'win32'"
    ),
    "UnknownIssuer": _UNKNOWN_AUTHORITY,
    "CERTIFICATE_VERIFY_FAILED": _UNKNOWN_AUTHORITY,
    "Git executable not found": "gunicorn_packages: list git, from which some requirements come",
    "401 Unauthorized": _NO_CREDENTIALS,
    "No space left on device": "gunicorn_root, or the cache in /var/cache: make room on the file system named above",
    "Request failed after": (
        "gunicorn_index.url, pip's configuration on the host, or an index that the requirements name: what is named above doesn't "
        "answer"
    ),
    "DO NOT MATCH THE HASHES": (
        f"gunicorn_index: it has a file of uv {VERSION} that is not the one that its authors made: look where that comes from"
    ),
    # All that pip says of it.
    "(from versions: none)": _NO_CREDENTIALS,
}
# A bound that no Python of today meets is nobody's remedy.
_NEWER_PYTHON = re.compile(r"(?:does not satisfy|requires) Python\s*>=?\s*(3)\.(\d+)")
_ABOUT_WHEELS = (
    "gunicorn_index.wheels: {0} must hold uv, gunicorn, every requirement and what these need, also to be built. On a "
    "machine with network, of the same kind and with the same Python, this fills it: "
    f"pip download --dest {{0}} uv=={VERSION} gunicorn==... -r requirements.txt"
)


class UvError(Exception):
    """The installer failed; the message names the variable and what it said."""


class Index:
    """Where packages come from: what `given`, as `gunicorn_index` is, says, and else pip's settings on this host.

    uv and pip learn it from their environment, since everybody can read their arguments. `cache` is the folder for what
    uv fetches, None where it must not stay. Raises UvError where a file or folder is missing.
    """

    def __init__(self, given: dict[str, str], cache: str | None = None):
        self.cache = cache
        self.wheels = given.get("wheels")
        self.pythons = given.get("pythons")
        ca = given.get("ca")
        self._settings = _pip_settings()
        # What stands in for others, by its address, and what it says.
        self._real: dict[str, str] = {}
        self._complaints: list[dict[str, str]] = []
        self._ways_out = proxies.StandIns()
        if given.get("url") or self.wheels:
            self._settings = {name: value for name, value in self._settings.items() if name not in _PLACES}
        if given.get("url"):
            self._settings["index-url"] = given["url"]
        if self.wheels:
            self._settings.update({"find-links": self.wheels, "no-index": "true"})
            if not os.path.isdir(self.wheels):
                raise UvError(f"gunicorn_index.wheels is {self.wheels!r}, but the target has no such folder")
        if ca:
            self._settings["cert"] = ca
            # Of a missing file uv would only warn, and trust the authorities of the web.
            if not os.path.isfile(ca):
                raise UvError(f"gunicorn_index.ca is {ca!r}, but the target has no such file")
        if self.pythons and self.pythons.startswith("/") and not os.path.isdir(self.pythons):
            raise UvError(f"gunicorn_index.pythons is {self.pythons!r}, but the target has no such folder")

    def pip(self) -> dict[str, str]:
        """Return the environment of pip, which reads no other configuration then."""
        settings = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in self._settings.items()}
        return {**_environ("PIP_"), **settings, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1"}

    def uv(self) -> dict[str, str]:
        """Return the environment of uv, which doesn't read pip's settings by itself."""
        environment = self.uv_alone()
        for name, (variable, separator) in _OF_UV.items():
            if name in self._settings:
                environment[variable] = separator.join(self._settings[name].split())
        if self.wheels:
            environment["UV_OFFLINE"] = "1"
        if self._real:
            # What stands in for an index is on this host.
            beside = [environment.get(name, "") for name in ("NO_PROXY", "no_proxy")]
            environment.update(dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, [*beside, "127.0.0.1"]))))
        return self._ways_out.put_into(environment)

    def uv_alone(self) -> dict[str, str]:
        """Return the environment of uv for what needs no packages: no index is in it."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if _PASSED_ON.fullmatch(name) and not _SECRET.fullmatch(name) and name not in _OF_PYTHONS
        }
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_FIND_LINKS"):
            environment.pop(name, None)
        # uv brings its own certificates; a host's own, such as a company's, are in Debian's bundle or named to pip.
        environment.setdefault("SSL_CERT_FILE", _CERTIFICATES)
        if "cert" in self._settings:
            environment["SSL_CERT_FILE"] = self._settings["cert"]
        environment.update({"UV_CACHE_DIR": self.cache} if self.cache else {"UV_NO_CACHE": "1"})
        # A file that has another name in the cache could be changed there.
        environment.update({"UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"})
        return self._ways_out.put_into(environment)

    def uv_for_pythons(self) -> dict[str, str]:
        """Return the environment of uv for what is about Pythons: no code of anybody's runs there."""
        environment = {**self.uv_alone(), **{name: os.environ[name] for name in _OF_PYTHONS if name in os.environ}}
        if self.pythons:
            mirror = self.pythons if "://" in self.pythons else f"file://{self.pythons}"
            environment["UV_PYTHON_INSTALL_MIRROR"] = mirror
        return environment

    def passwords(self) -> dict[str, tuple[str, str]]:
        """Return the user and password of each place that needs some, by its URL as it was given.

        Where the URL has none, they are those of the host's netrc, as for pip. Raises UvError where that can't be read.
        """
        found = {}
        words = [word for name in _PLACES if name != "no-index" for word in self._settings.get(name, "").split()]
        for url in filter(urls.is_http, words):
            try:
                host = (urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port)[0] or ""
            except ValueError as error:
                raise UvError(
                    f"gunicorn_index.url, or pip's configuration on the host: {urls.shown(url)} is no URL: {error}"
                ) from error
            user, password = urls.credentials(url)
            known = (user, password) if user is not None else _netrc(host)
            if known:
                found[url] = known
        return found

    def way_out(self) -> dict[str, str]:
        """Return the environment of a program other than uv that asks an index: proxies, and whose certificates it trusts."""
        given = {name.lower(): value for name, value in self.uv().items() if name.lower().endswith("_proxy")}
        every = given.pop("all_proxy", None)
        proxies = {"http_proxy": every, "https_proxy": every} if every else {}
        return {**proxies, **given, "SSL_CERT_FILE": self.uv_alone()["SSL_CERT_FILE"]}

    def trusts(self, url: str) -> bool:
        """Return whether the certificate of a place doesn't matter."""
        parts = urllib.parse.urlsplit(url)
        return bool(
            {parts.hostname, f"{parts.hostname}:{parts.port}"} & set(self._settings.get("trusted-host", "").split())
        )

    def by_way_of(self, addresses: dict[str, str], credentials: str, complaints: list[dict[str, str]]) -> Index:
        """Return the same index with other addresses in place of these URLs, which take these credentials.

        What stands in for them keeps its `complaints` there.
        """
        other = copy.copy(self)
        instead, other._real = {}, dict(self._real)
        for url, address in addresses.items():
            parts = urllib.parse.urlsplit(url)
            instead[url] = urllib.parse.urlunsplit(parts._replace(scheme="http", netloc=f"{credentials}@{address[7:]}"))
            other._real[address] = urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        other._settings = {
            name: " ".join(instead.get(word, word) for word in value.split()) if name in _PLACES else value
            for name, value in self._settings.items()
        }
        other._complaints = complaints
        return other

    def by_ways_out(self, ways_out: proxies.StandIns) -> Index:
        """Return the same index, reached by what stands in for proxies."""
        other = copy.copy(self)
        other._ways_out = ways_out
        return other

    def explained(self, said: str) -> str:
        """Return what uv said as it would have said it of the places and proxies themselves, and what they said."""
        for address, real in {**self._real, **self._ways_out.real()}.items():
            said = said.replace(address, real)
        complaints = [*self._complaints, *self._ways_out.complaints]
        return "\n".join(dict.fromkeys([said, *(f"{each['at']}: {each['error']}" for each in complaints)]))

    def offline(self) -> bool:
        """Say whether no other host is needed."""
        return bool(self.wheels)

    def paths(self) -> list[str]:
        """Return the files and folders of this host that uv needs to see."""
        words = [self.uv_alone()["SSL_CERT_FILE"]]
        words += [word for name in _PLACES for word in self._settings.get(name, "").split()]
        words += [self.pythons or "", os.environ.get("UV_PYTHON_DOWNLOADS_JSON_URL", "")]
        return [path for word in words for path in [word.removeprefix("file://")] if path.startswith("/")]

    def options(self) -> list[str]:
        """Return the one thing for which uv has no variable."""
        return ["--no-index"] if self._settings.get("no-index", "").lower() in ("1", "true", "yes", "on") else []


class Uv:
    """The pinned uv of this host, with packages from `index`; `run` runs it in a sandbox, where builds learn what is `told`."""

    def __init__(self, index: Index, run: sandboxes.Run, told: dict[str, str] | None = None):
        self._index = index
        self._run = run
        self._told = told or {}

    def install(self, python: str, arguments: list[str], variable: str, cwd: str | None) -> list[str]:
        """Install into the environment of `python`, and return what it has then, each as `name==version`.

        Runs in the folder `cwd`. Raises UvError.
        """
        self._install(["--quiet", f"--python={python}", *arguments], variable, cwd)
        # Names and versions alone: where a package came from may hold credentials.
        listed = self.require("pip", "list", "--quiet", "--format=freeze", f"--python={python}", variable=variable)
        return listed.splitlines()

    def _install(self, arguments: list[str], variable: str, cwd: str | None) -> str:
        argv = ["pip", "install", *self._index.options(), *arguments]
        done = self._said(argv, self._index.uv(), variable, cwd)
        # Of no use, and of no meaning where that environment is check mode's.
        done.stderr = re.sub(r"^Using Python .*\n", "", done.stderr)
        _require(done, variable, self._index)
        return done.stderr

    def compile(self, venv: str) -> None:
        """Compile all that is installed, without running any of it; what doesn't compile is none of this Python's business.

        Raises UvError where none of it was tried: then each start of a worker would compile it anew.
        """
        # Not by uv, which compiles nothing where it has nothing to install.
        argv = [f"{venv}/bin/python", "-I", "-S", "-m", "compileall", "-q", "-j", "0", f"{venv}/lib"]
        done = self._run(argv, seconds=END)
        # Of a file that doesn't compile it says so on the other stream.
        if "Traceback (most recent call last)" in done.stderr:
            raise UvError(f"the installed packages can't be compiled: {done.stderr.strip().splitlines()[-1]}")

    def ask(self, *arguments: str, cwd: str | None = None, variable: str = "gunicorn_requirements_file") -> Done:
        """Run uv where it needs no packages, and return what it said, whatever its exit status."""
        return self._said(list(arguments), self._index.uv_alone(), variable, cwd)

    def require(self, *arguments: str, variable: str) -> str:
        """Do the same and return what it printed. Raises UvError where it fails, naming the variable."""
        return _require(self.ask(*arguments, variable=variable), variable)

    def _said(self, arguments: list[str], environment: dict[str, str], variable: str, cwd: str | None) -> Done:
        try:
            return self._run([path(), *arguments], seconds=END, env={**environment, **self._told}, cwd=cwd or "/")
        except shell.Overdue as error:
            raise UvError(f"{variable}: the virtual environment can't be built: {error}") from error


class Forecast(Uv):
    """The same uv, which installs nothing and says what it would."""

    def __init__(self, index: Index, run: sandboxes.Run, told: dict[str, str] | None = None):
        super().__init__(index, run, told)
        self._found: dict[str, str] = {}

    def install(self, python: str, arguments: list[str], variable: str, cwd: str | None) -> list[str]:
        """Return what the environment of `python` would have then, after what was asked before."""
        said = self._install(["--dry-run", f"--python={python}", *arguments], variable, cwd)
        self._found.update(re.findall(r"^ \+ (\S+)==(\S+)", said, re.MULTILINE))
        return [f"{name}=={version}" for name, version in sorted(self._found.items())]

    def compile(self, venv: str) -> None:
        """Do nothing: nothing is installed."""


def there() -> bool:
    """Say whether this host has the pinned uv."""
    return os.path.exists(path())


def _require(done: Done, variable: str, index: Index | None = None) -> str:
    """Return what was printed. Raises UvError where the command failed, with what to do about `index`."""
    if done.returncode == 0:
        return done.stdout
    said = urls.without_secrets(done.stderr.strip())
    said = index.explained(said) if index else said
    remedies = {remedy for sign, remedy in _REMEDIES.items() if sign in said}
    remedies |= set(filter(None, [failed_builds.remedy(said)]))
    if index and index.wheels and not remedies:
        remedies = {_ABOUT_WHEELS.format(index.wheels)}
    versions = [(int(major), int(minor)) for major, minor in _NEWER_PYTHON.findall(said)]
    if versions:
        remedies = {
            'gunicorn_python: "{}.{}": set this, as a package needs that Python or a newer one'.format(*max(versions))
        }
    raise UvError("\n".join([f"{variable}: the virtual environment can't be built: {said}", *remedies]))


def fetch(index: Index) -> None:
    """Have the pinned uv on this host. Raises UvError."""
    folder = os.path.dirname(os.path.dirname(path()))
    if not os.path.isdir(folder):
        pips = glob.glob(_PIP_WHEELS)
        if not pips:
            raise UvError("Debian's package python3-pip-whl is missing: install it")
        wheel = f"uv-{VERSION}-py3-none-*{platform.machine()}*.whl"
        if index.wheels and not glob.glob(os.path.join(index.wheels, wheel)):
            raise UvError(
                f"gunicorn_index.wheels: {index.wheels} has no file {wheel}, the installer\n{_ABOUT_WHEELS.format(index.wheels)}"
            )
        os.makedirs(FOLDER, exist_ok=True)
        with scratch.folder(beside=FOLDER) as stage:
            pip = ["/usr/bin/python3", f"{pips[0]}/pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
            # No copy of it is kept, as it is fetched once, and the index isn't asked for a newer pip.
            pip += ["--no-cache-dir", "--no-compile", "--disable-pip-version-check"]
            # Nothing of a wheel runs while it is unpacked, and uv itself runs in sandboxes alone.
            argv = [*pip, f"--target={stage}", "--require-hashes", "--requirement=/dev/stdin"]
            wanted = " ".join([f"uv=={VERSION}", *(f"--hash=sha256:{digest}" for digest in HASHES)])
            done = shell.run(
                argv, identity=shell.CALLER, sandbox=None, seconds=_FETCHED_BY, env=index.pip(), stdin=wanted
            )
            # Before the last ones are as many as pip made attempts; the hashes that it expected are those above.
            lines = [line for line in done.stderr.strip().splitlines() if not line.lstrip().startswith("Expected ")]
            done.stderr = "\n".join(lines[-3:])
            _require(done, "the installer uv", index)
            os.chmod(stage, 0o755)
            # After a power cut the name must not stand before a part of it.
            files.sync_tree(stage)
            try:
                os.rename(stage, folder)
                files.sync_folder(FOLDER)
            except OSError:
                # The run of another app may have been quicker.
                if not os.path.isdir(folder):
                    raise


def path() -> str:
    """Return the path of the pinned uv."""
    return os.path.join(FOLDER, f"uv-{VERSION}", "bin", "uv")


def _pip_settings() -> dict[str, str]:
    """Return pip's settings on this host; a later place wins, the environment last, as in pip."""
    parser = configparser.ConfigParser(interpolation=None)
    home = os.path.expanduser("~")
    own = [f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", os.devnull)]
    try:
        parser.read([*_PIP_OF_ALL, *own])
    except (configparser.Error, UnicodeDecodeError) as error:
        # It names the file.
        raise UvError(f"pip's configuration on the host can't be read: {error}") from error
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found.update(parser[section])
    for variable, value in os.environ.items():
        if variable.startswith("PIP_"):
            found[variable[len("PIP_") :].lower().replace("_", "-")] = value
    return found


def _netrc(host: str) -> tuple[str, str] | None:
    """Return the user and password that netrc on this host has for a server, if any. Raises UvError."""
    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
    try:
        found = netrc.netrc(path).authenticators(host)
    except FileNotFoundError:
        return None
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError) as error:
        raise UvError(f"{path} on the host, where a password of the index may be, can't be read: {error}") from error
    return (found[0], found[2] or "") if found else None


def _environ(*without: str) -> dict[str, str]:
    """Return this process's environment without the variables that begin so."""
    return {name: value for name, value in os.environ.items() if not name.startswith(without)}
