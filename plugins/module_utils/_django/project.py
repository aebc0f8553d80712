# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Django project has its parts, and what it calls them, by its files alone. Private to the collection."""

from __future__ import annotations

import ast
import dataclasses
import fnmatch
import glob
import os
import re
import typing

from ansible_collections.pyweb.stack.plugins.module_utils._host import files

SETTINGS = "DJANGO_SETTINGS_MODULE"
CONFIGURATION = "DJANGO_CONFIGURATION"
# Whose variable of the role says it.
_VARIABLES = {SETTINGS: "django_settings_module", CONFIGURATION: "gunicorn_env.DJANGO_CONFIGURATION"}
# Django's own application, for a project that has no file of its own for it; it is what `runserver` would serve.
_DJANGOS_OWN = "django.core.wsgi:get_wsgi_application()"
_DEPTH = 4
_READS_DOT_ENV = re.compile(rb"dotenv|read_env|decouple|\.env\b")
# A module with settings, by its name.
_IS_SETTINGS = re.compile(r"(^|[._])settings?(\.[a-z]\w*)?$")
_DOT_ENV = re.compile(r"""^\s*(?:export\s+)?(\w+)\s*=\s*["']?([\w.]+)["']?\s*(?:#.*)?$""", re.MULTILINE)


class DjangoError(Exception):
    """The project can't be used or a step failed; the message names the variable or has what Django said."""


@dataclasses.dataclass(frozen=True)
class Naming:
    """What a file of the project says of one variable of the environment.

    `values` are those that it gives it, each once, `forced` the one that it sets whatever the environment has, if any;
    `unclear` says that there is one which only running the file can tell.
    """

    file: str
    values: tuple[str, ...] = ()
    forced: str | None = None
    unclear: bool = False

    def all(self) -> str:
        """Return the values as people read them."""
        return ", ".join([*self.values, *(["one that only running it can tell"] if self.unclear else [])])


