# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What helps where an app failed, by what it said. Private to the collection."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable

from ansible_collections.pyweb.stack.plugins.module_utils._host import asking, files
from ansible_collections.pyweb.stack.plugins.module_utils._text import tracebacks

# SQLite says the first two without the path that it means; who asks it adds that, where it can.
_WRITES = r"Read-only file system|unable to open database file|attempt to write a readonly database"
_SOURCE = r"/\S*/sources/[0-9a-f]{40}"
_IN_SOURCE = re.compile(rf"(?:{_WRITES}).*?({_SOURCE})/([^'\"\s:,)]+)")
# So it is called where the source brings the file; but also where one can't be executed, or a shared one is another account's.
_DENIED = re.compile(rf"Permission denied(: b?['\"]({_SOURCE}/[^'\"]+)['\"])")
_EXECUTES = re.compile(r"\", line \d+, in (?:_execute_child|_posix_spawn|_execvpe)$", re.MULTILINE)
# A path as the app wrote it, from the folder that it runs in.
_RELATIVE = re.compile(r"((?:Read-only file system|Permission denied): b?['\"])([^/'\"][^'\"]*)")
# A library that says it in words of its own.
_OWN_WORDS = re.compile(r"(?<=\[Errno 30\] )(?!Read-only file system)[^'\"\n]*((['\"])[^'\"\n]+\2).*")
_DATABASE = re.compile(r"unable to open database file|attempt to write a readonly database")
# With its path, which who asks SQLite adds.
_DATABASE_AT = re.compile(rf"(?:{_DATABASE.pattern}) \((/[^)\n]*)/[^)/\n]+\)")
# By its URL, which begins where the app runs, or by a name to which a folder is added.
_NAMED_DATABASE = re.compile(r"""['"](sqlite:///)?([\w.-][\w./-]*\.(?:db|sqlite3?))['"]""")
# As hook.py writes it, where the port is lost on the way. Anybody can send any origin, so of the asked host's name alone.
_MAPPED = re.compile(
    r"Forbidden \(Origin checking failed - \w+://([^\s/:]+):\d+ does not match any trusted origins\.\): \S+ for \1$",
    re.MULTILINE,
)
_UNMAPPED = re.compile(r"(/\S+/)[^/\s]+: failed to map segment from shared object")
# A folder below the root is one itself, where that is to be made.
_ELSEWHERE = re.compile(
    r"Read-only file system: b?['\"](/(?:(?!/sources/)[^'\"])+)/[^'\"/]+['\"]"
    r"|, in (?:makedirs|mkdir)\n(?: .*\n)*OSError: \[Errno 30\] Read-only file system: b?['\"](/[^/'\"]+)['\"]"
)
_STATIC = re.compile(r"Read-only file system: b?['\"]/\S*/releases/[0-9a-f]{12}/static/")
_LOG = re.compile(r"/logging/__init__\.py\", line \d+, in _open\n(?:.*\n)*?FileNotFoundError: .*(: '[^']+')")
_NO_SUCH_PROGRAM = re.compile(
    r"FileNotFoundError: \[Errno 2\] No such file or directory: (?:PosixPath\()?b?'([^'/]+|/(?:usr/)?s?bin/[^']+)'"
)
# As Python says it, and Flask's from_pyfile, from_file and their like.
_NO_FILE = re.compile(rf"FileNotFoundError: \[Errno 2\] (?:.* \()?No such file or directory\)?: '{_SOURCE}/([^']+)'")
# The name of a file that is written before it takes the place of another, or keeps others away from that.
_PASSING = re.compile(
    r"\.?tmp\w{8}.*|\.?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}.*|.+\.(?:lock|new|part|temp|tmp)\w*|.+~"
)
# What is said of a module of the source that has the name of another one, which is meant.
_HIDES = re.compile(
    r"ImportError: cannot import name '\w+' from (?:partially initialized module )?'(\w+)'"
    r"|AttributeError: (?:partially initialized )?module '(\w+)' has no attribute"
    r"|No module named '\S+'; '(\w+)' is not a package"
)
_MISSING = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'", re.MULTILINE)
_VARIABLE = re.compile(r"gunicorn_\w+")
# So many lines of what has no traceback.
_LINES = 15
# By what an app says as it fails. {0} and so on are the groups of the expression.
_ENV = "The environment has no {0}: set it in gunicorn_env."
_READS = r"(?:os\.environ(?:\.get)?|os\.getenv|getenv)[(\[]['\"](\w+)['\"]"
_NO_SUCH_FILE = (
    "The source has no {0}: where git ignores it, take it along by gunicorn_include, and where it is a file of this server's "
    "alone, give it by gunicorn_source_files."
)
_SEALED_STATIC = (
    "The app makes a static file as somebody asks for its page, but those of a release are made before it: have it made "
    "beforehand, by django-compressor with COMPRESS_OFFLINE = True, by others with a command in gunicorn_before_switch."
)
_SEALED_FOLDER = (
    "The app writes to its own release, which nothing can change: have it write below $STATE_DIRECTORY, where Flask has its "
    "instance folder by Flask(__name__, instance_path=os.environ['STATE_DIRECTORY'])."
)
_WRITES_ELSEWHERE = "The service may write no file there: add {} to gunicorn_writable_paths."
_NO_LIBRARY = (
    "The host lacks the library {0}: list the Debian package that has it in gunicorn_packages, as the documentation of what "
    "asks for it, or `apt-file search`, names it."
)
_NO_PROGRAM = "The host has no program {0}: list the Debian package that has it in gunicorn_packages."
_NOBODY_THERE = (
    "Nobody answers at {0}, where the app connects: have what it needs run there, PostgreSQL and Redis for instance by the role "
    "pyweb.stack.database, or set in gunicorn_env where it is, by the variable that the app reads."
)
_NO_HOST = (
    "The server knows no host {0}, a name such as containers have for each other: set in gunicorn_env where that is, by the "
    "variable that the app reads."
)
# As asyncio, psycopg, PyMySQL, redis and pymongo say where it was.
_REFUSED = (
    r"ConnectionRefusedError: .*Connect call failed \('([^']+)', (\d+)",
    r"connection to server at \"([^\"]+)\".*, port (\d+) failed: Connection refused",
    r"Error 111 connecting to ([^\s:]+):(\d+)",
    r"([\w.-]+):(\d+): \[Errno 111\] Connection refused",
)
# What Node.js 18 and 20 say, before the app fails that started it.
_V8 = re.compile(r"MemoryChunk allocation failed during|Check failed: 12 == \(\*__errno_location")
_NODE = "Node.js makes machine code as it runs: set gunicorn_unit: {{MemoryDenyWriteExecute: false}}."
TABLE: list[tuple[str, str]] = [
    (r"File \"(?:<frozen os>|\S*/os\.py)\", line \d+, in __getitem__\n(?: .*\n)*KeyError: '(\w+)'", _ENV),
    (r"ImproperlyConfigured: Set the (\w+) environment variable", _ENV),
    (r"UndefinedValueError: (\w+) not found\. Declare it as envvar", _ENV),
    (r"(?i)environment variable ['\"](\w+)['\"] (?:is )?not set", _ENV),
    (
        r"RuntimeError: The session is unavailable because no secret key was set|RuntimeError: A secret key is required to use CSRF",
        "The app has no secret key: have app.secret_key be os.environ['SECRET_KEY'], and add gunicorn_secrets: [SECRET_KEY].",
    ),
    (
        r"^\w*(?:Error|Exception|Configured): (?:.*\n){0,3}?.*\bpip3? install (?:-U |--upgrade )?['\"`]?([A-Za-z][\w.-]*(?:\[[\w,.-]+\])?)",
        "The environment lacks {0}: add it to the app's requirements or gunicorn_requirements.",
    ),
    (r"KeyError: \"Config '(\w+)' is missing, and has no default", _ENV),
    # What is read with no default, and then is None.
    (rf"{_READS}\)[^\n]*\n(?:[\s~^]+\n)?(?:AttributeError|TypeError): .*\bNone(?:Type)?\b", _ENV),
    (
        rf"{_READS}[^\n]*\n(?:[\s~^]+\n)?ValueError: invalid literal for int\(\) with base 10: '(.*)'",
        "The app takes a number from {0}, which is {1!r}: set one in gunicorn_env, such as {0}: 1, or 0 for no.",
    ),
    (
        r"(?:TemplateDoesNotExist|TemplateNotFound): (\S+)",
        "No folder of templates in the source has {0}: where git ignores it, such as what is built of a front end, take it along by "
        "gunicorn_include, or have it made by gunicorn_build.",
    ),
    (
        r"Missing staticfiles manifest entry for '([^']+)'",
        "No folder of static files has {0}: look at its name's case, and where git ignores it, such as what is built of a front end, "
        "take it along by gunicorn_include, or have it made by gunicorn_build.",
    ),
    (
        r"The file '([^']+)' could not be found with <",
        "A style sheet or script names {0}, often only as its source map: have the file, or take its mention out.",
    ),
    (
        r"The SECRET_KEY setting must not be empty",
        "Where the settings take SECRET_KEY from the environment, set it in gunicorn_env.",
    ),
    (
        r"Address already in use|Resource temporarily unavailable",
        "Where only one instance of the app can have a port or a lock, set gunicorn_overlap: false.",
    ),
    (
        r"No module named 'pkg_resources'",
        "It belongs to setuptools, and newer ones lack it: add setuptools<81 to gunicorn_requirements.",
    ),
    (
        r"No module named '(asynchat|asyncore|distutils|imp|smtpd)'",
        "Python has no {0} since 3.12: set gunicorn_python: '3.11', or have a newer version of what asks for it.",
    ),
    (
        r"No module named '(audioop|cgi|cgitb|crypt|imghdr|lib2to3|nntplib|pipes|sndhdr|telnetlib|uu|xdrlib)'",
        "Python has no {0} since 3.13: set gunicorn_python: '3.12', or have a newer version of what asks for it.",
    ),
    *((row, _NOBODY_THERE.format("{0}:{1}")) for row in _REFUSED),
    (r"Can't connect to MySQL server on '([^']+)'", _NOBODY_THERE),
    (r"connection to server on socket \"([^\"]+)\" failed: No such file", _NOBODY_THERE),
    *(
        (row, _NO_HOST)
        for row in (
            r"could not translate host name \"([^\"]+)\"",
            r"failed to resolve host '([^']+)'",
            r"Error -[235] connecting to ([^\s:]+):",
        )
    ),
    (
        r"botocore\.exceptions\.NoCredentialsError",
        "The app keeps files in S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in gunicorn_env, or whatever its settings take "
        "them from.",
    ),
    (
        r"WORKER TIMEOUT",
        "A worker did nothing for as long as gunicorn's setting timeout says: where the app takes longer to start, give "
        "timeout in gunicorn_settings and in gunicorn_health more seconds.",
    ),
    (
        r"/gunicorn/workers/\w+\.py\", line \d+, in handle_request\n(?: .*\n)*?"
        r" .*/gunicorn/workers/base\.py\", line \d+, in handle_abort\n(?: .*\n)*SystemExit: 1",
        "A page took longer than gunicorn's setting timeout, so its worker was ended: give it more seconds, as in gunicorn_settings: "
        "{{timeout: 120}}, or have threads, whose pages may take longer: {{worker_class: gthread, threads: 4}}.",
    ),
    (
        r"Origin checking failed - (\S+) does not match any trusted origins",
        "Where a port of another machine or of a container leads to nginx, the app doesn't know it: add {0} to "
        "CSRF_TRUSTED_ORIGINS, or let it see the port by nginx_site_proxy_headers: {{Host: $http_host}}.",
    ),
    (
        r"cannot allocate memory in static TLS block|cannot enable executable stack|ffi_prep_closure"
        # llvmlite of numba, and cffi.
        r"|cannot allocate executable memory|annot allocate write\+execute memory",
        "A library makes machine code as it runs: set gunicorn_unit: {{MemoryDenyWriteExecute: false}}.",
    ),
    (_V8.pattern, _NODE),
    (r"(?<![\w./-])([^\s:/'\"]+): cannot open shared object file", _NO_LIBRARY),
    # As python-magic, psycopg and GeoDjango say it.
    (r"failed to find (lib\w+)\.", _NO_LIBRARY),
    (r"implementation: (lib\w+) library not found", _NO_LIBRARY),
    (r"Could not find the (\w+) library \(tried ", _NO_LIBRARY),
    (
        r"locale\.Error: unsupported locale setting",
        "The host lacks that locale: gunicorn_packages: [locales-all] brings all that there are.",
    ),
    (
        r"Permission denied: b?['\"](/home|/root|/run/user|/etc/ssl/private)/",
        "The sandbox hides what is below {0}: have files that the app writes below $STATE_DIRECTORY or in a folder of "
        "gunicorn_writable_paths, and a secret in gunicorn_env or gunicorn_source_files.",
    ),
    # In gunicorn itself, which goes over what the app returned.
    (
        r"/gunicorn/workers/\w+\.py\", line \d+, in \w+\n(?:    .*\n)*TypeError: '(?!NoneType)(\w+)' object is not iterable",
        "What gunicorn_wsgi_app names returned no answer but an object of class {0}: where it makes the app, call it, as in "
        "gunicorn_wsgi_app: shop:create_app().",
    ),
    (
        r"AppImportError: Failed to find application object: '(\w+)\(",
        "{0} returned nothing: have it end with a return of the app.",
    ),
    (
        r"SynchronousOnlyOperation",
        "Django's database is asked from a coroutine: wrap the call in sync_to_async, or serve by WSGI.",
    ),
]
# What pydantic's settings lack, all at once.
_FIELDS = re.compile(r"^(\w+)\n  Field required", re.MULTILINE)
_NO_TABLE = re.compile(
    r"no such table: (?:\w+\.)?(\w+)|relation \"(\w+)\" does not exist|Table '(?:\w+\.)?(\w+)' doesn't exist"
)
# Of a traceback through Django's loading of its apps, which comes before any command.
_AT_SETUP = re.compile(r"/django/apps/registry\.py\", line \d+, in populate$", re.MULTILINE)
_ASKS_AT_SETUP = (
    "Django asks for the table {0} while it loads its apps, as for AppConfig.ready, or for a query in a class or module, which "
    "comes before each command, so that migrate can't make the table: have it asked later, as for the first request, or bear "
    "that it isn't there (django.db.DatabaseError)."
)
# By what asked for a table.
_MAKES_TABLES = {
    "django": (
        "No migration makes the table {0}. That of a model: run `manage.py makemigrations`, and commit what it writes, which git "
        "must not ignore. That of a cache: gunicorn_before_switch: [{{command: [manage.py, createcachetable], once: true}}]."
    ),
    "sqlalchemy": (
        "Nothing has made the table {0}: have the app's migrations applied before it takes over, as by "
        "gunicorn_before_switch: [{{command: [flask, db, upgrade], once: true}}] or [alembic, upgrade, head]."
    ),
}
# How a module's package is called, where that is not nearly the same.
_PACKAGES = {
    "MySQLdb": "mysqlclient",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "configurations": "django-configurations",
    "corsheaders": "django-cors-headers",
    "crispy_forms": "django-crispy-forms",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "debug_toolbar": "django-debug-toolbar",
    "decouple": "python-decouple",
    "django_filters": "django-filter",
    "dj_database_url": "dj-database-url",
    "dotenv": "python-dotenv",
    "environ": "django-environ",
    "import_export": "django-import-export",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "multipart": "python-multipart",
    "psycopg2": "psycopg2-binary",
    "redis": "redis",
    "rest_framework": "djangorestframework",
    "sklearn": "scikit-learn",
    "storages": "django-storages",
    "yaml": "pyyaml",
}
_REQUIREMENTS = (
    "*requirements*.txt",
    "requirements/*.txt",
    "*/requirements*.txt",
    "pyproject.toml",
    "Pipfile",
    "setup.cfg",
)


