"""As short as settings can be: no database, no apps."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-a-developers-machine")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
