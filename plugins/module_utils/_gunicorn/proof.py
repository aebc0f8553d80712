# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gunicorn's own check of a configuration, which loads the app, and what it then would run. Private to the collection."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import answers, rehearsal, setting_rules
from ansible_collections.pyweb.stack.plugins.module_utils._host import remedies
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._text import tracebacks

# Says which kind of app this one certainly is not, where gunicorn's worker class of this module calls that kind, and
# whether it can be of the other kind. Other classes and decorated apps may do as they like. gunicorn's own check is
# content, and every request then gets a 500.
_UNFIT = """
import base64, hashlib, importlib.util, inspect, os, random, subprocess, sys

def takes(app, arguments):
    try:
        inspect.signature(app, follow_wrapped=False).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:
        pass  # it doesn't say
    return True

def unfit(app, module):
    if module == "gunicorn.workers.gtornado" and any(kind.__module__ == "tornado.web" for kind in type(app).__mro__):
        return None  # its own kind, which no other worker serves
    if module == "gunicorn.workers.gasgi":
        return None if takes(app, 3) else ("ASGI", takes(app, 2))
    if module.startswith(("uvicorn.", "uvicorn_worker")):
        return None if takes(app, 3) or takes(app, 1) else ("ASGI", takes(app, 2))
    if module.startswith("gunicorn.workers."):
        coroutine = any(map(inspect.iscoroutinefunction, (app, type(app).__call__)))
        return ("WSGI", coroutine or takes(app, 3)) if coroutine or not takes(app, 2) else None

# Says what else it is: what makes an app, of itself or of something, or is to be awaited for that; or an object of a class.
def made(app):
    if inspect.iscoroutinefunction(app):
        return "coroutine" if not takes(app, 3) else ""
    if inspect.isroutine(app) or inspect.isclass(app):
        return "maker" if takes(app, 0) else "maker of something"
    return f"{type(app).__module__}.{type(app).__qualname__}"

# Says what is there instead of what is to be loaded: by the names of their arguments, as all frameworks have them.
def instead(uri):
    name, _colon, given = uri.partition(":")
    module, function = sys.modules.get(name), given.partition("(")
    names = vars(module) if module else {}
    return {
        "apps": [each for each, value in names.items() if not each.startswith("_") and is_app(value)],
        "makers": [each for each in ("create_app", "make_app", "get_app") if callable(names.get(each)) and takes(names[each], 0)],
        "awaited": function[0] if function[1] and inspect.iscoroutinefunction(names.get(function[0])) else "",
        "package": hasattr(module, "__path__") and os.path.isfile(name.replace(".", "/") + ".py"),
    }

def is_app(value):
    try:
        names = [*inspect.signature(value).parameters] if callable(value) and not inspect.isclass(value) else []
        # One that hands everything on to an app of its own, as that of Dash.
        within = is_app(getattr(value, "server", None)) if names == ["args", "kwargs"] else False
    except Exception:
        return False  # such as a proxy that stands for nothing yet
    return within or (len(names) == 2 and names[0].startswith("env")) or names[:3] == ["scope", "receive", "send"]

# Says why websockets that the app has would not work: with Flask-Sock each stays with its worker, which does nothing else and is
# ended at the setting timeout; and uvicorn answers 404 to them where no package for them is there.
def no_sockets(app, cfg):
    if "flask_sock" in sys.modules and cfg.worker_class_str == "sync":
        return "sync"
    library = any(map(importlib.util.find_spec, ("websockets", "wsproto")))
    if library or not cfg.worker_class.__module__.startswith(("uvicorn.", "uvicorn_worker")):
        return ""
    return "library" if any(type(one).__name__.endswith("WebSocketRoute") for one in getattr(app, "routes", ())) else ""

# Keeps in mind what random bytes the app asks for, to tell a key that it makes up, which each worker then has another of.
AGAIN = "PYWEB_STACK_AGAIN"
drawn, urandom = [], os.urandom

def draw(size):
    drawn.append(urandom(size))
    return drawn[-1]

# Django's goes through many draws.
def draw_strings():
    try:
        from django.utils import crypto
        make = crypto.get_random_string
    except Exception:
        return

    def draw_string(*given, **named):
        text = make(*given, **named)
        drawn.append(text.encode())
        return text

    crypto.get_random_string = draw_string

def made_up(key):
    text = key if isinstance(key, bytes) else str(key).encode()
    ways = [lambda one: one, lambda one: one.hex().encode(), lambda one: base64.urlsafe_b64encode(one).rstrip(b"=")]
    return any(len(one) >= 8 and way(one) in text for one in drawn for way in ways)

# Says whether another process would have another key, which one may also find in a file that the first has written.
def differs(keys):
    digest, command = hashlib.sha256(repr(keys).encode()).hexdigest(), getattr(sys, "orig_argv", None)
    if AGAIN in os.environ:
        return digest
    if not command or not any(map(made_up, keys)):
        return False
    return digest not in subprocess.run(command, env={**os.environ, AGAIN: "1"}, capture_output=True, text=True).stdout

# Says whether it keeps a visitor's session in the worker that began it, as Socket.IO does unless it takes websockets alone.
def pinned(objects):
    def is_server(one):
        return any(str(kind.__module__).startswith("engineio.") and "handle_request" in vars(kind) for kind in type(one).__mro__)

    return any("polling" in (getattr(one, "transports", None) or ["polling"]) for one in objects if is_server(one))
"""
# gunicorn --check-config, and more: it knows pythonpath, tries what a start needs, and says what is effective, which is
# looked at as settings are. No dollar in here: systemd would take it for a variable.
_SCRIPT = f"""
import gc, os, sys
{answers.TELL}
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.errors import AppImportError
{setting_rules.FACTS}
{rehearsal.SCRIPT}
{_UNFIT}
# Whatever the app prints goes to stderr. What is told is a line before the app is loaded and one after.
os.dup2(2, 1)

class Proof(WSGIApplication):
    def load_config(self):
        super().load_config()
        # Each goes before the one before it.
        self.path = [os.path.abspath(path) for path in (self.cfg.pythonpath or "").split(",") if path][::-1]
        sys.path[:0] = self.path
        # Where its module lacks it, gunicorn gives its name in place of a class.
        if isinstance(self.cfg.worker_class, str):
            raise RuntimeError("class uri %r invalid or not found: its module has no such class" % self.cfg.worker_class)
        self.facts = facts(self.cfg)
        # From here on as with --check-config, which a configuration must not say itself.
        self.cfg.set("check_config", True)

    def load(self):
        cfg = self.cfg
        tell(facts=self.facts, failed=before_the_app(cfg))
        if LOAD:
            os.urandom = random._urandom = draw
            draw_strings()
        try:
            app = super().load() if LOAD else None
        except AppImportError:
            tell(instead=instead(self.app_uri or ""), failed=[])
            raise
        in_force = dict(workers=cfg.workers, threads=cfg.threads, timeout=cfg.timeout, pythonpath=self.path)
        in_force["worker_class"] = cfg.worker_class_str
        django = sys.modules.get("django.conf")
        if LOAD and django and django.settings.configured:
            settings = django.settings
            in_force["django"] = dict(settings_module=settings.SETTINGS_MODULE, debug=bool(settings.DEBUG))
        in_force["max_requests"] = cfg.max_requests
        # It starts beside the workers, by gunicorn 25 and later.
        in_force["dirty_arbiter"] = int(bool(getattr(cfg, "dirty_apps", None) and cfg.dirty_workers))
        kind = LOAD and unfit(app, cfg.worker_class.__module__)
        sockets = LOAD and no_sockets(app, cfg)
        # As Flask and Quart call it, and Django.
        keys = [getattr(app, "secret_key", None), getattr(django and django.settings._wrapped, "SECRET_KEY", None)]
        key = bool(LOAD) and cfg.workers > 1 and not cfg.preload_app and differs(keys)
        in_one = "engineio" in sys.modules and pinned(gc.get_objects())
        more = dict(made=made(app) if kind else "", pinned=in_one, sockets=sockets, key=key)
        tell(in_force=in_force, unfit=kind, failed=with_the_app(cfg, app) if LOAD and not kind else [], **more)
        return app

try:
    proof = Proof(prog="gunicorn")
except SystemExit:
    sys.exit(3)
proof.run()
"""
_UNREADABLE = 3
# How long an app may take to be loaded before that counts as never: one may wait for what isn't there, such as a database.
SECONDS = 600
_SETTINGS = "gunicorn_conf_file or gunicorn_settings"
# The worker classes that frameworks with apps of their own kind have for them.
_OWN_WORKERS = {"aiohttp": "aiohttp.GunicornWebWorker", "tornado": "tornado"}
_NO_SOCKETS = {
    "sync": (
        "gunicorn_settings: worker_class is 'sync', whose workers keep one websocket each, and no longer than the setting timeout "
        "says: set gunicorn_settings: {{worker_class: gthread, threads: 100}}"
    ),
    "library": (
        "gunicorn_settings: worker_class is {!r}, which answers 404 to the app's websockets without a package for them: add "
        "websockets to gunicorn_requirements, or set worker_class to 'asgi', which needs no package"
    ),
}
# As many as help.
_NAMES = 3