def _holds_code(folder: str) -> bool:
    """Return whether a folder has Python in it, for which it can't be the app's to write."""
    try:
        return any(name.endswith(".py") for name in os.listdir(folder))
    except OSError:
        return False


def _databases(source: str) -> list[str]:
    """Return the files of SQLite in a folder, relative to it."""
    found = []
    for folder, _folders, names in os.walk(source) if source else ():
        for path in (os.path.join(folder, name) for name in names if name.endswith((".sqlite3", ".sqlite", ".db"))):
            if os.path.isfile(path) and not os.path.islink(path):
                found.append(os.path.relpath(path, source))
    return sorted(found)


def _named_database(source: str, workdir: str) -> list[str]:
    """Return the file of SQLite that code in a folder names, relative to it, if that is one and no test names it.

    The code runs in the folder `workdir`, which is that folder itself or one in it.
    """
    found = set()
    runs_in = workdir if f"{workdir}/".startswith(f"{source}/") else source
    for folder, _folders, names in os.walk(source) if source else ():
        for file in (
            name for name in names if name.endswith(".py") and not f"{folder[len(source) :]}/{name}".count("test")
        ):
            for scheme, name in _NAMED_DATABASE.findall(files.brought_text(folder, file)):
                found.add(os.path.relpath(os.path.join(runs_in if scheme else folder, name), source))
    return [*found] if len(found) == 1 else []


