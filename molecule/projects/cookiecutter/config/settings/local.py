from .base import *  # pylint: disable=wildcard-import,unused-wildcard-import
from .base import INSTALLED_APPS, MIDDLEWARE, env

DEBUG = True
SECRET_KEY = env("DJANGO_SECRET_KEY", default="for-a-developers-machine")
ALLOWED_HOSTS = ["localhost", "0.0.0.0", "127.0.0.1"]
INSTALLED_APPS += ["debug_toolbar"]
MIDDLEWARE += ["debug_toolbar.middleware.DebugToolbarMiddleware"]
