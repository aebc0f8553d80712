# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of an app by a real gunicorn: that of the Python that runs the tests, without the sandbox."""

from __future__ import annotations

import functools
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import proof
from ansible_collections.pyweb.stack.plugins.module_utils._host import shell

APPS = """
import os, sys
print("hello from the app")
sys.stdout.write("and a line without an end")
os.write(1, b"past Python")

def wsgi(environ, start_response): pass
async def asgi(scope, receive, send): pass
def factory(kind): return globals()[kind]
def create_app(config=None): return wsgi
def pyramids(global_config, **settings): return wsgi
async def make_async(): return asgi
def forgets(): wsgi
class Other:
    def __call__(self): pass
extension = object()
application = create_app
def needs_a_variable(): return os.environ["NOT_SET_ANYWHERE"]
"""


def wsgi(environ, start_response):
    """Take what PEP 3333 says."""


def optional(environ, start_response, more=None):
    """Take what both say."""


def anything(*arguments, **named):
    """Take everything."""


async def asgi(scope, receive, send):
    """Take what the ASGI specification says."""


async def asgi_anything(*arguments):
    """Take everything, but as a coroutine."""


def asgi_undeclared(scope, receive, send):
    """Return a coroutine without being one."""
    return asgi(scope, receive, send)


def decorated(*arguments):
    """Have the signature of something else."""


class Wsgi:
    def __call__(self, environ, start_response):
        """Take what PEP 3333 says."""


class Asgi:
    async def __call__(self, scope, receive, send):
        """Take what the ASGI specification says."""


class WsgiByClass:
    def __init__(self, environ, start_response):
        """Take what PEP 3333 says."""


@pytest.fixture
def prove(tmp_path, write):
    """Prove an app of APPS with a configuration file, and return what is effective."""

    def prove(app: str, config: str = "", files=None, load: bool = True, python: str = sys.executable) -> dict:
        write(
            tmp_path, {"shop_apps.py": APPS, "conf.py": f"wsgi_app = {f'shop_apps:{app}'!r}\n{config}", **(files or {})}
        )
        done = shell.run(
            proof.command(python, "conf.py", load),
            identity=shell.CALLER,
            sandbox=None,
            seconds=60,
            cwd=str(tmp_path),
        )
        return proof.in_force(done, f"shop_apps:{app}")

    return prove


@pytest.mark.parametrize(
    ("config", "in_force"),
    [
        pytest.param("", {"workers": 1, "threads": 1, "timeout": 30, "worker_class": "sync"}, id="defaults"),
        pytest.param(
            "workers = 3\nworkers = workers * 2 + 1\ntimeout = 5",
            {"workers": 7, "threads": 1, "timeout": 5, "worker_class": "sync"}, id="computed",
        ),
        pytest.param(
            "threads = 4", {"workers": 1, "threads": 4, "timeout": 30, "worker_class": "gthread"}, id="another class",
        ),
    ],
)  # fmt: skip
def test_it_tells_what_is_in_force_whatever_the_app_prints(prove, config, in_force):
    assert prove("wsgi", config) == {**in_force, "pythonpath": [], "max_requests": 0, "dirty_arbiter": 0}


def test_what_an_environment_prints_is_no_report(prove, talkative):
    assert prove("wsgi", "workers = 2", python=talkative)["workers"] == 2


def test_an_app_that_ends_gunicorn_by_itself_is_told(prove):
    files = {"shop_apps.py": "import os\nos._exit(0)\n"}
    with pytest.raises(proof.ProofError, match="which gunicorn can't load"):
        prove("wsgi", "", files)


def test_the_environment_has_no_say(prove, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "9")
    assert prove("wsgi", "workers = 2")["workers"] == 2


def test_the_app_and_its_worker_are_found_on_the_pythonpath(prove, tmp_path):
    files = {
        "lib/shop_lib.py": "",
        "more/shop_worker.py": "from gunicorn.workers.sync import SyncWorker\nclass Worker(SyncWorker): pass\n",
        "shop_apps.py": "import shop_lib\n" + APPS,
    }
    config = "pythonpath = 'lib,more'\nworker_class = 'shop_worker.Worker'"
    in_force = prove("wsgi", config, files)
    assert in_force["worker_class"] == "shop_worker.Worker"
    assert in_force["pythonpath"] == [f"{tmp_path}/more", f"{tmp_path}/lib"]
    with pytest.raises(proof.ProofError, match=r"(?s)gunicorn_wsgi_app is .*No module named 'shop_lib'"):
        prove("wsgi", "", files)