def _instance(source: str) -> str:
    """Return the instance folder of a Flask app in a folder that asks for it, relative to that; empty where none does."""
    for folder, _folders, names in os.walk(source) if source else ():
        if any("instance_path" in files.brought_text(folder, name) for name in names if name.endswith(".py")):
            # It is beside the outermost package.
            while os.path.isfile(os.path.join(folder, "__init__.py")) and folder != source:
                folder = os.path.dirname(folder)
            return os.path.relpath(os.path.join(folder, "instance"), source)
    return ""


def remedy(
    text: str, holds_code: Callable[[str], bool] = _holds_code, source: str = "", workdir: str = ""
) -> str | None:
    """Return a sentence on what helps against what `text` says, an app's traceback for instance; None where that is unknown.

    `holds_code` says of a folder whether it has code in it, `source` is that of the app's code, and `workdir` the one that it
    runs in, if they are known.
    """
    found = _IN_SOURCE.search(text)
    if found:
        source, path = found.groups()
        parent = os.path.dirname(path)
        shareable = parent and not holds_code(os.path.join(source, parent))
        place = parent if shareable else path
        if _PASSING.fullmatch(os.path.basename(path)) and not shareable:
            return (
                f"The app writes to {path} in its source, which nothing can change, and which is no file to keep: have it work "
                "in a folder of its own, such as data, and add gunicorn_shared_paths: [data], or have that below "
                "$STATE_DIRECTORY."
            )
        if os.path.basename(path).startswith("celerybeat-schedule"):
            app = os.path.basename(os.path.dirname(os.path.dirname(source)))
            return (
                f"Celery's beat keeps its times in {path} in the source, which nothing can change: add "
                f"--schedule=/var/lib/gunicorn-{app}/beat to its command."
            )
        # What has no ending is made as a folder.
        folder = "" if shareable or os.path.splitext(path)[1] else " if that is a folder"
        return (
            f"The app writes to {path} in its source, which nothing can change: add gunicorn_shared_paths: [{place}]{folder}, or "
            "have it write below $STATE_DIRECTORY."
        )
    found = _DATABASE_AT.search(text)
    if found:
        return _WRITES_ELSEWHERE.format(found[1])
    if _DATABASE.search(text):
        instance = _instance(source) if "unable to open" in text else ""
        there = [instance] if instance else _databases(source) or _named_database(source, workdir)
        if there:
            return (
                f"The app writes to a database in its source, which nothing can change: add gunicorn_shared_paths: "
                f"[{', '.join(there)}], or have it below $STATE_DIRECTORY."
            )
        return (
            "A database in the app's source can't be written: name it in gunicorn_shared_paths, as in "
            "gunicorn_shared_paths: [db.sqlite3], or have it below $STATE_DIRECTORY."
        )
    found = _UNMAPPED.search(text)
    if found:
        return (
            f"The sandbox executes nothing there: add gunicorn_unit: {{ExecPaths: {found[1].rstrip('/')}}}, unless the app "
            "may write to it."
        )
    return None


