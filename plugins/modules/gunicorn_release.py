#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gunicorn_release
short_description: Make a proved, immutable release of an app
version_added: 0.1.0
description:
  - A release is code, dependencies, settings, environment and units as one, in C(ROOT/NAME/releases/ID). The ID is the
    digest of all of them, so the same inputs give the same release, and nothing is done twice.
  - Before it gets its name, its units pass C(systemd-analyze verify), and C(gunicorn --check-config) loads the app in a
    transient unit with the service's user, environment and sandbox, which also tells the effective numbers.
  - The release does not serve yet. That is what M(pyweb.stack.gunicorn_switch) is for.
extends_documentation_fragment:
  - pyweb.stack.app
  - pyweb.stack.app.attributes
  - pyweb.stack.app.media
options:
  user:
    description: The account that the app runs as.
    type: str
    required: true
  source:
    description:
      - Folder of the sealed source; none where the app comes from its requirements.
      - An empty text in check mode where there is one that can't be known yet.
    type: path
  version:
    description: What the source is called, for people to read.
    type: str
    default: ''
  chdir:
    description: Folder inside the source to run from.
    type: str
    default: .
  venv:
    description: Folder of the sealed virtual environment; empty in check mode where it can't be known yet.
    type: path
  config:
    description: Text of C(gunicorn.conf.py); empty in check mode where it can't be known yet.
    type: str
  wsgi_app:
    description: What gunicorn serves, in its own notation; for messages and the record.
    type: str
    required: true
  env:
    description:
      - Environment of the app. Values appear in no output and no log, and only root can read them on the target.
    type: dict
    default: {}
  secrets:
    description:
      - Names of variables of the environment whose values are made on the target once, where O(env) has none, and kept there in
        C(/var/lib/gunicorn-NAME.secrets). They are in no output.
    type: list
    elements: str
    default: []
  graceful_timeout:
    description: Seconds that gunicorn gives its workers to end what they have in hand.
    type: int
    default: 30
  health_timeout:
    description:
      - How many seconds M(pyweb.stack.gunicorn_switch) will wait for an answer. To be loaded an app may take three times as
        long, here and at each start.
    type: float
    default: 30
  overlap:
    description:
      - Whether an instance of the release may run beside another one of the app. One that may not holds a lock by which
        the kernel keeps every other instance waiting until it has ended.
    type: bool
    default: true
  memory_max:
    description: Most memory of one instance, in systemd's form.
    type: str
  cpu_quota:
    description: Most processor time of one instance, in systemd's form.
    type: str
  writable_paths:
    description:
      - Folders that the app may write besides its own. One that is missing is made, with mode 0750 and owned by O(user).
    type: list
    elements: str
    default: []
  shared_paths:
    description:
      - Paths in the source that the app may write, as they were given to M(pyweb.stack.app_source). What is missing of them
        in the app's state folder is made, with what the source has there.
    type: list
    elements: str
    default: []
  before_switch:
    description:
      - Steps of the release, dictionaries of C(command), a list of words, and C(once).
      - The ones without C(once) run while the release is made, in a copy of the source in which they may write, as the
        release's account with its environment, packages and sandbox. What they leave is sealed as a source of its own, named
        by O(source), O(venv), O(env) and the commands, from which the release runs.
      - The ones with C(once) are M(pyweb.stack.gunicorn_before_switch)'s; here they have a part in the release's id.
    type: list
    elements: raw
    default: []
  unit:
    description: Properties of the service in place of those of the sandbox, by name; several lines of one in a list.
    type: dict
    default: {}
  media:
    description:
      - A folder of the app's state that nginx is to serve, as M(pyweb.stack.gunicorn_switch) is told.
      - One that holds what O(shared_paths) names, or a database of a Django project, is refused, and so is one that such a project doesn't write to.
  processes:
    description:
      - Processes beside the web process, by name, each with its C(command) and perhaps C(count), C(overlap), C(stop_timeout),
        C(settle), C(notify) and C(memory_max), as in the role's C(gunicorn_processes).
      - M(pyweb.stack.gunicorn_switch) starts them once the web process has proved itself.
    type: dict
    default: {}
  schedule:
    description:
      - What runs at its times, by name, each with its C(command) and C(at) and perhaps C(jitter) and C(timeout), as in the
        role's C(gunicorn_schedule).
    type: dict
    default: {}
  django:
    description:
      - Given for a Django project, which is asked by its own C(manage.py) alone.
      - Settings with C(DEBUG = True) are refused, and so is a C(wsgi.py) that brings other settings than C(manage.py).
    type: dict
    suboptions:
      collectstatic:
        description:
          - Whether the release gets its static files, laid out by their URLs, before the app is first loaded. Django finds
            them there whatever C(STATIC_ROOT) its settings have.
        type: bool
        default: true
      allow_debug:
        description: Whether it may serve with C(DEBUG = True).
        type: bool
        default: false
      databases:
        description: >-
          Aliases of the databases that are migrated before it becomes active. An app that asks for tables which pending migrations
          make is loaded after these, when it starts.
        type: list
        elements: str
        default: [default]
      check:
        description:
          - Whether Django makes its check for deployment as soon as the static files are there, and says what its databases lack.
            That spares M(pyweb.stack.django_manage), which takes it as C(told), a load of the project.
        type: bool
        default: false
  plan:
    description: What R(gunicorn_plan,ansible_collections.pyweb.stack.gunicorn_plan_filter) returned; kept in the record.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Make the release
  pyweb.stack.gunicorn_release:
    name: shop
    user: shop
    source: "{{ source.path }}"
    venv: "{{ venv.path }}"
    config: "{{ config.content }}"
    wsgi_app: shop.wsgi:application
    plan: "{{ ansible_facts | pyweb.stack.gunicorn_plan }}"
    env:
      SECRET_KEY: "{{ vault_secret_key }}"
"""

RETURN = r"""
id:
  description: The id of the release, 12 hexadecimal digits; none in check mode where it can't be known yet.
  returned: always
  type: str
  sample: 4f6a7d8e9c0b
plan:
  description:
    - What O(plan) came to, in the same form.
    - Its C(summary) says C(planned) in check mode, where gunicorn can't be asked yet.
  returned: success
  type: dict
messages:
  description: What is worth knowing of how it was made, of a Django project above all.
  returned: always
  type: list
  elements: str
  sample: ["The release has no static files: django.contrib.staticfiles is not installed."]
path:
  description: Folder of the release; none in check mode where it isn't there yet.
  returned: always
  type: str
  sample: /srv/shop/releases/4f6a7d8e9c0b
alike:
  description:
    - Id of a release that is there and has the same code, packages and environment. That is this one, once it is made.
    - In check mode the active one, or none where it differs in them, or the account is not there yet.
  returned: always
  type: str
  sample: 4f6a7d8e9c0b
serves:
  description: Whether this is the active release already.
  returned: always
  type: bool
told:
  description: What the check for deployment said, and what the databases had, as the release was made; none where it was made before.
  returned: when O(django) is given
  type: dict
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.gunicorn_release import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
