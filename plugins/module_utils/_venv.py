# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments by a pinned uv. Private to the collection."""

from __future__ import annotations

import configparser
import contextlib
import glob
import os
import re
import shutil
import tempfile

from ansible_collections.pyweb.stack.plugins.module_utils import _command, _digest

UV_VERSION = "0.13.9"
# Tools of the host, not of an app: every app shares them.
UV_FOLDER = "/usr/local/lib/pyweb-stack"
_CACHE = "/var/cache/pyweb-stack/uv"
# Debian's own pip as a wheel, from the package python3-pip-whl: enough to fetch uv, and nothing gets installed.
_PIP_WHEELS = "/usr/share/python-wheels/pip-*.whl"
_INCLUDE = re.compile(r"^\s*(?:-r|--requirement|(-c|--constraint))[\s=]*(\S+)", re.MULTILINE)
_GUNICORN = re.compile(r"^\s*gunicorn\s*(?:$|[\[(<>=!~;@#])", re.MULTILINE | re.IGNORECASE)
# What is installed from a path: with -e, by the path itself, or behind a name and an @; URLs don't count.
_LOCAL = re.compile(
    r"^\s*(?:(?:-e|--editable|-f|--find-links)[\s=]*(?![\w+]+://)|(?:[^\s#@-][^\s#@]*\s*@\s*)?(?![\w+]+://)"
    r"(?:file:|\.{1,2}(?:[\[\s]|$)|[^\s#@:-][^\s#@:]*/|[^\s#@:-][^\s#@:]*\.(?:whl|zip|tar\.gz)\b))",
    re.MULTILINE,
)


class VenvError(Exception):
    """The environment can't be built; the message names the variable and what the installer said."""


class Lock:
    """What goes into an environment.

    I(source) is the sealed source, or None; I(file) the requirements file in it, relative to it, or None; I(extra)
    are requirement specifiers beside it; I(chdir) is the folder in it where the app runs; I(gunicorn) is the version
    to add where no requirement names gunicorn, and I(python) the interpreter.
    """

    def __init__(self, python, source: str | None, file: str | None, extra: list[str], gunicorn: str, chdir: str = "."):
        self.python = python
        self.source = source
        self.file = os.path.join(source, file) if source and file else None
        # Where paths in requirements begin: beside the app's own file, else at the top, as people run pip.
        beside = file and os.path.normpath(chdir) == (os.path.dirname(file) or ".")
        self.folder = os.path.join(source, chdir) if source and beside else source
        required, constraints = _texts(self.file, source) if self.file else ({}, {})
        self._texts = {**constraints, **required}
        named = "\n".join([*required.values(), *extra])
        self.extra = list(extra)
        if not _GUNICORN.search(named):
            constrained = any(_GUNICORN.search(text) for text in constraints.values())
            self.extra.append("gunicorn" if constrained else f"gunicorn=={gunicorn}")
        self.hashed = any("--hash=" in text for text in required.values())
        self._local = bool(_LOCAL.search(named))

    def digest(self) -> str:
        """Return the name of the environment: the same whenever all that decides its content is."""
        return _digest.of(
            {
                "python": _identity(self.python),
                "requirements": self._texts,
                "extra": self.extra,
                # A requirement such as "." installs the source itself.
                "source": os.path.basename(self.source) if self._local else None,
            }
        )[: _digest.LENGTH]


def find_file(source: str, chdir: str) -> str | None:
    """Return the requirements file of a source, relative to it: in the folder the app runs from, or at the top."""
    for folder in dict.fromkeys([os.path.normpath(chdir), "."]):
        candidate = os.path.normpath(os.path.join(folder, "requirements.txt"))
        if os.path.isfile(os.path.join(source, candidate)):
            return candidate
    return None


def build(lock: Lock, stage: str) -> None:
    """Install everything into an environment at I(stage), which keeps working after a rename. Raises VenvError."""
    uv = _uv()
    python = os.path.join(stage, "bin", "python")
    _run(
        [uv, "venv", "--quiet", "--relocatable", "--allow-existing", f"--python={lock.python}", stage],
        "gunicorn_python",
    )
    install = [uv, "pip", "install", "--quiet", f"--python={python}", "--compile-bytecode", *_index()]
    file = [f"--requirement={lock.file}"] if lock.file else []
    if lock.hashed:
        # Where one requirement of a file has a hash all of them must, but not those beside the file.
        _run([*install, "--require-hashes", *file], "gunicorn_requirements_file", lock.folder)
        file = []
    if lock.extra or file:
        variables = "gunicorn_requirements_file or gunicorn_requirements" if file else "gunicorn_requirements"
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as extra:
            extra.write("".join(f"{line}\n" for line in lock.extra))
            extra.flush()
            _run([*install, *file, f"--requirement={extra.name}"], variables, lock.folder)
    # uv leaves its lock file behind, which anybody could write.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(stage, ".lock"))
    installed = _run([uv, "pip", "freeze", f"--python={python}"], "gunicorn_requirements")
    with open(os.path.join(stage, "installed.txt"), "w", encoding="utf-8") as record:
        record.write(installed)