@pytest.mark.parametrize(
    ("app", "config", "said"),
    [
        (
            "asgi",
            "threads = 2",
            "which is no WSGI app, but the effective worker_class, 'gthread', .*: set gunicorn_settings: {worker_class: asgi}",
        ),
        (
            "wsgi",
            "worker_class = 'asgi'",
            "is no ASGI app, but the effective worker_class, 'asgi', .*: leave that out, or",
        ),
        ("factory('wsgi')", "worker_class = 'asgi'", "is no ASGI app"),
        # Where it has to be called first, it is of neither kind.
        ("create_app", "", "which serves no requests, .* call it, as 'shop_apps:create_app\\(\\)'"),
        ("create_app", "worker_class = 'asgi'", "which serves no requests, .* call it"),
        ("factory", "", "which serves no requests, .* call it with what it takes"),
        ("pyramids", "", "call it with what it takes, as 'shop_apps:pyramids\\({}\\)'"),
        ("make_async", "", "would have to be awaited, .*without async"),
        ("make_async", "worker_class = 'asgi'", "would have to be awaited, .*worker_class: aiohttp.GunicornWebWorker"),
        ("Other()", "", "it is an object of shop_apps.Other; name what is an app"),
    ],
)
def test_an_app_that_its_worker_can_not_call(prove, app, config, said):
    with pytest.raises(proof.ProofError, match=f"^gunicorn_wsgi_app is .shop_apps:.*{said}"):
        prove(app, config)


@pytest.mark.parametrize(
    ("package", "name", "worker_class"),
    [("tornado", "web", "tornado"), ("aiohttp", "web_app", "aiohttp.GunicornWebWorker")],
)
@pytest.mark.parametrize("config", ["", "worker_class = 'asgi'"])
def test_an_app_of_a_framework_that_brings_its_own_worker(prove, package, name, worker_class, config):
    files = {
        f"{package}/__init__.py": "",
        f"{package}/{name}.py": "class Application:\n    def __call__(self, one=1): pass\n",
    }
    app = f"from {package}.{name} import Application\napp = Application()\n"
    said = f"is an app of {package}, .*: set gunicorn_settings: {{worker_class: {worker_class}}}$"
    with pytest.raises(proof.ProofError, match=said):
        prove("app", config, {**files, "shop_apps.py": app})


def test_tornados_own_apps_are_served_by_its_worker():
    names = {}
    exec(proof._UNFIT, names)
    app = type("Application", (), {"__module__": "tornado.web", "__call__": lambda self, request: None})()
    assert names["unfit"](app, "gunicorn.workers.gtornado") is None
    assert names["unfit"](app, "gunicorn.workers.sync") == ("WSGI", False)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("server", "set gunicorn_wsgi_app: 'shop_apps:wsgi' or 'shop_apps:asgi' or 'shop_apps:create_app\\(\\)'.$"),
        ("extension", "set gunicorn_wsgi_app: 'shop_apps:wsgi' or "),
        ("make_async()", "make_async is a coroutine function, and gunicorn awaits nothing"),
        ("forgets()", "forgets returned nothing: have it end with a return of the app"),
    ],
)
def test_what_is_no_app_leads_to_what_is(prove, app, said):
    with pytest.raises(proof.ProofError, match=f"(?s)which gunicorn can't load.*{said}"):
        prove(app)


def test_a_proxy_that_stands_for_nothing_yet_is_no_app(prove):
    proxy = """
class Proxy:
    def __call__(self, environ, start_response): pass
    def __getattribute__(self, name): raise RuntimeError("outside of a request")
request = Proxy()
"""
    with pytest.raises(proof.ProofError, match="set gunicorn_wsgi_app: 'shop_apps:wsgi' or 'shop_apps:asgi'"):
        prove("server", "", {"shop_apps.py": proxy + APPS})


def test_an_app_within_another_is_one(prove):
    wraps = """
class Dash:
    def __init__(self, server): self.server = server
    def __call__(self, *args, **kwargs): pass
dash, task = Dash(lambda environ, start_response: None), Dash(None)
"""
    with pytest.raises(proof.ProofError, match=r"set gunicorn_wsgi_app: 'shop_apps:dash'\.$"):
        prove("server", "", {"shop_apps.py": wraps})


def test_a_folder_that_is_taken_for_the_module_is_named(prove):
    with pytest.raises(
        proof.ProofError, match=r"takes the folder shop_apps for shop_apps, not shop_apps\.py beside it"
    ):
        prove("app", "", {"shop_apps/__init__.py": ""})


