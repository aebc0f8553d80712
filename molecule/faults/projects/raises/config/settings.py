# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As a host has them, but for what a row asks for."""

import os

from django.core import checks

DEBUG = False
SECRET_KEY = "only for this test, which refuses to serve it"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "config.urls"
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
SECURE_SSL_REDIRECT = "REDIRECTS" in os.environ

if "CHECKED" in os.environ:
    checks.register(lambda app_configs, **_: [checks.Error("The till is open.", id="shop.E001")])
