#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gunicorn_command
short_description: Run a command of an app as its service runs
version_added: 0.1.0
description:
  - Runs a command with the code, packages and environment of a release, as its account, in its sandbox and in the folder that
    it runs in. A transient unit has the same properties as the service.
  - The command that C(gunicorn-NAME) is on the server does the same for people, on their terminal.
  - It takes no lock. Where the run is killed, the command goes on to its end or its O(timeout), and the next run starts it beside
    that, also in C(gunicorn_tasks_before_switch). What may not be at work twice belongs in C(gunicorn_before_switch), whose steps
    the next run waits for, or takes a lock itself.
  - Fails where the command ends with another exit status than 0. By a signal that is 128 and the signal's number.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
attributes:
  check_mode:
    support: partial
    details: Says whether the command would run. Fails if the release has no such program, and runs nothing.
  diff_mode:
    support: none
options:
  command:
    description:
      - A list of words, which no shell reads. A text is refused.
      - The first is a file of Python in the folder that the app runs in, such as C(manage.py), a program of the release's
        environment or of Debian, or an absolute path.
      - Every account of the host can read it while it runs, so a secret belongs in the app's environment.
    type: raw
    required: true
  release:
    description: Id of the release, or V(previous) for the one that the last deploy replaced. By default the one that is active.
    type: str
  creates:
    description: Absolute path on the target. Where it is there already, the command doesn't run.
    type: path
  timeout:
    description: Seconds after which the command is killed, which is a failure.
    type: int
    default: 3600
seealso:
  - module: pyweb.stack.gunicorn_info
"""

EXAMPLES = r"""
- name: Load the first data, once
  pyweb.stack.gunicorn_command:
    name: shop
    command: [manage.py, loaddata, first.json]
    creates: /var/lib/gunicorn-shop/db.sqlite3

- name: Reset what has expired
  pyweb.stack.gunicorn_command:
    name: notes
    command: [flask, forget, --older-than, 30d]
    timeout: 60
"""

RETURN = r"""
release:
  description: The id of the release in which the command ran.
  returned: when the command ran, or would run and the release is there
  type: str
  sample: 4f6a7d8e9c0b
rc:
  description: Exit status of the command.
  returned: when the command ran to its end
  type: int
  sample: 0
stdout:
  description:
    - What it printed, in which values of the environment have become the names of their variables.
    - Shorter ones than eight characters stay, and those that look like the name of a module, a host or a path. Where a
      variable is called a C(SECRET), C(PASSWORD), C(PASSWD), C(TOKEN), C(KEY) or C(CREDENTIAL), all from four characters on
      go, unless it only says something about one, as C(PASSWORD_RESET_TIMEOUT) does. Names of databases, hosts and users stay.
  returned: when the command ran to its end
  type: str
  sample: Installed 12 object(s) from 1 fixture(s)
stderr:
  description: What it printed to its standard error, in the same form.
  returned: when the command ran to its end
  type: str
msg:
  description: What was done, or why nothing was.
  returned: always
  type: str
  sample: The command ran in release 4f6a7d8e9c0b.
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.gunicorn_command import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