def test_a_worker_class_that_its_module_lacks(prove):
    with pytest.raises(
        proof.ProofError, match=r"class uri 'shop_apps\.Worker' invalid or not found: its module has no such class"
    ):
        prove("wsgi", "worker_class = 'shop_apps.Worker'")


def test_websockets_of_flask_take_threads(prove):
    files = {"flask_sock.py": "", "shop_apps.py": f"import flask_sock\n{APPS}"}
    with pytest.raises(
        proof.ProofError, match=r"^gunicorn_settings: worker_class is 'sync', .*{worker_class: gthread, threads: 100}$"
    ):
        prove("wsgi", "", files)
    assert prove("wsgi", "threads = 9", files)["threads"] == 9


def test_websockets_of_uvicorn_take_a_package(prove):
    worker = "from gunicorn.workers.sync import SyncWorker\nclass UvicornWorker(SyncWorker): pass\n"
    app = """
class APIWebSocketRoute: pass
class App:
    routes = [APIWebSocketRoute()]
    async def __call__(self, scope, receive, send): pass
app, quiet = App(), App()
quiet.routes = []
"""
    files = {"uvicorn_worker/__init__.py": "", "uvicorn_worker/_workers.py": worker, "shop_apps.py": app}
    config = "worker_class = 'uvicorn_worker._workers.UvicornWorker'"
    with pytest.raises(
        proof.ProofError, match=r"^gunicorn_settings: .*answers 404 to .*add websockets to gunicorn_requirements"
    ):
        prove("app", config, files)
    assert prove("quiet", config, files)["workers"] == 1
    assert prove("app", config, {**files, "wsproto.py": ""})["workers"] == 1


@pytest.mark.alike
@pytest.mark.parametrize(
    "key", ["os.urandom(24)", "secrets.token_hex()", "secrets.token_urlsafe(16)", "'dev-' + secrets.token_hex(16)"]
)
def test_a_key_that_each_worker_makes_up(prove, key):
    app = f"""
import os, secrets
class App:
    secret_key = {key}
    def __call__(self, environ, start_response): pass
app, lasting = App(), App()
lasting.secret_key = "a lasting one"
"""
    files = {"shop_apps.py": app}
    said = r"makes up its secret key .* each of 3 workers has another, .*add gunicorn_secrets: \[SECRET_KEY\]$"
    with pytest.raises(proof.ProofError, match=said):
        prove("app", "workers = 3", files)
    assert prove("lasting", "workers = 3", files)["workers"] == 3
    assert prove("app", "", files)["workers"] == 1
    assert prove("app", "workers = 3\npreload_app = True", files)["workers"] == 3


def test_a_key_that_is_made_up_once_and_kept(prove):
    app = """
import os, secrets
if not os.path.exists("key"):
    with open("key", "w") as file:
        file.write(secrets.token_hex(32))
class App:
    secret_key = open("key").read()
    def __call__(self, environ, start_response): pass
app = App()
"""
    assert prove("app", "workers = 3", {"shop_apps.py": app})["workers"] == 3


@pytest.mark.parametrize(("given", "refused"), [("", True), ("lasting", False)])
def test_a_key_that_each_worker_of_django_makes_up(prove, given, refused):
    crypto = "import random\ndef get_random_string(size): return ''.join(random.choices('abc', k=size))\n"
    conf = """
import types
from django.core import make
settings = types.SimpleNamespace(
    configured=True, SETTINGS_MODULE="shop", DEBUG=False, _wrapped=types.SimpleNamespace(SECRET_KEY={given!r} or make(50))
)
"""
    files = {
        "django/__init__.py": "",
        "django/utils/__init__.py": "",
        "django/utils/crypto.py": crypto,
        "django/core.py": "from django.utils.crypto import get_random_string as make\n",
        "django/conf.py": conf.format(given=given),
        "shop_apps.py": f"import django.conf\n{APPS}",
    }
    if refused:
        with pytest.raises(proof.ProofError, match=r"makes up its secret key .*add gunicorn_secrets: \[SECRET_KEY\]$"):
            prove("wsgi", "workers = 3", files)
    else:
        assert prove("wsgi", "workers = 3", files)["workers"] == 3


SOCKET_IO = """
from engineio.server import Server

class Polls(Server):
    def __init__(self, transports):
        self.transports = transports

def wsgi(environ, start_response): pass
async def asgi(scope, receive, send): pass
"""


