# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app says leads to what helps."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host.remedies import (
    advised,
    explain,
    in_service,
    known,
    remedy,
)

SOURCE = f"/srv/shop/sources/{'8f9b' * 10}"
CODE = "/srv/shop/sources/f1f5c8bb3b6a2c9bfbfa6b1fc2fb109ebab17dc5"
EROFS = "OSError: [Errno 30] Read-only file system:"


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (f"{EROFS} '{SOURCE}/instance'", "instance"),
        (f"{EROFS} '{SOURCE}/db.json'", "db.json"),
        (f"{EROFS} '{SOURCE}/logs/shop.log'", "logs"),
        (f"{EROFS} '{SOURCE}/data/favicons'", "data"),
        (f"{EROFS} '{SOURCE}/shop/debug.log'", "shop/debug.log"),
        (f"{EROFS} '{SOURCE}/shop/uploads'", "shop/uploads"),
        (f"OperationalError: unable to open database file ({SOURCE}/db.sqlite3)", "db.sqlite3"),
        (f"OperationalError: attempt to write a readonly database ({SOURCE}/data/db.sqlite3)", "data"),
        ("django.db.utils.OperationalError: attempt to write a readonly database", "db.sqlite3"),
    ],
)
def test_what_is_written_in_the_source_can_be_shared(said, place):
    advice = remedy(f"Traceback (most recent call last):\n{said}\n", lambda folder: folder == f"{SOURCE}/shop")
    assert f"gunicorn_shared_paths: [{place}]" in advice
    assert "$STATE_DIRECTORY" in advice


def test_a_folder_with_code_is_not_the_apps_to_write(tmp_path, write):
    source = write(tmp_path / "sources" / ("8f9b" * 10), {"shop/__init__.py": "", "data/seed": ""})
    assert "[shop/a.log]" in remedy(f"{EROFS} '{source}/shop/a.log'")
    assert "[data]" in remedy(f"{EROFS} '{source}/data/a.log'")


def test_a_file_without_an_ending_would_be_made_as_a_folder(tmp_path, write):
    source = write(tmp_path / "shop/sources" / ("8f9b" * 10), {"core/__init__.py": ""})
    assert "gunicorn_shared_paths: [secret_key] if that is a folder, or have it" in remedy(
        f"{EROFS} '{source}/secret_key'"
    )
    assert "gunicorn_shared_paths: [a.log], or have it" in remedy(f"{EROFS} '{source}/a.log'")
    assert "add --schedule=/var/lib/gunicorn-shop/beat" in remedy(f"{EROFS} '{source}/celerybeat-schedule'")


def test_a_library_that_may_not_be_executed():
    said = "OSError: /data/oracle/libclntsh.so: failed to map segment from shared object"
    assert "gunicorn_unit: {ExecPaths: /data/oracle}" in remedy(said)


@pytest.mark.parametrize("said", [f"{EROFS} '/etc/hosts'", "KeyError: 'SECRET_KEY'", ""])
def test_other_failures_speak_for_themselves(said):
    assert remedy(said) is None
    assert advised(said) == said