def _uv() -> str:
    """Return the path of the pinned uv, fetched first where it is missing."""
    folder = os.path.join(UV_FOLDER, f"uv-{UV_VERSION}")
    if not os.path.isdir(folder):
        wheels = glob.glob(_PIP_WHEELS)
        if not wheels:
            raise VenvError("Debian's package python3-pip-whl is missing: install it")
        os.makedirs(UV_FOLDER, exist_ok=True)
        stage = tempfile.mkdtemp(prefix=".stage-", dir=UV_FOLDER)
        try:
            pip = ["/usr/bin/python3", f"{wheels[0]}/pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
            _run([*pip, f"--target={stage}", f"uv=={UV_VERSION}"], "the installer uv")
            os.chmod(stage, 0o755)
            try:
                os.rename(stage, folder)
            except OSError:
                # The run of another app may have been quicker.
                if not os.path.isdir(folder):
                    raise
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return os.path.join(folder, "bin", "uv")


def _index() -> list[str]:
    """Return the host's pip configuration as options of uv, which doesn't read that by itself."""
    configuration = _pip_configuration()
    options = []
    for name, option in (
        ("index-url", "--default-index"),
        ("extra-index-url", "--index"),
        ("find-links", "--find-links"),
        ("trusted-host", "--allow-insecure-host"),
    ):
        options += [f"{option}={value}" for value in configuration.get(name, "").split()]
    if configuration.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        options.append("--no-index")
    return options


def _pip_configuration() -> dict[str, str]:
    """Return pip's settings on this host; a later place wins, the environment last, as in pip."""
    parser = configparser.ConfigParser(interpolation=None)
    home = os.path.expanduser("~")
    parser.read(
        [
            "/etc/xdg/pip/pip.conf",
            "/etc/pip.conf",
            f"{home}/.pip/pip.conf",
            f"{home}/.config/pip/pip.conf",
            os.environ.get("PIP_CONFIG_FILE", os.devnull),
        ]
    )
    found = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found.update(parser[section])
    for name in ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "cert"):
        variable = "PIP_" + name.upper().replace("-", "_")
        if variable in os.environ:
            found[name] = os.environ[variable]
    return found


def _run(argv: list[str], variable: str, cwd: str | None = None) -> str:
    environment = {**os.environ, "UV_CACHE_DIR": _CACHE, "NO_COLOR": "1"}
    # uv brings its own certificates; a host's own, such as a company's, are in Debian's bundle or named to pip.
    environment.setdefault("SSL_CERT_FILE", _pip_configuration().get("cert", "/etc/ssl/certs/ca-certificates.crt"))
    done = _command.run(argv, env=environment, cwd=cwd)
    if done.returncode:
        raise VenvError(f"{variable}: the virtual environment can't be built: {done.stderr.strip()}")
    return done.stdout


def _identity(python: str) -> list[str]:
    """Return what of an interpreter an environment depends on."""
    question = "import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_platform())"
    try:
        done = _command.run([python, "-I", "-c", question])
    except OSError as error:
        raise VenvError(f"gunicorn_python is {python!r}, which does not run: {error}") from error
    if done.returncode:
        raise VenvError(f"gunicorn_python is {python!r}, which does not run: {done.stderr.strip()}")
    return [os.path.realpath(python), done.stdout.strip()]


def _texts(path: str, source: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts of a requirements file and all that it includes, and those of its constraints.

    Both are by path relative to the source.
    """
    required: dict[str, str] = {}
    constraints: dict[str, str] = {}
    ahead = [(path, required)]
    while ahead:
        path, texts = ahead.pop()
        path = os.path.realpath(path)
        name = os.path.relpath(path, os.path.realpath(source))
        if name in texts:
            continue
        if name.startswith(".."):
            raise VenvError(f"gunicorn_requirements_file includes {path}, which is not in the source")
        try:
            with open(path, encoding="utf-8") as file:
                texts[name] = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise VenvError(f"gunicorn_requirements_file: {name} can't be read: {error}") from error
        for constraint, included in _INCLUDE.findall(texts[name]):
            if "://" not in included:
                into = constraints if constraint else texts
                ahead.append((os.path.join(os.path.dirname(path), included), into))
    return required, constraints
