# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app learns of its visitors, and what is told of its faults, from workers of a real gunicorn."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import types

import gunicorn.config
import gunicorn.workers.base
import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import hook
from gunicorn.workers.gasgi import ASGIWorker
from gunicorn.workers.sync import SyncWorker


class UvicornWorker(gunicorn.workers.base.Worker):
    """A worker as uvicorn has it, as far as the hook looks at it."""

    __module__ = "uvicorn.workers"


class AiohttpWorker(gunicorn.workers.base.Worker):
    """A worker as aiohttp has it, which makes requests of its own."""

    __module__ = "aiohttp.worker"


class OtherWorker(gunicorn.workers.base.Worker):
    """A worker that does with its app as it likes."""


class Log:
    """gunicorn's error log."""

    def __init__(self):
        self.told = []

    def warning(self, message, *arguments):
        """Keep the message."""
        self.told.append(message % arguments)

    def exception(self, message, *arguments):
        """Keep the message, and which exception it is about."""
        self.told.append((message % arguments, sys.exc_info()[0]))


@pytest.fixture
def ready():
    """Return a worker of a class that has loaded an app and called its hook."""

    def ready(kind, app, **settings):
        worker = object.__new__(kind)
        worker.cfg, worker.log = gunicorn.config.Config(), Log()
        for name, value in settings.items():
            worker.cfg.set(name, value)
        setattr(worker, "asgi" if kind is ASGIWorker else "wsgi", app)
        namespace = {}
        exec(hook.text(release=True, aiohttp=kind is AiohttpWorker), namespace)
        namespace["post_worker_init"](worker)
        return worker

    return ready


def _wsgi(environ, start_response):
    return [environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]]


NGINX = {"HTTP_X_FORWARDED_FOR": "203.0.113.7", "HTTP_X_FORWARDED_PROTO": "https"}
WSGI = {
    "nginx": ("", NGINX, ["203.0.113.7", "https"]),
    "ipv6": ("", {**NGINX, "HTTP_X_FORWARDED_FOR": "2001:DB8::1"}, ["2001:db8::1", "https"]),
    "a list whose last is nginx's": (
        "",
        {"HTTP_X_FORWARDED_FOR": "198.51.100.1, 203.0.113.7"},
        ["203.0.113.7", "http"],
    ),
    "nobody says": ("", {}, ["127.0.0.1", "http"]),
    "no address": ("", {"HTTP_X_FORWARDED_FOR": "<script>"}, ["127.0.0.1", "http"]),
    "a client by TCP": ("192.0.2.1", {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}, ["192.0.2.1", "http"]),
    "no other scheme": ("", {"HTTP_X_FORWARDED_PROTO": "ftp"}, ["127.0.0.1", "http"]),
}


@pytest.mark.parametrize("case", WSGI)
def test_a_wsgi_app_knows_its_visitor(ready, case):
    peer, headers, right = WSGI[case]
    worker = ready(SyncWorker, _wsgi)
    assert worker.wsgi({"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", **headers}, None) == right


def _ask(app, *, kind="http", headers=(), **scope):
    """Call an ASGI app, and return its scope and what it sent."""
    scope = {"type": kind, "scheme": "http", "client": None, "path": "/items", "headers": list(headers), **scope}
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(app({"method": "GET", **scope}, None, send))
    return sent


async def _asgi(scope, receive, send):
    await send({name: scope.get(name) for name in ("type", "client", "scheme", "root_path", "path")})


def _asgi2(scope):
    async def answer(receive, send):
        await _asgi(scope, receive, send)

    return answer


HTTPS = [(b"x-forwarded-for", b"203.0.113.7"), (b"x-forwarded-proto", b"https")]


@pytest.mark.parametrize("kind", [ASGIWorker, UvicornWorker])
def test_an_asgi_app_knows_its_visitor(ready, kind):
    worker = ready(kind, _asgi)
    app = worker.asgi if kind is ASGIWorker else worker.wsgi
    (seen,) = _ask(app, headers=HTTPS)
    assert (seen["client"], seen["scheme"], seen["root_path"]) == (("203.0.113.7", 0), "https", "")
    assert _ask(app, kind="websocket", headers=HTTPS)[0]["scheme"] == "wss"
    assert _ask(app)[0]["client"] == ("127.0.0.1", 0)
    assert _ask(app, client=("192.0.2.1", 7), headers=HTTPS)[0]["client"] == ("192.0.2.1", 7)
    assert _ask(app, kind="lifespan")[0]["client"] is None


def test_an_asgi_app_knows_its_prefix(ready):
    prefix = [(b"script_name", b"/shop")]
    for kind, name in ((ASGIWorker, "asgi"), (UvicornWorker, "wsgi")):
        (seen,) = _ask(getattr(ready(kind, _asgi), name), headers=prefix, path="/shop/items")
        assert (seen["root_path"], seen["path"]) == ("/shop", "/shop/items")
        assert _ask(getattr(ready(kind, _asgi, root_path="/a"), name))[0]["root_path"] == "/a"