def known(said: str, source: str = "", workdir: str = "") -> list[str]:
    """Return what helps against what an app said as it failed, a sentence each.

    `source` is the folder of its code, and `workdir` the one that it runs in, if they are known.
    """
    found = [text.format(*match.groups()) for row, text in TABLE if (match := re.search(row, said, re.MULTILINE))]
    source = source or "".join(re.findall(rf"^{_SOURCE}", workdir))
    if "ValidationError: " in said:
        found += [_ENV.format(" and no ".join(_fields(said, source)))] if _FIELDS.search(said) else []
    app = os.path.dirname(os.path.dirname(source)) or workdir
    said = _in_full(said, source, app, workdir)
    denied = _DENIED.search(said)
    if denied and os.path.isfile(denied[2]) and not os.path.islink(denied[2]) and not _EXECUTES.search(said):
        said = said.replace(denied[0], f"Read-only file system{denied[1]}")
    log, no_file = _LOG.search(said), _NO_FILE.search(said)
    # A log in a folder that isn't there would be made by the app where it could.
    tried = f"Read-only file system{log[1]}" if log else said
    writes, elsewhere = remedy(tried, source=source, workdir=workdir), _ELSEWHERE.search(tried)
    if writes:
        found.append(writes)
    elif _STATIC.search(said):
        found.append(_SEALED_STATIC)
    elif elsewhere and app and f"{elsewhere[1]}/".startswith(f"{app}/"):
        found.append(_SEALED_FOLDER)
    elif elsewhere:
        found.append(_WRITES_ELSEWHERE.format(elsewhere[1] or elsewhere[2]))
    elif no_file:
        found.append(_NO_SUCH_FILE.format(no_file[1]))
    program = _NO_SUCH_PROGRAM.search(said)
    if program and _EXECUTES.search(said):
        found.append(_NO_PROGRAM.format(program[1]))
    table = _NO_TABLE.search(said)
    asks = next((each for each in _MAKES_TABLES if each in said), "")
    if table and asks:
        text = _ASKS_AT_SETUP if _AT_SETUP.search(said) else _MAKES_TABLES[asks]
        found.append(text.format(next(filter(None, table.groups()))))
    hides = _HIDES.search(said)
    if hides and (hidden := _hidden(next(filter(None, hides.groups())), source, workdir)):
        found.append(hidden)
    missing = _MISSING.search(said)
    if missing and not found:
        found.append(_of_missing(missing[1], source))
    return list(dict.fromkeys(found))[:2]