@pytest.mark.parametrize(
    ("app", "config", "transports", "said"),
    [
        (
            "wsgi",
            "workers = 3",
            "None",
            "workers is 3, .*: set gunicorn_settings: {worker_class: gthread, threads: 100, workers: 1}",
        ),
        ("wsgi", "", "None", "worker_class is 'sync', .*{worker_class: gthread, threads: 100, workers: 1}"),
        ("asgi", "worker_class = 'asgi'\nworkers = 2", "['polling', 'websocket']", "{worker_class: asgi, workers: 1}"),
        ("wsgi", "threads = 9", "None", None),
        ("asgi", "worker_class = 'asgi'\nworkers = 2", "['websocket']", None),
    ],
)
def test_sessions_that_one_worker_keeps(prove, app, config, transports, said):
    # As python-engineio has it.
    server = "class Server:\n    def handle_request(self): pass\n"
    files = {
        "engineio/__init__.py": "",
        "engineio/server.py": server,
        "shop_apps.py": f"{SOCKET_IO}server = Polls({transports})\n",
    }
    if not said:
        assert prove(app, config, files)["threads"] >= 1
        return
    with pytest.raises(proof.ProofError, match=f"^gunicorn_settings: .*{said}, or have it take websockets alone"):
        prove(app, config, files)


@pytest.mark.parametrize(("app", "config"), [("asgi", "worker_class = 'asgi'"), ("factory('wsgi')", "threads = 2")])
def test_an_app_that_its_worker_can_call(prove, app, config):
    assert prove(app, config)["workers"] == 1


@pytest.mark.parametrize(
    ("app", "wsgi_workers", "asgi_workers"),
    [
        pytest.param(wsgi, None, "ASGI", id="wsgi"),
        pytest.param(Wsgi(), None, "ASGI", id="wsgi object"),
        pytest.param(WsgiByClass, None, "ASGI", id="wsgi class"),
        pytest.param(asgi, "WSGI", None, id="asgi"),
        pytest.param(Asgi(), "WSGI", None, id="asgi object"),
        pytest.param(asgi_anything, "WSGI", None, id="asgi of any arguments"),
        pytest.param(functools.partial(asgi_anything, 1), "WSGI", None, id="part of asgi"),
        pytest.param(asgi_undeclared, "WSGI", None, id="asgi that is no coroutine"),
        # What can't be known for certain is left to the proof over HTTP.
        pytest.param(optional, None, None, id="both"),
        pytest.param(anything, None, None, id="anything"),
        pytest.param(functools.wraps(wsgi)(decorated), None, None, id="decorated"),
        pytest.param(dict, None, None, id="no signature"),
    ],
)
def test_what_a_worker_can_not_call(app, wsgi_workers, asgi_workers):
    names = {}
    exec(proof._UNFIT, names)
    for module in ("sync", "gthread", "ggevent", "gtornado"):
        assert names["unfit"](app, f"gunicorn.workers.{module}") == (wsgi_workers and (wsgi_workers, True))
    assert names["unfit"](app, "gunicorn.workers.gasgi") == (asgi_workers and (asgi_workers, True))
    assert names["unfit"](app, "uvicorn_worker._workers") == (asgi_workers and (asgi_workers, True))
    # A class of somebody else's may call what it likes.
    assert names["unfit"](app, "shop.workers") is None


@pytest.mark.parametrize(
    ("app", "config", "said"),
    [
        (
            "missing",
            "",
            "gunicorn_wsgi_app is 'shop_apps:missing', which gunicorn can't load .*Failed to find attribute",
        ),
        (
            "needs_a_variable()",
            "",
            "gunicorn_wsgi_app is .*, and the app fails as it is loaded .*\nKeyError: 'NOT_SET_ANYWHERE'\n.*set it in gunicorn_env",
        ),
        ("wsgi", "import os\nos._exit(0)", "gunicorn_wsgi_app is .*can't load .exit status 0"),
        ("wsgi", "raise SystemExit(0)", "gunicorn_conf_file or gunicorn_settings: gunicorn can't run with them"),
        ("wsgi", "import nosuch", "gunicorn_conf_file or .*No module named 'nosuch'"),
        ("wsgi", "workers = 'many'", "gunicorn_conf_file or .*Invalid value for workers"),
        ("wsgi", "worker_class = 'tornado'", "gunicorn_conf_file or .*need tornado installed"),
        ("wsgi", "def post_fork(server): pass", "gunicorn_conf_file or .*Value must have an arity of: 2"),
    ],
)
def test_what_does_not_pass_says_why_and_who_serves(prove, app, config, said):
    with pytest.raises(proof.ProofError, match=f"(?s)^{said}") as caught:
        prove(app, config)
    assert "the release that was active before still is" in str(caught.value)


