"""A project that puts links among its static files."""

import os

SECRET_KEY = "only for this test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "gallery.urls"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "static/"
STATICFILES_DIRS = [os.path.join(os.path.dirname(__file__), "../static")]
STORAGES = {"staticfiles": {"BACKEND": "gallery.links.Links"}}
LINKS = os.environ["LINKS"].split()
