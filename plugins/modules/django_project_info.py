#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_project_info
short_description: Find out how a Django project in a source is run
version_added: 0.1.0
description:
  - Looks for C(manage.py), for C(wsgi.py) or C(asgi.py), and for the settings that these name, without running any of
    the project's code.
extends_documentation_fragment:
  - pyweb.stack.app.attributes
attributes:
  diff_mode:
    support: none
options:
  source:
    description: Folder of the sealed source; an empty text in check mode where it can't be known yet.
    type: path
  chdir:
    description: Folder of C(manage.py) inside the source. C(.) also finds the only one up to two folders down.
    type: str
    default: .
  settings_module:
    description:
      - The settings module, in place of the one that the project names. Of what C(wsgi.py) (or C(asgi.py)) and C(manage.py)
        name, the former counts, since it is what serves; of several in one file none is chosen.
    type: str
  env:
    description:
      - Environment of the app. Of its values only C(DJANGO_SETTINGS_MODULE) and C(DJANGO_CONFIGURATION) are looked at, which
        count before what the project names.
    type: dict
    default: {}
  wsgi_app:
    description: What gunicorn serves, in place of the C(wsgi.py) that is found.
    type: str
  worker_class:
    description: The worker class of gunicorn; of one that serves ASGI apps alone the C(asgi.py) is looked for first.
    type: str
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
- name: Find the project
  pyweb.stack.django_project_info:
    source: /srv/shop/sources/8f9b5c0d5a7e2c1b4f6a7d8e9c0b1a2f3e4d5c6b
"""

RETURN = r"""
chdir:
  description: Folder of C(manage.py), relative to the source.
  returned: always
  type: str
  sample: .
settings_module:
  description: The settings module; C(unknown) in check mode where the source can't be known yet.
  returned: always
  type: str
  sample: shop.settings
wsgi_app:
  description:
    - The WSGI or ASGI application; C(unknown) in check mode where the source can't be known yet.
    - Django's own where the project has neither C(wsgi.py) nor C(asgi.py).
  returned: always
  type: str
  sample: shop.wsgi:application
env:
  description: What the service and its commands need in their environment to take these settings.
  returned: always
  type: dict
  sample: {DJANGO_SETTINGS_MODULE: shop.settings}
settings:
  description: The settings of gunicorn that the project needs to be served.
  returned: always
  type: dict
  sample: {worker_class: asgi}
messages:
  description: What was chosen where C(wsgi.py) and C(manage.py) differ.
  returned: always
  type: list
  elements: str
  sample:
    - "config/wsgi.py names config.settings.production as DJANGO_SETTINGS_MODULE, manage.py config.settings.local: the release
      and its commands get config.settings.production."
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.django_project_info import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