def test_uvicorn_still_tells_the_two_kinds_of_asgi_from_each_other(ready):
    """It goes by whether the app is a coroutine function."""
    worker = ready(UvicornWorker, _asgi2)
    assert not asyncio.iscoroutinefunction(worker.wsgi)
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(worker.wsgi({"type": "http", "scheme": "http", "headers": HTTPS})(None, send))
    assert sent[0]["client"] == ("203.0.113.7", 0)


class Request:
    """A request as aiohttp has it, of a client by a unix socket."""

    def __init__(self, message, *, scheme="http", remote=""):
        self.message, self.scheme, self.remote = message, scheme, remote

    def clone(self, **changed):
        """Return the same with something else, as what aiohttp has for proxies does."""
        return type(self)(self.message, **changed)


def test_an_aiohttp_app_knows_its_visitor(ready, monkeypatch):
    aiohttp = types.ModuleType("aiohttp.web_request")
    aiohttp.BaseRequest = type("BaseRequest", (Request,), {})
    monkeypatch.setitem(sys.modules, "aiohttp", types.ModuleType("aiohttp"))
    monkeypatch.setitem(sys.modules, "aiohttp.web_request", aiohttp)
    app = object()
    assert ready(AiohttpWorker, app).wsgi is app
    seen = aiohttp.BaseRequest(
        types.SimpleNamespace(headers={"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"})
    )
    assert (seen.remote, seen.scheme) == ("203.0.113.7", "https")
    assert (seen.clone().remote, seen.clone(remote="192.0.2.1").remote) == ("203.0.113.7", "192.0.2.1")
    nobody = aiohttp.BaseRequest(types.SimpleNamespace(headers={}))
    assert (nobody.remote, nobody.scheme) == ("127.0.0.1", "http")


def test_the_app_of_an_unknown_worker_stays_as_it_is(ready):
    assert ready(OtherWorker, _wsgi).wsgi is _wsgi


def _failing(status, *, more=False):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "more_body": more})
        raise KeyError("SHOP_TITLE")

    return app


def test_what_a_framework_passes_on_after_its_answer_is_told_once(ready):
    worker = ready(ASGIWorker, _failing(500))
    assert len(_ask(worker.asgi)) == 2
    assert worker.log.told == [("GET /items", KeyError)]


@pytest.mark.parametrize("app", [_failing(200), _failing(500, more=True)])
def test_what_the_server_tells_itself_it_still_gets(ready, app):
    worker = ready(ASGIWorker, app)
    with pytest.raises(KeyError):
        _ask(worker.asgi)
    assert worker.log.told == []


class AdminEmailHandler(logging.Handler):
    """As Django has it."""

    def emit(self, record):
        """Do nothing."""


def _off(handler):
    handler.addFilter(lambda record: False)
    return handler


HANDLERS = {
    "Django's own with DEBUG off": ([AdminEmailHandler(), _off(logging.StreamHandler())], True),
    "to the journal": ([logging.StreamHandler(io.StringIO())], False),
    "too high a level": ([logging.StreamHandler(io.StringIO())], True),
    "a file": ([logging.FileHandler("/dev/null")], True),
    "none, and Python's last resort": ([], False),
}
HANDLERS["too high a level"][0][0].setLevel(logging.CRITICAL)


@pytest.mark.parametrize("case", HANDLERS)
def test_what_a_form_of_django_refuses_is_told_where_the_project_tells_nothing(ready, monkeypatch, case, capsys):
    """Django's own logger, and what it writes with a record."""
    handlers, told = HANDLERS[case]
    signal = types.SimpleNamespace(connect=lambda receiver, weak: None)
    monkeypatch.setitem(sys.modules, "django.core.signals", types.SimpleNamespace(got_request_exception=signal))
    logger = logging.getLogger("django.security.csrf")
    monkeypatch.setattr(logger, "handlers", [*handlers])
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr(logger, "propagate", False)
    worker = ready(SyncWorker, _wsgi)
    request = types.SimpleNamespace(META={"HTTP_HOST": "shop.example.com"})
    logger.warning("Forbidden (%s): %s", "No cookie.", "/a\nTraceback", extra={"request": request})
    assert worker.log.told == ["Forbidden (No cookie.): /a Traceback for shop.example.com"] * told
    assert ("No cookie" in capsys.readouterr().err) is (not handlers)


@pytest.mark.parametrize("case", HANDLERS)
def test_what_a_page_of_django_raises_is_told_where_the_project_tells_nothing(ready, monkeypatch, case):
    """Signals and loggers as Django has them."""
    handlers, told = HANDLERS[case]
    receivers = []
    signal = types.SimpleNamespace(connect=lambda receiver, weak: receivers.append(receiver))
    monkeypatch.setitem(sys.modules, "django.core.signals", types.SimpleNamespace(got_request_exception=signal))
    logger = logging.getLogger("django.request")
    monkeypatch.setattr(logger, "handlers", [*handlers])
    monkeypatch.setattr(logger, "propagate", False)
    worker = ready(SyncWorker, _wsgi)
    try:
        raise KeyError("SHOP_TITLE")
    except KeyError:
        receivers[0](sender=None, request=types.SimpleNamespace(method="GET", path="/"))
    assert worker.log.told == [("GET /", KeyError)] * told