def test_systemd_finds_nothing_to_fill_in():
    assert not any("$" in argument for argument in proof.command("python", "conf.py", load=True))


def test_an_app_that_is_not_to_be_loaded_is_not(prove):
    assert prove("no_such_app", "workers = 3", load=False)["workers"] == 3
    with pytest.raises(proof.ProofError, match="gunicorn_conf_file or gunicorn_settings"):
        prove("no_such_app", "workers = 'many'", load=False)


# What a start needs, and gunicorn's own check doesn't try, each with what is said of it.
FAILING = {
    "errorlog": (
        "'/proc/no.log'",
        "errorlog is '/proc/no.log', which fails for the service, as its account and in its",
    ),
    "logconfig_dict": (
        "{'handlers': {'x': {'class': 'no.Handler'}}}",
        "sandbox: Unable to configure handler 'x': No module named 'no'",
    ),
    "logconfig_json": ("'bad.json'", "Expecting value: line 1 column 1"),
    "logger_class": ("'nosuch.Logger'", "class uri 'nosuch.Logger' invalid or not found: No module named 'nosuch'"),
    "syslog": ("True", "syslog and syslog_facility is 'bogus', which fails"),
    "syslog_facility": ("'bogus'", "unknown facility name"),
    "statsd_host": ("'unix:///nosuch/statsd'", "nobody is to be found there, so every figure would be lost"),
    "certfile": ("'bad.json'", "certfile is 'bad.json', which fails"),
    "raw_env": ("['NAME']", "environment setting 'NAME' invalid"),
    "control_socket": ("'/proc/nosuch/ctl'", "No such file or directory: '/proc/nosuch'"),
    "workers": ("0 * 2", "workers is 0, but then nobody answers"),
}


def test_everything_that_a_start_needs_is_tried_and_told_at_once(prove):
    config = "".join(f"{name} = {value}\n" for name, (value, _said) in FAILING.items())
    with pytest.raises(proof.ProofError) as caught:
        prove("missing", config, {"bad.json": "no JSON\n"})
    lines = str(caught.value).splitlines()
    for _value, said in FAILING.values():
        assert any(said in line for line in lines if line.startswith("gunicorn_conf_file or gunicorn_settings: "))
    # And the app itself.
    assert any(line.startswith("gunicorn_wsgi_app is 'shop_apps:missing', which gunicorn can't load") for line in lines)


def test_what_is_missing_for_everybody_is_told_once_and_in_clear_words(prove):
    with pytest.raises(proof.ProofError) as caught:
        prove("wsgi", "logconfig = '/nosuch/log.ini'")
    (line,) = str(caught.value).splitlines()
    assert "logconfig is '/nosuch/log.ini', but there is no file /nosuch/log.ini on the host" in line


def test_a_start_that_would_work_does(prove, tmp_path):
    config = """
accesslog = "access.log"
capture_output, errorlog = True, "error.log"
raw_env = ["GREETING=hello"]
control_socket, control_socket_disable = "run/ctl", False
statsd_host = "127.0.0.1:8125"
"""
    greets = "import os\n\nassert os.environ['GREETING'] == 'hello'\n" + APPS
    assert prove("wsgi", config, {"shop_apps.py": greets})["workers"] == 1
    assert (tmp_path / "access.log").exists()


LIFESPANS = """
async def knows_it(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        raise AssertionError("started for a proof")

async def knows_nothing(scope, receive, send):
    assert scope["type"] == "http", "only http"

class Tasks:
    pass
"""


@pytest.mark.parametrize(
    ("app", "config", "said"),
    [
        ("knows_nothing", "asgi_lifespan = 'on'", "asgi_lifespan is 'on', which fails .*: only http"),
        ("knows_nothing", "", None),
        ("knows_it", "asgi_lifespan = 'on'", None),
        (
            "knows_it",
            "dirty_apps, dirty_workers = ['shop_apps:Nosuch'], 1",
            "dirty_apps, which .* not found: shop_apps:Nosuch",
        ),
        ("knows_it", "dirty_apps, dirty_workers = ['nosuch'], 1", "dirty_apps, which .*Invalid import path format"),
    ],
)
def test_what_only_the_loaded_app_tells(prove, app, config, said):
    config, files = f"worker_class = 'asgi'\n{config}", {"shop_apps.py": LIFESPANS}
    if not said:
        assert prove(app, config, files)["worker_class"] == "asgi"
        return
    with pytest.raises(proof.ProofError, match=f"^gunicorn_conf_file or gunicorn_settings: {said}"):
        prove(app, config, files)