SAID = {
    "os.environ": (
        "File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'SHOP_TITLE'",
        "no SHOP_TITLE: set it in gunicorn_env",
    ),
    "os.environ of another Python": (
        "File \"/opt/py/lib/python3.10/os.py\", line 679, in __getitem__\n    raise KeyError(key) from None\nKeyError: 'A'",
        "no A: set it in gunicorn_env",
    ),
    "django-environ": (
        "django.core.exceptions.ImproperlyConfigured: Set the DATABASE_URL environment variable",
        "no DATABASE_URL: set it in gunicorn_env",
    ),
    "a variable that is None": (
        "    ALLOWED_HOSTS = os.environ.get('HOSTS').split(' ')\n                    ^^^^^^^^^\nAttributeError: 'NoneType' object has "
        "no attribute 'split'",
        "no HOSTS: set it in gunicorn_env",
    ),
    "a number that is None": (
        '    PORT = int(os.getenv("PORT"))\nTypeError: int() argument must be a string, a bytes-like object or a real number, not '
        "'NoneType'",
        "no PORT: set it in gunicorn_env",
    ),
    "a number that is none": (
        "    DEBUG = int(os.environ.get('DEBUG', default=0))\n            ^^^\nValueError: invalid literal for int() with base 10: "
        "'False'",
        "takes a number from DEBUG, which is 'False': set one in gunicorn_env, such as DEBUG: 1, or 0 for no",
    ),
    "what Python 3.12 lacks": (
        "ModuleNotFoundError: No module named 'distutils'",
        "since 3.12: set gunicorn_python: '3.11'",
    ),
    "what Python 3.13 lacks": ("ModuleNotFoundError: No module named 'cgi'", "since 3.13: set gunicorn_python: '3.12'"),
    "S3": ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", "set AWS_ACCESS_KEY_ID and"),
    "a table that is asked for at the setup": (
        '  File "/v/django/apps/registry.py", line 124, in populate\n    app_config.ready()\n'
        '  File "/s/shop/apps.py", line 8, in ready\ndjango.db.utils.OperationalError: no such table: shop_rate',
        "asks for the table shop_rate while it loads its apps, as for AppConfig.ready",
    ),
    "decouple": (
        "decouple.UndefinedValueError: SECRET_KEY not found. Declare it as envvar or define a default value.",
        "no SECRET_KEY: set it in gunicorn_env",
    ),
    "environs": (
        'environs.exceptions.EnvError: Environment variable "API_KEY" not set',
        "no API_KEY: set it in gunicorn_env",
    ),
    "pydantic": (
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\napi_key\n  Field required [type=missing",
        "no api_key: set it in gunicorn_env",
    ),
    "pydantic, all at once": (
        "pydantic_core._pydantic_core.ValidationError: 2 validation errors for Settings\napi_key\n  Field required [type=missing\n"
        "    For further information visit\nurl\n  Field required [type=missing",
        "no api_key and no url: set it in gunicorn_env",
    ),
    "Starlette": (
        "KeyError: \"Config 'DATABASE_URL' is missing, and has no default.\"",
        "no DATABASE_URL: set it in gunicorn_env",
    ),
    "a template of a built front end": (
        "django.template.exceptions.TemplateDoesNotExist: index.html",
        "has index.html: where git ignores it",
    ),
    "Flask's template": ("jinja2.exceptions.TemplateNotFound: shop/index.html", "gunicorn_build"),
    "a static file that isn't there": (
        "ValueError: Missing staticfiles manifest entry for 'dist/app.js'",
        "has dist/app.js: look at its name's case",
    ),
    "a source map that isn't there": (
        "whitenoise.storage.MissingFileError: The file 'a.css.map' could not be found with <whitenoise.storage.Compressed",
        "have the file, or take its mention out",
    ),
    "Django's key": (
        "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.",
        "SECRET_KEY from the environment",
    ),
    "a log beside the code": (
        f"OSError: [Errno 30] Read-only file system: '{CODE}/logs/django.log'",
        "gunicorn_shared_paths: [logs]",
    ),
    "a log in a folder that isn't there": (
        '  File "/usr/lib/python3.11/logging/__init__.py", line 1213, in _open\n    return open_func(self.baseFilename\n'
        f"FileNotFoundError: [Errno 2] No such file or directory: '{CODE}/logs/django.log'",
        "gunicorn_shared_paths: [logs]",
    ),
    "a log in a folder of the host's that isn't there": (
        '  File "/usr/lib/python3.11/logging/__init__.py", line 1213, in _open\n    return open_func(self.baseFilename\n'
        "FileNotFoundError: [Errno 2] No such file or directory: '/var/log/shop/django.log'",
        "add /var/log/shop to gunicorn_writable_paths",
    ),
    "a database elsewhere": (
        "OperationalError: unable to open database file (/data/shop/db.sqlite3)",
        "add /data/shop to gunicorn_writable_paths",
    ),
    "Flask's instance folder": (
        f"OSError: [Errno 30] Read-only file system: '{CODE}/instance'",
        "gunicorn_shared_paths: [instance]",
    ),
    "a file at the top": (
        f"OSError: [Errno 30] Read-only file system: '{CODE}/app.log'",
        "gunicorn_shared_paths: [app.log]",
    ),
    "a factory that is not called": (
        '  File "/v/gunicorn/workers/sync.py", line 189, in handle_request\n    for item in respiter:\n'
        "TypeError: 'Flask' object is not iterable",
        "where it makes the app, call it, as in gunicorn_wsgi_app: shop:create_app()",
    ),
    "a folder that is to be made below the root": (
        '  File "/s/app.py", line 3, in <module>\n    os.makedirs("/data/uploads")\n  File "<frozen os>", line 215, in makedirs\n'
        "  File \"<frozen os>\", line 225, in makedirs\nOSError: [Errno 30] Read-only file system: '/data'",
        "add /data to gunicorn_writable_paths",
    ),
    "a log elsewhere": (
        "OSError: [Errno 30] Read-only file system: '/var/log/shop/django.log'",
        "add /var/log/shop to gunicorn_writable_paths",
    ),
    "a static file that is made as a page is asked for": (
        "OSError: [Errno 30] Read-only file system: '/srv/shop/releases/c665253cda30/static/static/CACHE'",
        "COMPRESS_OFFLINE = True",
    ),
    "a model without a migration": (
        "sqlite3.OperationalError: no such table: blog_post\ndjango.db.utils.OperationalError: no such table: blog_post",
        "the table blog_post. That of a model: run `manage.py makemigrations`",
    ),
    "a cache in PostgreSQL": (
        'django.db.utils.ProgrammingError: relation "cache_default" does not exist',
        "command: [manage.py, createcachetable], once: true",
    ),
    "Flask's tables in MySQL": (
        "sqlalchemy.exc.ProgrammingError: (1146, \"Table 'shop.post' doesn't exist\")",
        "the table post: have the app's migrations applied",
    ),
    "a file that takes the place of another": (
        f"OSError: [Errno 30] Read-only file system: '{CODE}/tmpmofe6d2c'",
        "gunicorn_shared_paths: [data]",
    ),
    "a lock at the top": (
        f"OSError: [Errno 30] Read-only file system: '{CODE}/queue.json.lock'",
        "in a folder of its own",
    ),
    "a database beside the code": (
        "django.db.utils.OperationalError: attempt to write a readonly database",
        "gunicorn_shared_paths: [db.sqlite3]",
    ),
    "a database in a folder": ("sqlite3.OperationalError: unable to open database file", "$STATE_DIRECTORY"),
    "a file that git ignores": (
        f"FileNotFoundError: [Errno 2] No such file or directory: '{CODE}/config/local.json'",
        "no config/local.json: where git ignores it",
    ),
    "a file of Flask's settings": (
        "FileNotFoundError: [Errno 2] Unable to load configuration file (No such file or directory): "
        f"'{CODE}/instance/config.py'",
        "no instance/config.py: where git ignores it",
    ),
    "setuptools": ("ModuleNotFoundError: No module named 'pkg_resources'", "setuptools<81"),
    "a port": ("OSError: [Errno 98] Address already in use", "gunicorn_overlap: false"),
    "a slow start": (
        "[2026-11-26 08:46:34 -0600] [1] [CRITICAL] WORKER TIMEOUT (pid:7)",
        "timeout in gunicorn_settings",
    ),
    "a mapped port": (
        "Forbidden (Origin checking failed - http://localhost:8080 does not match any trusted origins.): /",
        "add http://localhost:8080 to CSRF_TRUSTED_ORIGINS",
    ),
    "a package under another name": (
        "ModuleNotFoundError: No module named 'rest_framework'",
        "maybe djangorestframework",
    ),
    "a library of an extension": (
        "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
        "lacks the library libGL.so.1: list the Debian package that has it in gunicorn_packages",
    ),
    "a library by cffi, as in WeasyPrint": (
        "OSError: cannot load library 'libgobject-2.0-0': libgobject-2.0-0: cannot open shared object file: No such file or "
        "directory.  Additionally, ctypes.util.find_library() did not manage to locate a library called 'libgobject-2.0-0'",
        "lacks the library libgobject-2.0-0:",
    ),
    "python-magic": (
        "ImportError: failed to find libmagic.  Check your installation",
        "lacks the library libmagic:",
    ),
    "psycopg": (
        "ImportError: no pq wrapper available.\nAttempts made:\n"
        "- couldn't import psycopg 'binary' implementation: No module named 'psycopg_binary'\n"
        "- couldn't import psycopg 'python' implementation: libpq library not found",
        "lacks the library libpq:",
    ),
    "GeoDjango": (
        'django.core.exceptions.ImproperlyConfigured: Could not find the GDAL library (tried "gdal", "GDAL"). Is GDAL '
        "installed? If it is, try setting GDAL_LIBRARY_PATH in your settings.",
        "lacks the library GDAL:",
    ),
    "a program": (
        'File "/usr/lib/python3.11/subprocess.py", line 1901, in _execute_child\n    raise child_exception_type(errno_num)\n'
        "FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'",
        "no program ffmpeg: list the Debian package that has it in gunicorn_packages",
    ),
    "a program by its path": (
        'File "/usr/lib/python3.13/subprocess.py", line 1972, in _execute_child\n    raise child_exception_type(errno_num)\n'
        "FileNotFoundError: [Errno 2] No such file or directory: '/usr/sbin/sendmail'",
        "no program /usr/sbin/sendmail:",
    ),
    "numba": (
        "PermissionError: [Errno 1] cannot allocate executable memory. This may be due to security restrictions on your "
        "system, such as SELinux or similar mechanisms.",
        "gunicorn_unit: {MemoryDenyWriteExecute: false}",
    ),
    "a callback of cffi": (
        "MemoryError: Cannot allocate write+execute memory for ffi.callback(). You might be running on a system that "
        "prevents this.",
        "gunicorn_unit: {MemoryDenyWriteExecute: false}",
    ),
    "a database that asyncpg doesn't reach": (
        "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5432)",
        "Nobody answers at 127.0.0.1:5432, where the app connects:",
    ),
    "a database that psycopg doesn't reach": (
        'connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
        "Nobody answers at localhost:5432,",
    ),
    "a socket of PostgreSQL": (
        'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or directory',
        "Nobody answers at /var/run/postgresql/.s.PGSQL.5432,",
    ),
    "MySQL": (
        "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'localhost' ([Errno 111] Connection refused)\")",
        "Nobody answers at localhost,",
    ),
    "Redis": (
        "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
        "Nobody answers at localhost:6379,",
    ),
    "MongoDB": (
        "pymongo.errors.ServerSelectionTimeoutError: localhost:27017: [Errno 111] Connection refused (configured timeouts: …)",
        "Nobody answers at localhost:27017,",
    ),
    "a name among containers": (
        'could not translate host name "db" to address: Temporary failure in name resolution',
        "The server knows no host db,",
    ),
    "such a name of Redis": (
        "redis.exceptions.ConnectionError: Error -2 connecting to redis:6379. Name or service not known.",
        "The server knows no host redis,",
    ),
    "such a name of psycopg": (
        "psycopg.OperationalError: failed to resolve host 'db': [Errno -2] Name or service not known",
        "The server knows no host db,",
    ),
    "a page that takes longer than its worker may": (
        '  File "/v/gunicorn/workers/sync.py", line 184, in handle_request\n    respiter = self.wsgi(environ, resp.start_response)\n'
        '  File "/srv/shop/app.py", line 8, in slow\n    def slow(): time.sleep(40)\n                ^^^^^^^^\n'
        '  File "/v/gunicorn/workers/base.py", line 200, in handle_abort\n    sys.exit(1)\nSystemExit: 1',
        "gunicorn_settings: {timeout: 120}, or have threads",
    ),
    "Flask's settings": (
        "RuntimeError: The environment variable 'SHOP_SETTINGS' is not set and as such configuration could not be loaded.",
        "no SHOP_SETTINGS: set it in gunicorn_env",
    ),
    "Flask without a key": (
        "RuntimeError: The session is unavailable because no secret key was set.  Set the secret_key on the application",
        "add gunicorn_secrets: [SECRET_KEY]",
    ),
    "what a package says to install": (
        'RuntimeError: Form data requires "python-multipart" to be installed. \nYou can install "python-multipart" with: \n\n'
        "pip install python-multipart\n",
        "The environment lacks python-multipart: add it to",
    ),
    "what it says to install with an extra": (
        "ImportError: email-validator is not installed, run `pip install 'pydantic[email]'`",
        "The environment lacks pydantic[email]: add it to",
    ),
    "a locale": ("locale.Error: unsupported locale setting", "gunicorn_packages: [locales-all]"),
    "a home": (
        "PermissionError: [Errno 13] Permission denied: '/home/deploy/uploads/x'",
        "The sandbox hides what is below /home:",
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_what_is_met_often_has_its_remedy(case):
    said, helps = SAID[case]
    (found,) = known(said)
    assert helps in found


@pytest.mark.parametrize(
    "said",
    [
        "",
        "KeyError: 'name'",
        "ValueError: no",
        "OSError: [Errno 13] Permission denied: '/x'",
        "FileNotFoundError: [Errno 2] No such file or directory: 'names.txt'",
        "OSError: /opt/shop/libshop.so: cannot open shared object file: No such file or directory",
    ],
)
def test_what_is_not_known_has_none(said):
    assert known(said) == []


@pytest.mark.parametrize(
    ("files", "helps"),
    [
        (
            {"requirements/production.txt": "Django\nPyYAML==6.0\n"},
            "gunicorn_requirements_file: requirements/production.txt",
        ),
        ({"requirements.txt": "Django\n"}, "add its package, maybe pyyaml"),
        ({"yaml/__init__.py": ""}, "not in yaml of the source"),
    ],
)
def test_a_module_that_is_missing_is_looked_for_in_the_source(tmp_path, write, files, helps):
    (found,) = known("ModuleNotFoundError: No module named 'yaml'", str(write(tmp_path, files)))
    assert helps in found


def test_the_explanation_has_cause_lines_and_remedy_or_the_last_lines():
    said = (
        f'Traceback (most recent call last):\n  File "{CODE}/shop.py", line 3, in <module>\n    open("x.log", "a")\n'
        f"OSError: [Errno 30] Read-only file system: '{CODE}/x.log'\n"
    )
    lines = explain("before\n" + said).splitlines()
    assert lines[:3] == [said.splitlines()[-1], "  at shop.py, line 3, in <module>", '    open("x.log", "a")']
    assert "gunicorn_shared_paths: [x.log]" in lines[3]
    assert explain("\n".join(map(str, range(99)))).splitlines() == [str(n) for n in range(84, 99)]


SERVED = f"""[2026-11-26 08:46:34 +0000] [7] [ERROR] POST /upload
Traceback (most recent call last):
  File "{CODE}/shop/views.py", line 7, in upload
    open(path, "w")
OSError: [Errno 30] Read-only file system: '{CODE}/uploads/a.txt'
[2026-11-26 08:46:35 +0000] [7] [ERROR] GET /
Traceback (most recent call last):
  File "{CODE}/shop/views.py", line 9, in home
    1 / 0
ZeroDivisionError: division by zero
[2026-11-26 08:46:36 +0000] [7] [INFO] Address already in use is what a page is about
"""


EXECUTED = """Traceback (most recent call last):
  File "/usr/lib/python3.11/subprocess.py", line 1955, in _execute_child
    raise child_exception_type(errno_num, err_msg, err_filename)
"""
WRITTEN = {
    "a relative folder": ("backend", f"{EROFS} 'uploads'", "backend/uploads"),
    "a relative file in a folder": (".", f"{EROFS} './static/uploads/a.png'", "static/uploads"),
    "a relative file beside where it runs": ("backend", f"{EROFS} '../data.json'", "data.json"),
    "a file that is there": (".", f"PermissionError: [Errno 13] Permission denied: '{CODE}/debug.log'", "debug.log"),
    "a relative file that is there": (
        "backend",
        "PermissionError: [Errno 13] Permission denied: 'a.db'",
        "backend/a.db",
    ),
    "by the way of what is active": (".", f"{EROFS} '/srv/shop/current/src/x/a.log'", "x"),
    "by the way of a release": (".", f"{EROFS} '/srv/shop/releases/c665253cda30/src/a.log'", "a.log"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_written_in_the_source_is_found_whichever_way_the_app_takes_to_it(tmp_path, write, case):
    folder, said, place = WRITTEN[case]
    said = said.replace("/srv/shop", str(tmp_path))
    source = write(
        CODE.replace("/srv/shop", str(tmp_path)), {"backend/shop.py": "", "backend/a.db": "", "debug.log": ""}
    )
    workdir = os.path.normpath(f"{source}/{folder}")
    (advice,) = known(said, workdir=workdir)
    assert f"gunicorn_shared_paths: [{place}]" in advice
    assert advice in explain(f"Traceback (most recent call last):\n{said}\n", workdir)


@pytest.mark.parametrize(
    "path", ["venvs/" + "8f9b" * 10 + "/var/flaskr-instance", "releases/c665253cda30/venv/x", "current/x", "x"]
)
def test_no_release_is_said_to_be_the_apps_to_write(path):
    (advice,) = known(f"{EROFS} '/srv/shop/{path}'", workdir="/srv/shop")
    assert "to its own release" in advice


def test_a_program_that_can_not_be_executed_is_not_written(tmp_path, write):
    source = str(write(CODE.replace("/srv/shop", str(tmp_path)), {"bin/convert": ""}))
    said = f"{EXECUTED}PermissionError: [Errno 13] Permission denied: '{source}/bin/convert'\n"
    assert known(said, source) == []
    assert in_service(said, source, source) == ""


def test_a_shared_file_of_another_account_is_not_to_be_shared_again(tmp_path, write):
    source = write(CODE.replace("/srv/shop", str(tmp_path)), {"shop.py": ""})
    (source / "db.json").symlink_to(tmp_path / "shop.py")
    for path in ("db.json", "media/a.png"):
        assert known(f"PermissionError: [Errno 13] Permission denied: '{source}/{path}'", str(source)) == []


def test_the_instance_folder_of_flask_is_named_where_sqlite_names_none(tmp_path, write):
    said = "sqlite3.OperationalError: unable to open database file"
    write(tmp_path, {"src/shop/__init__.py": "make(app.instance_path)", "seed.db": "", "tests/__init__.py": ""})
    assert "gunicorn_shared_paths: [src/instance]" in known(said, str(tmp_path))[0]
    assert "[seed.db]" in known("sqlite3.OperationalError: attempt to write a readonly database", str(tmp_path))[0]
    (tmp_path / "src/shop/__init__.py").write_text("")
    assert "[seed.db]" in known(said, str(tmp_path))[0]


def test_what_a_service_lacks_of_its_environment_is_told():
    said = (
        f'[ERROR] GET /\nTraceback (most recent call last):\n  File "{CODE}/shop.py", line 7, in home\n'
        "    os.environ['TITLE']\n  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'TITLE'\n"
    )
    assert "no TITLE: set it in gunicorn_env" in in_service(said, CODE)


def test_what_a_service_went_on_after_is_told_where_something_helps():
    said = in_service(SERVED, CODE)
    assert "at shop/views.py, line 7, in upload" in said
    assert said.endswith("add gunicorn_shared_paths: [uploads], or have it write below $STATE_DIRECTORY.")
    assert in_service(SERVED.partition("[2026-11-26 08:46:35")[2], CODE) == ""


NODE = "#\n# Fatal javascript OOM in MemoryChunk allocation failed during deserialization.\n#\n\n"


@pytest.mark.parametrize(
    "said", [NODE, "#\n# Fatal error in , line 0\n# Check failed: 12 == (*__errno_location ()).\n"]
)
def test_a_program_that_makes_machine_code_is_told_whatever_comes_of_it(said):
    failure = (
        f'Traceback (most recent call last):\n  File "{CODE}/shop.py", line 7, in home\n    run(["node"])\n'
        "subprocess.CalledProcessError: Command '['node']' died with <Signals.SIGTRAP: 5>.\n"
    )
    for told in (explain(said), explain(said + failure), in_service(said + failure, CODE)):
        assert "gunicorn_unit: {MemoryDenyWriteExecute: false}" in told


REFUSED = "[WARNING] Forbidden (Origin checking failed - {} does not match any trusted origins.): {} for {}"


def test_a_form_that_is_refused_for_a_mapped_port_is_told():
    line = REFUSED.format("http://localhost:8080", "/add/", "localhost")
    assert "add http://localhost:8080 to CSRF_TRUSTED_ORIGINS" in in_service(f"before\n{line}\nafter\n", CODE)


@pytest.mark.parametrize(
    "said",
    [
        ("https://evil.example", "/add/", "shop.example.com"),
        ("https://evil.example", "/add/ for evil.example", "shop.example.com"),
        ("https://shop.example.com.evil.example", "/add/", "shop.example.com"),
        ("http://shop.example.com", "/add/", "shop.example.com"),
        ("http://shop.example.com:31337", "/add/", "shop.example.com:8080"),
    ],
)
def test_nobody_is_told_to_trust_who_sends_a_form_of_another_host(said):
    assert in_service(REFUSED.format(*said), CODE) == ""


def test_a_database_in_the_source_is_named(tmp_path, write):
    write(tmp_path, {"data/shop.sqlite3": "", "shop/views.py": ""})
    said = "sqlite3.OperationalError: attempt to write a readonly database"
    assert "add gunicorn_shared_paths: [data/shop.sqlite3]" in known(said, str(tmp_path))[0]
    (tmp_path / "data/shop.sqlite3").unlink()
    assert "as in gunicorn_shared_paths: [db.sqlite3]" in known(said, str(tmp_path))[0]


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (
            {
                "config.py": "URI = 'sqlite:///' + os.path.join(basedir, 'app.db')",
                "tests/conftest.py": "'sqlite:///t.db'",
            },
            "app.db",
        ),
        ({"shop/models.py": 'connect("data/shop.sqlite3")'}, "shop/data/shop.sqlite3"),
        ({"shop/main.py": 'create_engine("sqlite:///./shop.db")'}, "shop.db"),
        ({"a.py": "'a.db'", "b.py": "'b.db'"}, "db.sqlite3"),
    ],
)
def test_a_database_that_is_yet_to_be_made_is_named_as_the_code_has_it(tmp_path, write, files, place):
    source = str(write(tmp_path / "sources", files))
    assert (
        f"gunicorn_shared_paths: [{place}]"
        in known("sqlite3.OperationalError: unable to open database file", source)[0]
    )


def test_settings_of_pydantic_lack_variables_by_their_whole_names(tmp_path, write):
    text = 'class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="WEB_", extra="ignore")\n    secret_key: str\n'
    source = write(tmp_path / "sources" / ("8f9b" * 10), {"core/conf.py": text})
    said = (
        f'Traceback (most recent call last):\n  File "{source}/core/conf.py", line 4, in <module>\n    conf = S()\n'
        "pydantic_core._pydantic_core.ValidationError: 2 validation errors for S\nsecret_key\n  Field required [type=missing]\n"
        "database_url\n  Field required [type=missing]\n"
    )
    assert "The environment has no WEB_SECRET_KEY and no WEB_DATABASE_URL: set it in" in "".join(
        known(said, str(source))
    )
    write(source, {"core/conf.py": text.replace('env_prefix="WEB_", ', "")})
    assert "The environment has no secret_key and no database_url: set it in" in "".join(known(said, str(source)))


def test_what_has_a_default_elsewhere_and_a_prefix_is_known(tmp_path, write):
    text = """import environ
env = environ.Env(DEBUG=(bool, False), MODE=str)
A = env("FIRST")
DEBUG, MODE = env("DEBUG"), env("MODE")
with env.prefixed("DJANGO_"):
    HOSTS = env.list("ALLOWED_HOSTS")
"""
    source = write(tmp_path / "sources" / ("8f9b" * 10), {"prod.py": text})
    said = (
        f'Traceback (most recent call last):\n  File "{source}/prod.py", line 3, in <module>\n    A = env("FIRST")\n'
        "django.core.exceptions.ImproperlyConfigured: Set the FIRST environment variable\n"
    )
    assert explain(said).splitlines()[-1] == (
        "Further down, prod.py asks for MODE, DJANGO_ALLOWED_HOSTS without a default, too."
    )


def test_a_database_of_a_url_lies_where_the_app_runs(tmp_path, write):
    source = str(write(tmp_path / "sources", {"backend/shop/main.py": 'create_engine("sqlite:///shop.db")'}))
    said = "sqlite3.OperationalError: unable to open database file"
    assert "gunicorn_shared_paths: [backend/shop.db]" in known(said, source, f"{source}/backend")[0]


def test_what_is_advised_already_is_not_said_again_in_other_words():
    said = "unable to open database file\nadd gunicorn_shared_paths: [backend/shop.db]"
    assert advised(said) == said
    assert "gunicorn_shared_paths: [db.sqlite3]" in advised("unable to open database file")


def test_a_library_s_own_words_for_a_folder_that_it_can_not_make(tmp_path, write):
    source = str(write(tmp_path / "sources" / ("8f9b" * 10), {"app.py": ""}))
    said = 'OSError: [Errno 30] Cache directory "./cache" does not exist and could not be created'
    assert "add gunicorn_shared_paths: [cache]" in known(said, source, source)[0]
    assert known("OSError: [Errno 30] it can't be written", source, source) == []


def test_settings_that_lack_one_variable_are_read_for_the_others(tmp_path, write):
    text = """import os
A = os.environ["FIRST"]
B = os.environ["SECOND"], os.environ.get("OPTIONAL"), os.environ["HOME"[0:]]
DATABASES = {"default": env.db("DATABASE_URL"), "other": env.db("OTHER", default="sqlite://")}
C, D = config("THIRD", cast=int), config("FOURTH", "x") or env("SECOND")
"""
    source = write(tmp_path / "sources" / ("8f9b" * 10), {"config/prod.py": text})
    said = (
        f'Traceback (most recent call last):\n  File "{source}/config/prod.py", line 2, in <module>\n'
        '    A = os.environ["FIRST"]\n  File "<frozen os>", line 679, in __getitem__\nKeyError: \'FIRST\'\n'
    )
    assert explain(said).splitlines()[-2:] == [
        "The environment has no FIRST: set it in gunicorn_env.",
        "Further down, config/prod.py asks for SECOND, DATABASE_URL, THIRD without a default, too.",
    ]
    write(source, {"config/prod.py": "("})
    assert explain(said).splitlines()[-1] == "The environment has no FIRST: set it in gunicorn_env."


def _lacks_first(file) -> str:
    return (
        f'Traceback (most recent call last):\n  File "{file}", line 1, in <module>\n'
        '    A = os.environ["FIRST"]\n  File "<frozen os>", line 679, in __getitem__\nKeyError: \'FIRST\'\n'
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to somebody else")
def test_an_app_has_no_other_file_read_by_what_it_says(tmp_path, write):
    other = 'A = os.environ["FIRST"]\nB = os.environ["SECOND"]\n'
    digest = "8f9b" * 10
    write(tmp_path, {f"sources/{digest}/own.py": other, "other.py": other})
    theirs = tmp_path / "state/sources" / digest
    write(theirs, {"own.py": other})
    os.chown(theirs, 65534, 65534)
    (tmp_path / "links/sources").mkdir(parents=True)
    link = tmp_path / "links/sources" / digest
    link.symlink_to(tmp_path / "sources" / digest)
    os.lchown(link, 65534, 65534)
    assert "asks for SECOND" in explain(_lacks_first(tmp_path / "sources" / digest / "own.py"))
    for file in (tmp_path / "sources" / digest / "../../other.py", theirs / "own.py", link / "own.py"):
        assert "SECOND" not in explain(_lacks_first(file))


@pytest.mark.parametrize(
    ("said", "files", "name"),
    [
        (
            "ImportError: cannot import name 'Flask' from partially initialized module 'flask' (most likely due to a circular import)",
            {"flask.py": "", "requirements.txt": "Flask==3.1\n"},
            "flask",
        ),
        ("ImportError: cannot import name 'Enum' from 'enum' (…)", {"enum.py": ""}, "enum"),
        (
            "AttributeError: partially initialized module 'random' has no attribute 'choice'",
            {"random.py": ""},
            "random",
        ),
        (
            "ModuleNotFoundError: No module named 'redis.asyncio'; 'redis' is not a package",
            {"redis.py": "", "requirements.txt": "redis"},
            "redis",
        ),
        (
            "ImportError: cannot import name 'db' from partially initialized module 'models' (…)",
            {"models.py": ""},
            None,
        ),
        ("AttributeError: module 'random' has no attribute 'choise'", {"shop.py": ""}, None),
    ],
)
def test_a_file_that_hides_the_module_that_is_meant_is_named(tmp_path, write, said, files, name):
    source = str(write(tmp_path / "sources" / ("8f9b" * 10), files))
    hides = [helps for helps in known(said, source, source) if "rename the file" in helps]
    assert [f"{name}.py of the source is taken for" in helps for helps in hides] == [True] * bool(name)