class Project:
    """The Django project in a sealed source.

    `chdir` and `wsgi_app` are as the user named them, `given` the values that the user gave to SETTINGS and
    CONFIGURATION, and `worker_class` that of the user's settings of gunicorn. `env` is what the service and its commands
    get of these two, `settings` what gunicorn needs to serve the project, and `messages` has what was chosen where the
    project is of two minds. Raises DjangoError where none can be chosen.
    """

    def __init__(
        self,
        source: str,
        chdir: str,
        given: dict[str, str] | None = None,
        wsgi_app: str | None = None,
        worker_class: str | None = None,
    ):
        self.messages: list[str] = []
        self.settings: dict[str, str] = {}
        self.chdir = _folder_of_manage(source, chdir)
        self._source = source
        self._folder = os.path.join(source, self.chdir)
        self.wsgi_app = wsgi_app or self._find_app(worker_class or "sync")
        if not worker_class and re.search(r"(^|\.)asgi(:|$)", self.wsgi_app):
            self.settings["worker_class"] = "asgi"
        found = {name: self._choose(name, (given or {}).get(name)) for name in _VARIABLES}
        self.env = {name: value for name, value in found.items() if value}
        if SETTINGS not in self.env:
            like = [module for module in _modules(self._folder, "*.py") if _IS_SETTINGS.search(module)]
            has = f", for instance to one of {', '.join(like)}" if like else ""
            raise DjangoError(
                f"django_settings_module is not set, and {' and '.join(self._files())} name no {SETTINGS}: set it{has}"
            )
        self.settings_module = self.env[SETTINGS]

    def _find_app(self, worker_class: str) -> str:
        kinds = ("asgi", "wsgi") if re.search("asgi|uvicorn", worker_class, re.IGNORECASE) else ("wsgi", "asgi")
        for kind in kinds:
            found = _modules(self._folder, f"{kind}.py")
            if len(found) > 1:
                found = self._beside_settings(found) or _top(found)
            if len(found) > 1:
                raise DjangoError(
                    f"gunicorn_wsgi_app is not set, and there are several {kind}.py: {', '.join(found)}; set it, for "
                    f"instance to '{found[0]}:application'"
                )
            if found:
                if kind == "wsgi":
                    self._mention_channels(found[0])
                return f"{self._below_src(found[0])}:application"
        self.messages.append("There is no wsgi.py and no asgi.py, so Django's own application serves the project.")
        return _DJANGOS_OWN

    def _mention_channels(self, wsgi: str) -> None:
        asgi = f"{wsgi.removesuffix('wsgi')}asgi"
        try:
            routes = b"channels" in self._content(f"{asgi.replace('.', '/')}.py")
        except OSError:
            return
        if routes:
            self.messages.append(
                f"{wsgi} serves the project, which has no websockets then: for those of channels, which {asgi} routes, set "
                f"gunicorn_wsgi_app: {asgi}:application."
            )

    def _beside_settings(self, found: list[str]) -> list[str]:
        """Return the one in the package of manage.py's settings, or in the next above that."""
        package = next(iter(self._read("manage.py", SETTINGS).values), "").split(".")[:-1]
        while package:
            beside = [module for module in found if module.split(".")[:-1] in (package, ["src", *package])]
            if beside:
                return beside
            package.pop()
        return []

    def _below_src(self, module: str) -> str:
        """Return how a module is imported: what lies in src, which is no package, from there."""
        if module.startswith("src.") and not os.path.exists(os.path.join(self._folder, "src", "__init__.py")):
            self.settings["pythonpath"] = "src"
            return module.removeprefix("src.")
        return module

    def _choose(self, name: str, given: str | None) -> str | None:
        """Return what a variable is to be: as given, else as the file of what serves names it, else as manage.py does."""
        namings = [self._read(file, name) for file in self._files()]
        chosen = given or next((_only(naming, name) for naming in namings if naming.all()), None)
        for naming in namings:
            if naming.forced and chosen != naming.forced:
                raise DjangoError(
                    f"{naming.file} sets {name} to {naming.forced} whatever the environment says, but "
                    f"{_VARIABLES[name] if given else namings[0].file} has {chosen}: let it use os.environ.setdefault, or "
                    f"set {_VARIABLES[name]} to {naming.forced}"
                )
        for naming in namings[1:]:
            if naming.all() and not given and naming.values != (chosen,):
                self.messages.append(
                    f"{namings[0].file} names {chosen} as {name}, {naming.file} {naming.all()}: the release and its "
                    f"commands get {chosen}."
                )
        return chosen

    def _files(self) -> list[str]:
        """Return what names settings: the file of what serves, if it is the project's, and manage.py."""
        path = self.wsgi_app.partition(":")[0].replace(".", "/")
        roots = ["", f"{self.settings['pythonpath']}/"] if "pythonpath" in self.settings else [""]
        found = [f"{root}{path}{end}" for root in roots for end in (".py", "/__init__.py")]
        return [*[file for file in found if os.path.isfile(os.path.join(self._folder, file))][:1], "manage.py"]

    def _read(self, file: str, name: str) -> Naming:
        try:
            text = self._content(file)
            naming = _naming(ast.parse(text), file, name)
        except OSError as error:
            raise DjangoError(f"{file} of the project can't be read: {error.strerror}") from error
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise DjangoError(f"{file} can't be read as Python: {error}") from error
        dotted = self._dot_env().get(name) if _READS_DOT_ENV.search(text) and not naming.forced else None
        return dataclasses.replace(naming, values=tuple(dict.fromkeys([*naming.values, dotted]))) if dotted else naming

    def _dot_env(self) -> dict[str, str]:
        return dict(_DOT_ENV.findall(files.brought_text(self._source, os.path.join(self.chdir, ".env"))))

    def _content(self, file: str) -> bytes:
        return files.read_brought(self._source, os.path.join(self.chdir, file))


def _only(naming: Naming, name: str) -> str:
    if naming.unclear or len(naming.values) > 1:
        has = f"has several for {name}: {naming.all()}" if naming.values else f"computes {name}"
        raise DjangoError(f"{_VARIABLES[name]} is not set, and {naming.file} {has}; set it to the one that is to serve")
    return naming.values[0]


