# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project's own `manage.py`, by which alone it is asked. Private to the collection.

It may prepare paths, an environment or another kind of settings before these are imported; whoever imports them by
another way sees other settings.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import remedies
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._release.releases import Run

# What it answers is one line with a mark, whatever the project prints before and after. No dollar in here and in what is
# asked: systemd would take it for a variable. What of the project keeps Python from its end would keep each command from it.
_TELL = """
import json, os, threading, time

def tell(**what):
    os.write(1, ("\\n%s%s\\n" % (MARK, json.dumps(what))).encode())
    threading.Thread(target=end_threads, daemon=True).start()

def end_threads():
    time.sleep(LASTING)
    lasting = [one.name for one in threading.enumerate() if not one.daemon and one is not threading.main_thread()]
    if lasting:
        os.write(1, ("\\nlasting %s%s\\n" % (MARK, json.dumps(lasting))).encode())
        os._exit(1)
"""
# Seconds for what the project's threads have in hand.
LASTING = 20


class Manage:
    """The `manage.py` of a release, in the folder `workdir`, where `run` runs its commands."""

    def __init__(self, python: str, run: Run, workdir: str):
        self.workdir = workdir
        self._python = python
        self._run = run

    def call(self, *arguments: str) -> Done:
        """Run one of its commands, whatever its exit status."""
        return self._run([self._python, "manage.py", *arguments, "--no-color"], [])

    def ask(self, script: str, failure: str, also: Sequence[tuple[str, str]] = (), **given: object) -> dict[str, Any]:
        """Return what `script`, Python in which the names `given` have their values, passes to its function `tell`.

        Raises DjangoError, with `failure` and the end of what was said, where it doesn't come so far.
        """
        mark = secrets.token_hex(8)
        names = "".join(f"{name} = {value!r}\n" for name, value in {"LASTING": LASTING, "MARK": mark, **given}.items())
        argv = [self._python, "manage.py", "shell", "--no-color", "--verbosity=0", "--command", names + _TELL + script]
        done = self._run(argv, list(also))
        told = re.search(rf"^{mark}(.*)$", done.stdout, re.MULTILINE)
        if not told:
            said = (
                done.stderr.strip() or done.stdout.strip() or f"manage.py shell ends with exit status {done.returncode}"
            )
            raise DjangoError(f"{failure}:\n{remedies.explain(said, self.workdir)}")
        lasting = re.search(rf"^lasting {mark}(.*)$", done.stdout, re.MULTILINE)
        if lasting:
            raise DjangoError(
                f"{failure}: the project starts threads as it is loaded, such as by AppConfig.ready, which don't end "
                f"({', '.join(json.loads(lasting[1]))}), so that no command of manage.py ends, migrate neither: start them with "
                "daemon=True, or have them be a process of its own by gunicorn_processes"
            )
        answer: dict[str, Any] = json.loads(told[1])
        return answer
