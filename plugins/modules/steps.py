#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: steps
short_description: Do several steps of the roles in one call
version_added: 0.1.0
description:
  - For the roles and playbooks of this collection. Whoever wants one of its steps takes the module of that.
  - A run waits for each call of its host. So this does what several modules do in one call, in a fixed order, each with
    what those before it found.
  - Where the host lacks the account or a package, it says so in RV(lacks) and does nothing else.
extends_documentation_fragment:
  - pyweb.stack.app.attributes
options:
  name:
    description: The app's name, for all steps.
    type: str
  root:
    description: Where the app's folder is made, for all steps.
    type: path
    default: /srv
  user:
    description: The account of the app, for all steps.
    type: str
  chdir:
    description: Folder inside the source to run from, for all steps; for C(project) where to look for C(manage.py).
    type: str
    default: .
  wsgi_app:
    description: What gunicorn serves, for all steps; C(project) finds it.
    type: str
  memory_per_worker:
    description: MiB that a worker takes, for the plan of workers.
    type: int
    default: 100
  built:
    description: What is known of the release that an earlier call of the same run made, for the steps that activate it.
    type: dict
    suboptions:
      id:
        description: Its id.
        type: str
      alike:
        description: The release that Django is asked by, RV(pyweb.stack.gunicorn_release#module:alike).
        type: str
      version:
        description: What people call its source.
        type: str
      replaces:
        description:
          - The release that was active when the run began, empty where none was. Where another one has taken over since then,
            the steps that can't be undone fail.
        type: str
      unchecked:
        description: Whether Django's own check can't be made before the migrations.
        type: bool
      later:
        description: Whether C(check_later) is needed.
        type: bool
  steps:
    description:
      - The steps to do, and the options of each. They are done in the order of this list, however they are given.
      - C(host), whether the host can run the app; with C(role), C(packages) and C(account).
      - C(interpreter), as M(pyweb.stack.python_interpreter); the C(python) of C(source) and C(venv) is the one that it finds.
      - C(source), as M(pyweb.stack.app_source).
      - C(build), as M(pyweb.stack.app_build); what follows it has the source that it made.
      - C(project), as M(pyweb.stack.django_project_info).
      - C(venv), as M(pyweb.stack.python_venv).
      - C(config), as M(pyweb.stack.gunicorn_config), with the number of workers that M(pyweb.stack.gunicorn_release) plans.
      - C(release), as M(pyweb.stack.gunicorn_release).
      - C(check), as M(pyweb.stack.django_manage), unless the release is active already.
      - C(migrate), and C(check_later) for what can't be checked before, as M(pyweb.stack.django_manage).
      - C(once), as M(pyweb.stack.gunicorn_before_switch).
      - C(switch), as M(pyweb.stack.gunicorn_switch). These take the release that was made in the same call, or O(built).
      - C(compare), as M(pyweb.stack.django_manage), if the release that was active before is one of a Django project.
      - C(site), as M(pyweb.stack.nginx_site).
      - C(database), as M(pyweb.stack.database).
    type: dict
    required: true
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
- name: Say what the last deploy would be taken back to, and do it
  pyweb.stack.steps:
    name: shop
    steps:
      compare: {release: previous}
      switch: {release: previous, back: true}
"""

RETURN = r"""
lacks:
  description: What the host lacks, C(account) with a name, C(packages) with a list, C(lists) where apt has no lists of packages, and C(ipv6).
  returned: success
  type: dict
  sample: {packages: [git]}
waits:
  description: Whether the controller has yet to send the source. It does, so nobody sees this.
  returned: success
  type: bool
  sample: false
seconds:
  description: How long it took to activate the release; 0 where that was not asked for.
  returned: success
  type: float
  sample: 3.2
messages:
  description: What people should know of the release, such as how many workers it has, and why.
  returned: success
  type: list
  elements: str
release:
  description: What M(pyweb.stack.gunicorn_release) returns. So for each step that was done, by its name.
  returned: when the step was done
  type: dict
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.chain import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