class ProofError(Exception):
    """The app can't run so; the message names the variable and has what gunicorn said, one fault a line."""


def command(python: str, config: str, load: bool) -> list[str]:
    """Return the command that proves the configuration file `config` with the gunicorn of `python`.

    `load` says whether to load the app as well.
    """
    return [python, "-c", f"LOAD = {load}\n{_SCRIPT}", f"--config={config}"]


def in_force(
    done: Done, wsgi_app: str, unharmed: str = "the release that was active before still is", workdir: str = ""
) -> dict[str, Any]:
    """Return from the ended command which `workers`, `threads`, `timeout` and `worker_class` gunicorn would have.

    `pythonpath` are the folders that go in front of the app's path, in their order there, with their whole paths;
    `django` are the `settings_module` and `debug` of a Django project that was loaded.
    Raises ProofError with all faults where it did not pass; `unharmed` says what is as good as before, and
    `workdir` is the folder in a sealed source that the app runs in.
    """
    said = f" (exit status {done.returncode}); {unharmed}. The cause:\n{remedies.explain(done.stderr, workdir)}"
    if done.returncode == _UNREADABLE:
        raise ProofError(f"{_SETTINGS}: gunicorn can't run with them{said}")
    reports = answers.told(done.stdout)
    faults = [f"{_SETTINGS}: {fault}" for report in reports for fault in _of_settings(report)]
    if done.returncode or len(reports) < 2:
        whose = (
            "which gunicorn can't load" if _is_at_fault(wsgi_app, done.stderr) else "and the app fails as it is loaded"
        )
        helps = [line for report in reports if "instead" in report for line in _instead(wsgi_app, report["instead"])]
        faults.append("\n".join([f"gunicorn_wsgi_app is {wsgi_app!r}, {whose}{said}", *helps]))
    elif reports[1]["unfit"]:
        faults.append(f"gunicorn_wsgi_app is {wsgi_app!r}, {_of_kind(wsgi_app, reports[1])}")
    elif reports[1]["key"]:
        faults.append(
            f"gunicorn_wsgi_app is {wsgi_app!r}, which makes up its secret key as it is loaded, so that each of "
            f"{reports[1]['in_force']['workers']} workers has another, and knows no session of the others, nor their forms: have it be "
            "os.environ['SECRET_KEY'], and add gunicorn_secrets: [SECRET_KEY]"
        )
    elif reports[1]["sockets"]:
        faults.append(_NO_SOCKETS[reports[1]["sockets"]].format(reports[1]["in_force"]["worker_class"]))
    elif reports[1]["pinned"]:
        faults += filter(None, [_of_one_worker(reports[1]["in_force"])])
    if faults:
        raise ProofError("\n".join(faults))
    in_force: dict[str, Any] = reports[1]["in_force"]
    return in_force


