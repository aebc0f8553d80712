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
import inspect

def takes(app, arguments):
    try:
        inspect.signature(app, follow_wrapped=False).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:
        pass  # it doesn't say
    return True

def unfit(app, module):
    if module == "gunicorn.workers.gasgi":
        return None if takes(app, 3) else ("ASGI", takes(app, 2))
    if module.startswith("gunicorn.workers."):
        coroutine = any(map(inspect.iscoroutinefunction, (app, type(app).__call__)))
        return ("WSGI", coroutine or takes(app, 3)) if coroutine or not takes(app, 2) else None
"""
# gunicorn --check-config, and more: it knows pythonpath, tries what a start needs, and says what is effective, which is
# looked at as settings are. No dollar in here: systemd would take it for a variable.
_SCRIPT = f"""
import os, sys
{answers.TELL}
from gunicorn.app.wsgiapp import WSGIApplication
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
        self.cfg.worker_class
        self.facts = facts(self.cfg)
        # From here on as with --check-config, which a configuration must not say itself.
        self.cfg.set("check_config", True)

    def load(self):
        cfg = self.cfg
        tell(facts=self.facts, failed=before_the_app(cfg))
        app = super().load() if LOAD else None
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
        tell(in_force=in_force, unfit=kind, failed=with_the_app(cfg, app) if LOAD and not kind else [])
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
        faults.append(f"gunicorn_wsgi_app is {wsgi_app!r}, {whose}{said}")
    elif reports[1]["unfit"]:
        faults.append(f"gunicorn_wsgi_app is {wsgi_app!r}, {_of_kind(wsgi_app, reports[1])}")
    if faults:
        raise ProofError("\n".join(faults))
    in_force: dict[str, Any] = reports[1]["in_force"]
    return in_force


def _of_kind(wsgi_app: str, report: dict[str, Any]) -> str:
    kind, of_the_other = report["unfit"]
    if not of_the_other and not wsgi_app.endswith(")"):
        # As gunicorn has it.
        named = wsgi_app if ":" in wsgi_app else f"{wsgi_app}:application"
        return f"which serves no requests, so every one would fail: where it makes the app, call it, as '{named}()'"
    other = "set it to 'asgi'" if kind == "WSGI" else "leave that out, or name the app's ASGI callable"
    return (
        f"which is no {kind} app, but the effective worker_class, {report['in_force']['worker_class']!r}, serves no other, "
        f"so every request would fail: {other}"
    )


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
