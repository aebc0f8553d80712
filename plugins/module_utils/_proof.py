# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gunicorn's own check of a configuration, which loads the app, and what it then would run. Private to the collection."""

from __future__ import annotations

import json

# Says which kind of app this one certainly is not, where gunicorn's worker class of this module calls that kind. Other
# classes and decorated apps may do as they like. gunicorn's own check is content, and every request then gets a 500.
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
        return None if takes(app, 3) else "ASGI"
    if module.startswith("gunicorn.workers."):
        coroutine = any(map(inspect.iscoroutinefunction, (app, type(app).__call__)))
        return "WSGI" if coroutine or not takes(app, 2) else None
"""
# gunicorn --check-config, and a little more: it knows pythonpath and loads the worker class, as a real start does, and
# says what is in force. No dollar in here: systemd would take it for a variable.
_SCRIPT = f"""
import json, os, sys
from gunicorn.app.wsgiapp import WSGIApplication
{_UNFIT}
# Whatever the app prints goes to stderr, so that stdout holds nothing but the report.
report = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

class Proof(WSGIApplication):
    def load_config(self):
        super().load_config()
        # Each goes before the one before it.
        self.path = [os.path.abspath(path) for path in (self.cfg.pythonpath or "").split(",") if path][::-1]
        sys.path[:0] = self.path
        self.cfg.worker_class

    def load(self):
        app, cfg = super().load() if LOAD else None, self.cfg
        in_force = dict(workers=cfg.workers, threads=cfg.threads, timeout=cfg.timeout, pythonpath=self.path)
        in_force["worker_class"] = cfg.worker_class_str
        json.dump(dict(in_force=in_force, unfit=LOAD and unfit(app, cfg.worker_class.__module__)), report)
        report.flush()
        return app

try:
    proof = Proof(prog="gunicorn")
except SystemExit:
    sys.exit(3)
proof.run()
"""
_UNREADABLE = 3


class ProofError(Exception):
    """The app can't run so; the message names the variable and has what gunicorn said."""


def command(python: str, config: str, load: bool) -> list[str]:
    """Return the command that proves the configuration file I(config) with the gunicorn of I(python).

    I(load) says whether to load the app as well.
    """
    return [python, "-c", f"LOAD = {load}\n{_SCRIPT}", "--check-config", f"--config={config}"]


def in_force(done, wsgi_app: str) -> dict:
    """Return from the ended command which C(workers), C(threads), C(timeout) and C(worker_class) gunicorn would have.

    C(pythonpath) are the folders that go in front of the app's path, in their order there, with their whole paths.
    Raises ProofError where it did not pass.
    """
    end = "\n".join(done.stderr.strip().splitlines()[-12:])
    said = f" (exit status {done.returncode}); the release that served before serves on. gunicorn said:\n{end}"
    if done.returncode == _UNREADABLE:
        raise ProofError(f"gunicorn_conf_file or gunicorn_settings: gunicorn can't run with them{said}")
    if done.returncode or not done.stdout:
        raise ProofError(f"gunicorn_wsgi_app is {wsgi_app!r}, which gunicorn can't load from the release{said}")
    report = json.loads(done.stdout)
    if report["unfit"]:
        other = "set it to 'asgi'" if report["unfit"] == "WSGI" else "leave that out, or name the app's ASGI callable"
        raise ProofError(
            f"gunicorn_wsgi_app is {wsgi_app!r}, which is no {report['unfit']} app, but the worker_class in force, "
            f"{report['in_force']['worker_class']!r}, serves no other, so every request would fail: {other}"
        )
    return report["in_force"]
