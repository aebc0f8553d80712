import os
import secrets

from .base import *  # pylint: disable=wildcard-import,unused-wildcard-import
from .base import BASE_DIR, FAVICON_FOLDER

DEBUG = False
ALLOWED_HOSTS = ["*"]
os.makedirs(FAVICON_FOLDER, exist_ok=True)

# Made once, and kept.
key = os.path.join(BASE_DIR, "data", "secretkey.txt")
if not os.path.exists(key):
    with open(f"{key}.new", "w") as file:
        file.write(secrets.token_hex(32))
    os.rename(f"{key}.new", key)
with open(key) as file:
    SECRET_KEY = file.read()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "file": {
            "class": "logging.handlers.RotatingFileHandler",
            "filename": os.path.join(BASE_DIR, "logs", "site.log"),
            "maxBytes": 1_000_000,
            "backupCount": 3,
        }
    },
    "root": {"handlers": ["file"], "level": "INFO"},
}