def _of_kind(wsgi_app: str, report: dict[str, Any]) -> str:
    (kind, of_the_other), made, worker_class = report["unfit"], report["made"], report["in_force"]["worker_class"]
    framework = made.partition(".")[0]
    if framework in _OWN_WORKERS:
        return (
            f"which is an app of {framework}, but the effective worker_class, {worker_class!r}, serves none of those, so every "
            f"request would fail: set gunicorn_settings: {{worker_class: {_OWN_WORKERS[framework]}}}"
        )
    if made == "coroutine":
        return (
            "which would have to be awaited, and gunicorn awaits nothing, so every request would fail: have the app made by a "
            "function without async, or at the top of a module; for one of aiohttp set gunicorn_settings: "
            f"{{worker_class: {_OWN_WORKERS['aiohttp']}}}"
        )
    if not of_the_other and made.startswith("maker") and not wsgi_app.endswith(")"):
        # As gunicorn has it.
        named = wsgi_app if ":" in wsgi_app else f"{wsgi_app}:application"
        call = f"call it, as '{named}()'" if made == "maker" else f"call it with what it takes, as '{named}({{}})'"
        return f"which serves no requests, so every one would fail: where it makes the app, {call}"
    if not of_the_other and "." in made:
        return f"which serves no requests, so every one would fail: it is an object of {made}; name what is an app"
    other = (
        "set gunicorn_settings: {worker_class: asgi}"
        if kind == "WSGI"
        else "leave that out, or name the app's ASGI callable"
    )
    return (
        f"which is no {kind} app, but the effective worker_class, {worker_class!r}, serves no other, so every request would "
        f"fail: {other}"
    )