def _folder_of_manage(source: str, chdir: str) -> str:
    if os.path.isfile(os.path.join(source, chdir, "manage.py")):
        return os.path.normpath(chdir)
    patterns = ("*/manage.py", "*/*/manage.py") if chdir == "." else ()
    found = [os.path.relpath(path, source) for pattern in patterns for path in glob.glob(os.path.join(source, pattern))]
    if len(found) != 1:
        where = f"several: {', '.join(sorted(found))}" if found else "none"
        raise DjangoError(
            f"gunicorn_chdir is {chdir!r}, but must be the folder of manage.py inside the source, and there is {where}"
        )
    return os.path.dirname(found[0])


def _modules(folder: str, pattern: str) -> list[str]:
    """Return the modules below a folder whose files are called so, sorted."""
    found = []
    for path, below, names in os.walk(folder):
        package = [] if path == folder else os.path.relpath(path, folder).split(os.sep)
        # What is no name can't be imported, and other folders have environments, or projects that are examples.
        below[:] = [
            name
            for name in below
            if len(package) + 1 < _DEPTH
            and name.isidentifier()
            and name not in ("docs", "examples", "node_modules", "templates", "tests")
            and not os.path.exists(os.path.join(path, name, "pyvenv.cfg"))
        ]
        called = [name.removesuffix(".py") for name in fnmatch.filter(names, pattern)]
        found += [".".join([*package, name]) for name in called if name.isidentifier() and name != "__init__"]
    return sorted(found)


def _top(modules: list[str]) -> list[str]:
    """Return those that lie least deep."""
    least = min(module.count(".") for module in modules)
    return [module for module in modules if module.count(".") == least]


def _naming(tree: ast.Module, file: str, name: str) -> Naming:
    values, forced, unclear = [], None, False
    always = set(map(id, _always(tree)))
    constants = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in sorted(ast.walk(tree), key=lambda node: getattr(node, "lineno", 0)):
        for given, kept in _given(node, name):
            for value in _branches(constants.get(given.id, given) if isinstance(given, ast.Name) else given):
                if isinstance(value, ast.Constant):
                    if isinstance(value.value, str):
                        values.append(value.value)
                        if not kept and id(node) in always:
                            forced = value.value
                # What another call reads of the same variable, with a default, is found by itself.
                elif not any(_given(value, name)):
                    unclear = True
    return Naming(file, tuple(dict.fromkeys(values)), forced, unclear)


def _given(node: ast.AST, name: str) -> typing.Iterator[tuple[ast.expr, bool]]:
    """Yield each value that a node gives to the variable `name`, and whether one that the environment has is kept."""
    if isinstance(node, ast.Call) and node.args and _is(node.args[0], name):
        # os.environ.setdefault(name, value), os.getenv(name, value), config(name, default=value)
        kept = not isinstance(node.func, ast.Attribute) or node.func.attr not in ("putenv", "__setitem__")
        yield from ((value, kept) for value in node.args[1:2])
        yield from ((word.value, kept) for word in node.keywords if word.arg == "default")
    elif isinstance(node, ast.Call):
        # os.environ.update(NAME=value)
        yield from ((word.value, False) for word in node.keywords if word.arg == name)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and _is(target.slice, name):
                yield node.value, False
    elif isinstance(node, ast.Dict):
        # os.environ.update({name: value})
        yield from ((value, False) for key, value in zip(node.keys, node.values, strict=True) if key and _is(key, name))


def _branches(value: ast.expr) -> list[ast.expr]:
    return [*_branches(value.body), *_branches(value.orelse)] if isinstance(value, ast.IfExp) else [value]


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == name


def _always(tree: ast.AST) -> typing.Iterator[ast.AST]:
    """Yield the nodes of what runs in any case: at the top, and in functions there."""
    for node in getattr(tree, "body", []):
        inner = node.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else [node]
        for statement in inner:
            if isinstance(statement, (ast.Assign, ast.Expr)):
                yield from ast.walk(statement)
