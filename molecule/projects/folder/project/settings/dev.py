from .base import *  # pylint: disable=wildcard-import,unused-wildcard-import
from .base import BASE_DIR

DEBUG = True
SECRET_KEY = "for-a-developers-machine"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
