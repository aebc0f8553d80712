import os

from dotenv import load_dotenv

from .base import *  # pylint: disable=wildcard-import,unused-wildcard-import
from .base import BASE_DIR

load_dotenv(BASE_DIR / ".env")

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split()
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
STATIC_ROOT = BASE_DIR / "static"