def _fields(said: str, source: str) -> list[str]:
    """Return the variables that pydantic's settings lack, by their names there where something goes before these."""
    paths = re.findall(rf"^  File \"{re.escape(source)}/([^\"]+)\"", said, re.MULTILINE) if source else []
    before = next(filter(None, (asking.prefix(source, path) for path in reversed(paths))), "")
    return [f"{before}{name}".upper() if before else name for name in _FIELDS.findall(said)]


def _in_full(said: str, source: str, app: str, workdir: str) -> str:
    """Return what an app said with its paths as those of its source, whichever way it took to it."""
    said = _OWN_WORDS.sub(r"Read-only file system: \1", said)
    if workdir:
        said = _RELATIVE.sub(lambda named: named[1] + os.path.normpath(os.path.join(workdir, named[2])), said)
    if source:
        said = re.sub(rf"{re.escape(app)}/(?:current|releases/[0-9a-f]{{12}})/src(?=/)", source, said)
    return said


def in_service(said: str, source: str, workdir: str = "") -> str:
    """Return the last exception or refused form that a service went on after and what helps; nothing where nothing is known.

    `source` is the folder of the app's code, and `workdir` the one that it runs in.
    """
    for failure in reversed(list(tracebacks.failures(said))):
        helps = known("\n".join(raised.text() for raised in failure.chain), source, workdir)
        if helps:
            return "\n".join([failure.cause(), *helps])
    refused = [found[0] for found in _MAPPED.finditer(said)]
    if refused:
        return "\n".join([refused[-1], *known(refused[-1])])
    return "\n".join(_of_programs(said))


