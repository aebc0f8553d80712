"""Static files that are named by their content."""

import pathlib

SECRET_KEY = "of no use"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "/static/"
STATICFILES_DIRS = [pathlib.Path(__file__).with_name("static")]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
