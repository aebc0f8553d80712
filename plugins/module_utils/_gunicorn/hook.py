# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker does once it has loaded the app, as Python for the end of `gunicorn.conf.py`. Private to the collection.

Over a unix socket a server knows no address of its clients, and what the worker classes make of nginx's headers there
differs by class and version. So an app gets the visitor's address, scheme and prefix here, in the same way from all:
nginx overwrites these headers, and nobody but nginx can connect. What it raises goes to gunicorn's error log.
"""

from __future__ import annotations

_HEAD = '''
from gunicorn.config import PostWorkerInit


def post_worker_init(
    worker, *, users=PostWorkerInit.validator(globals().get("post_worker_init", PostWorkerInit.default))
):
    """Prepare what only a worker has, after the user's own hook."""
    import functools

    users(worker)
'''
# gunicorn's asgi worker gives asyncio no backlog, which then cuts that of the socket to 100: clients beyond get a 502.
_BACKLOG = """
    # As many clients may wait as the setting backlog says.
    loop = getattr(worker, "loop", None)
    if hasattr(loop, "create_server"):
        loop.create_server = functools.partial(loop.create_server, backlog=worker.cfg.backlog)
"""
_VISITOR = '''
    import inspect
    import ipaddress
    import logging
    import sys

    # The app knows its visitors by what nginx says of them.
    @functools.lru_cache(maxsize=1024)
    def address(forwarded_for):
        """Return the last address, which nginx put there; where nobody did, somebody of this host asks."""
        try:
            return str(ipaddress.ip_address(forwarded_for.rpartition(",")[2].strip()))
        except ValueError:
            return "127.0.0.1"

    def inform(environ):
        if not environ.get("REMOTE_ADDR"):
            environ["REMOTE_ADDR"] = address(environ.get("HTTP_X_FORWARDED_FOR", ""))
        if environ.get("HTTP_X_FORWARDED_PROTO") == "https":
            environ["wsgi.url_scheme"] = "https"

    def inform_async(scope):
        if scope["type"] not in ("http", "websocket"):
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if not (scope.get("client") or ("",))[0]:
            scope["client"] = (address(headers.get(b"x-forwarded-for", "")), 0)
        if headers.get(b"x-forwarded-proto") == "https":
            scope["scheme"] = "https" if scope["type"] == "http" else "wss"
        given = worker.cfg.settings.get("root_path")
        scope["root_path"] = headers.get(b"script_name") or scope.get("root_path") or (given and given.get()) or ""

    def wsgi(environ, start_response):
        inform(environ)
        return app(environ, start_response)

    async def asgi(scope, receive, send):
        status, ended = 0, False

        async def watched(message):
            nonlocal status, ended
            await send(message)
            status = message.get("status", status)
            ended = message["type"] == "http.response.body" and not message.get("more_body")

        inform_async(scope)
        try:
            await app(scope, receive, watched)
        except Exception:
            # A framework has answered 500 and passes on why. From version 26 on gunicorn would say nothing of it.
            if not ended or status < 500:
                raise
            worker.log.exception("%s %s", scope["method"], scope["path"])

    def asgi2(scope):
        inform_async(scope)
        return app(scope)

    homes = {kind.__module__ for kind in type(worker).__mro__} - {"gunicorn.workers.base"}
    name = "asgi" if "gunicorn.workers.gasgi" in homes else "wsgi"
    app = getattr(worker, name, None)
    if "gunicorn.workers.gtornado" in homes:
        from tornado.httpserver import HTTPServer

        # It serves apps of its own kind, too, and can do this for all of them.
        HTTPServer.initialize = functools.partialmethod(HTTPServer.initialize, xheaders=True)
    elif any(home.startswith("uvicorn") for home in homes):
        # By this it tells the two kinds of ASGI from each other.
        call = app if inspect.isfunction(app) else app.__call__
        worker.wsgi = asgi if inspect.iscoroutinefunction(call) else asgi2
    elif any(home.startswith("gunicorn.workers.") for home in homes):
        setattr(worker, name, asgi if name == "asgi" else wsgi)

    # What a page of Django raises goes by mail to ADMINS, and nowhere else, unless the project's LOGGING says so; and what its
    # forms refuse goes nowhere.
    def written(record):
        """Say whether the project's own logging writes it where gunicorn would, or to systemd's journal."""
        elsewhere = {"AdminEmailHandler", "FileHandler", "HTTPHandler", "NullHandler", "SMTPHandler", "SocketHandler"}
        logger, handlers = logging.getLogger(record.name), []
        if not logger.isEnabledFor(record.levelno):
            return False
        while logger:
            handlers += logger.handlers
            logger = logger.parent if logger.propagate else None
        for handler in handlers:
            kinds = {kind.__name__ for kind in type(handler).__mro__}
            if handler.level <= record.levelno and not kinds & elsewhere and handler.filter(record):
                return True
        # Python itself writes what nobody handles.
        return not handlers

    def tell(request=None, **_):
        about, extra = ("django.request", logging.ERROR, "", 0, "", (), sys.exc_info()), {"request": request}
        if not written(logging.getLogger().makeRecord(*about, extra=extra)):
            worker.log.exception("%s %s", getattr(request, "method", ""), getattr(request, "path", ""))

    def tell_refused(record):
        host = getattr(getattr(record, "request", None), "META", {}).get("HTTP_HOST", "")
        if not written(record):
            # In one line, whatever the path of the page has.
            worker.log.warning("%s for %s", " ".join(record.getMessage().split()), host)
        return True

    signals = sys.modules.get("django.core.signals")
    if signals:
        signals.got_request_exception.connect(tell, weak=False)
        # A filter, since by a handler Python would take the record for written.
        logging.getLogger("django.security.csrf").addFilter(tell_refused)
'''


# It is no part of the hook of others, whose releases keep their names so.
_AIOHTTP = """
    # aiohttp's own workers know neither an environ nor a scope, and what they make of a request can be told both.
    from aiohttp.web_request import BaseRequest

    made = BaseRequest.__init__

    def make(request, message, *given, **named):
        named.setdefault("remote", address(message.headers.get("X-Forwarded-For", "")))
        if message.headers.get("X-Forwarded-Proto") == "https":
            named.setdefault("scheme", "https")
        made(request, message, *given, **named)

    BaseRequest.__init__ = make
"""


def text(release: bool, aiohttp: bool = False) -> str:
    """Return the hook; `release` says whether it is for one, with nginx and nobody else at its socket, `aiohttp` for whose workers."""
    return "".join([_HEAD, _BACKLOG, _VISITOR if release else "", _AIOHTTP if release and aiohttp else ""]).strip()