def _of_programs(said: str) -> list[str]:
    """Return what helps against what a program said that the app started."""
    found = _V8.search(said)
    return [found[0], _NODE.format()] if found else []


def advised(text: str) -> str:
    """Return a message, with what helps below it where that is known and it names no such variable yet."""
    advice = remedy(text)
    if not advice or all(name in text for name in _VARIABLE.findall(advice)):
        return text
    return f"{text}\n{advice}"


def explain(said: str, workdir: str = "") -> str:
    """Return why a program failed, from what it said: the cause, the app's own lines, and what helps where that is known.

    `workdir` is the folder that it ran in.
    """
    failure = tracebacks.last(said)
    cause = failure.cause() if failure else "\n".join(said.strip().splitlines()[-_LINES:])
    helps = (of(failure, workdir) if failure else known(said, workdir=workdir)) or _of_programs(said)
    if failure and any(text.startswith(_ENV.partition("{")[0]) for text in helps):
        helps += _further(failure)
    return "\n".join([cause, *helps])


def of(failure: tracebacks.Failure, workdir: str) -> list[str]:
    """Return what helps against a failure of a program that ran in the folder `workdir`, a sentence each."""
    return known(failure.text, _source(failure), workdir)


def _source(failure: tracebacks.Failure) -> str:
    """Return the folder of the app's code, empty where none took part.

    It is the app that names it, so one that somebody else than root can have made is none.
    """
    source = failure.source()
    try:
        with files.opened_folder(source) as folder:
            return source if os.fstat(folder).st_uid in (0, os.geteuid()) else ""
    except OSError:
        return ""