def _of_one_worker(in_force: dict[str, Any]) -> str | None:
    """Return why an app that keeps sessions in its workers can't be served so."""
    given = in_force["worker_class"]
    if given != "sync" and in_force["workers"] == 1:
        return None
    why = (
        f"workers is {in_force['workers']}, but the app's Socket.IO finds a visitor again only in the worker that met him first"
        if in_force["workers"] > 1
        else "worker_class is 'sync', but the app's Socket.IO has each visitor keep a connection, and nobody else is answered then"
    )
    threads = "worker_class: gthread, threads: 100" if given == "sync" else f"worker_class: {given}"
    return (
        f"gunicorn_settings: {why}: set gunicorn_settings: {{{threads}, workers: 1}}, or have it take websockets alone, by "
        "transports=['websocket'] on both sides"
    )


def _instead(wsgi_app: str, found: dict[str, Any]) -> list[str]:
    """Return what helps where the module is there, and what is to be loaded of it isn't, a sentence each."""
    module, lines = wsgi_app.partition(":")[0], []
    if found["awaited"]:
        lines.append(
            f"{found['awaited']} is a coroutine function, and gunicorn awaits nothing: have a function without async make the app."
        )
    if found["package"]:
        path = module.replace(".", "/")
        lines.append(f"Python takes the folder {path} for {module}, not {path}.py beside it: rename one of the two.")
    names = [f"'{module}:{name}'" for name in [*found["apps"], *(f"{name}()" for name in found["makers"])]]
    names = [name for name in names if name != f"'{wsgi_app}'"][:_NAMES]
    if names and not found["awaited"]:
        lines.append(f"What could be served of {module}: set gunicorn_wsgi_app: {' or '.join(names)}.")
    return lines


def _is_at_fault(wsgi_app: str, said: str) -> bool:
    """Say whether it is what is to be loaded that isn't there, and not something else that this needs."""
    failure = tracebacks.last(said)
    if not failure or failure.chain[-1].words.startswith("gunicorn.errors.AppImportError"):
        return True
    missing = re.match(r"ModuleNotFoundError: No module named '([\w.]+)'", failure.chain[0].words)
    if not missing or failure.source():
        return False
    return f"{wsgi_app.partition(':')[0]}.".startswith(f"{missing[1]}.")


def _of_settings(report: dict[str, Any]) -> list[str]:
    facts = report.get("facts", {"values": {}})
    faults = setting_rules.faults(facts)
    found = [f"{name} is {facts['values'][name]!r}, {fault}" for name, fault in faults.items()]
    # What fails for everybody was told in clearer words.
    failed = [[given, said] for given, said in report["failed"] if not faults.keys() & given.keys()]
    return found + rehearsal.sentences(failed)
