from pathlib import Path

from configurations import Configuration, values


class Base(Configuration):
    BASE_DIR = Path(__file__).resolve().parent.parent
    INSTALLED_APPS = [
        "django.contrib.contenttypes",
        "django.contrib.staticfiles",
        "guestbook",
    ]
    MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
    ROOT_URLCONF = "mysite.urls"
    TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    USE_TZ = True
    STATIC_URL = "/static/"


class Dev(Base):
    DEBUG = True
    SECRET_KEY = "for-a-developers-machine"
    DATABASES = values.DatabaseURLValue("sqlite:///db.sqlite3")


class Prod(Base):
    DEBUG = False
    SECRET_KEY = values.SecretValue()
    ALLOWED_HOSTS = values.ListValue([".example.com"])
    STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    DATABASES = values.DatabaseURLValue("sqlite:////var/lib/gunicorn-configurations/db.sqlite3")

    @property
    def STATIC_ROOT(self):
        return self.BASE_DIR / "staticfiles"
