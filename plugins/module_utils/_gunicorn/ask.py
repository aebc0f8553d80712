# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the gunicorn of an environment what it makes of settings. Private to the collection."""

from __future__ import annotations

import json
import os
from contextlib import AbstractContextManager
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import answers, setting_rules
from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes

# Runs in the target's virtual environment; takes settings as JSON and says what its gunicorn makes of them.
_QUESTION = (
    f"""
{answers.TELL}
import sys
from importlib.machinery import PathFinder
from importlib.metadata import requires
import gunicorn
from gunicorn.config import Config, KNOWN_SETTINGS
from gunicorn.workers import SUPPORTED_WORKERS
{setting_rules.FACTS}
"""
    + """
config, refused, given = Config(), {}, json.load(sys.stdin)
for name, value in given.items():
    try:
        if name in config.settings:
            config.set(name, value)
    except Exception as error:
        refused[name] = " ".join(str(error).split())
# A class of the app itself is left to the sandbox: none of its code runs here.
worker_class, needs = str(given.get("worker_class", "sync")), []
folders = [os.path.join(str(given.get("chdir", ".")), one) for one in ["", *(config.pythonpath or "").split(",")]]
if not PathFinder.find_spec(worker_class.split(".")[0], folders):
    try:
        # Where its module lacks it, gunicorn gives its name in place of a class.
        if isinstance(config.worker_class, str):
            raise RuntimeError("{} has no {}".format(*worker_class.rpartition(".")[::2]))
    except BaseException as error:
        extra = 'extra == "%s"' % worker_class.split("_")[0]
        needs = [one for one in requires("gunicorn") or [] if extra in one.replace("'", '"')]
        # The first of the errors says it; the last has whole tracebacks in its text.
        while error.__context__:
            error = error.__context__
        refused["worker_class"] = " ".join(str(error).split())
tell(
    version=gunicorn.__version__,
    known=[[s.name, s.section, callable(s.default) or s.section == "Server Hooks"] for s in KNOWN_SETTINGS],
    numbers=[s.name for s in KNOWN_SETTINGS if s.validator.__name__ == "validate_pos_int"],
    refused=refused,
    facts=facts(config),
    workers={"known": sorted(SUPPORTED_WORKERS), "needs": [one.split(";")[0].strip() for one in needs]},
)
"""
)


# Until what only reads is given up.
_SECONDS = 120


class GunicornError(Exception):
    """There is no gunicorn to ask; the message says why."""


def inside(python: str, seen: list[str], account: str = "") -> AbstractContextManager[sandboxes.Run]:
    """Return what runs `python`, whose packages are others' code, where it sees its environment, `seen`, and nothing else.

    It runs as an account that owns nothing, or as `account` where the environment may be that one's alone; and with
    the rights of whoever runs this where that is not root.
    """
    if os.geteuid() != 0:
        return sandboxes.unconfined()
    reads = [os.path.dirname(os.path.dirname(python)), *sandboxes.interpreter(python), *seen]
    sandbox = sandboxes.Sandbox(
        "", "ask its gunicorn", reads={path: path for path in reads if os.path.exists(path)}, account=account
    )
    return sandbox.entered(_SECONDS)


def ask(run: sandboxes.Run, python: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what the gunicorn of `python`, which `run` runs, says of `settings`.

    `known` are its settings, each with its section and whether it is a Python function, and `numbers` those that are
    whole numbers; `refused` has what its validators say, `workers` which classes it has, and what the given one needs;
    `facts` are for the setting rules.
    """
    # Its own environment only: WEB_CONCURRENCY and the like would count as settings.
    done = run([python, "-I", "-c", _QUESTION], seconds=_SECONDS, stdin=json.dumps(settings))
    told = answers.told(done.stdout)
    if done.returncode or not told:
        raise GunicornError(f"{python} can't import gunicorn: {answers.last_words(done)}")
    return told[-1]