def _further(failure: tracebacks.Failure) -> list[str]:
    """Return a sentence on which other variables the file asks for that failed for want of one."""
    source = _source(failure)
    frames = [frame for frame in failure.own() if source and frame.path.startswith(f"{source}/")]
    if not frames:
        return []
    file = os.path.relpath(frames[-1].path, source)
    names = asking.after(source, file, frames[-1].line)
    return [f"Further down, {file} asks for {', '.join(names)} without a default, too."] if names else []


def _of_missing(module: str, source: str) -> str:
    top = module.partition(".")[0]
    package = _PACKAGES.get(top, top.lower().replace("_", "-"))
    if source and os.path.exists(os.path.join(source, top)):
        return f"{module} is not in {top} of the source: look whether git, or the archive, has the file, and at its name's case."
    naming = [file for file in _files(source) if _names(source, file, package)]
    if naming:
        file = naming[0]
        return f"{file} names {package}, but it is not installed: set gunicorn_requirements_file: {file}, if that was not taken."
    return f"The environment has no {module}: add its package, maybe {package}, to the app's requirements or gunicorn_requirements."


def _hidden(module: str, source: str, workdir: str) -> str | None:
    """Return what helps where a file of the app's stands in the way of a module of Python's or of a package."""
    for folder in filter(None, dict.fromkeys((workdir, source))):
        path = os.path.join(folder, f"{module}.py")
        meant = module in sys.stdlib_module_names or any(_names(source, file, module) for file in _files(source))
        if meant and os.path.isfile(path):
            return f"{module}.py of the source is taken for the module {module} of the same name, which is meant: rename the file."
    return None


def _files(source: str) -> list[str]:
    if not source:
        return []
    return [file for pattern in _REQUIREMENTS for file in sorted(glob.glob(pattern, root_dir=source))]


def _names(source: str, file: str, package: str) -> bool:
    """Say whether a file of a source names a package, however it writes it."""
    name = re.escape(package).replace(r"\-", "[-_.]")
    return re.search(rf"(?<![\w.-]){name}(?![\w.-])", files.brought_text(source, file), re.IGNORECASE) is not None
