# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a developer, and a helper that takes them whatever the environment says."""

import os

SECRET_KEY = "only for this test, which refuses to serve it"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "config.urls"


def choose():
    os.environ["DJANGO_SETTINGS_MODULE"] = __name__
