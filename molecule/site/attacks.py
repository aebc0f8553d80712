"""What strangers send to the sites over TLS, and what comes of it; runs on the server, which it asks by way of nginx.

With the variables SERVER, the server's address, and CONTAINER it runs on another host, from where it asks what is `from_abroad`.
"""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import time
import unittest
import urllib.parse

import http2

ALBUM, SHOP = "album.example.com", "shop.example.com"
SERVER, CONTAINER = os.environ.get("SERVER", "127.0.0.1"), os.environ.get("CONTAINER")
SEEN, LOG = "/var/lib/gunicorn-album/seen.jsonl", "/var/log/nginx/album.json"
MEDIA = pathlib.Path("/var/lib/gunicorn-album/media")
ABROAD = []
ANYBODY = ssl.create_default_context()
ANYBODY.check_hostname = False
ANYBODY.verify_mode = ssl.CERT_NONE
# In seconds: until an answer that is still to come is there, and until a server that says nothing more has said all.
PATIENCE, SILENCE = 60, 2
# What one framework, CDN or proxy or another has its word on the visitor in.
BELIEVED = (
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server"),
    *("X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Protocol"),
    *("X-Forwarded-By", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Path", "X-Forwarded"),
    *("Forwarded", "Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-ProxyUser-IP"),
    *("Client-IP", "True-Client-IP", "CF-Connecting-IP", "CF-Connecting-IPv6", "Fastly-Client-IP"),
    *("Fly-Client-IP", "X-Azure-ClientIP", "X-Original-URL", "X-Original-Host", "X-Rewrite-URL"),
    *("X-Scheme", "X-Url-Scheme", "X-Host", "Front-End-Https", "Proxy", "X-Request-ID", "Script-Name"),
    *("SCRIPT_NAME", "X-Script-Name", "Path-Info", "PATH_INFO", "Remote-User", "REMOTE_USER"),
    *("X-Remote-User", "X_Forwarded_For", "X_Forwarded_Proto", "X_Real_IP", "HTTP_HOST"),
    *("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username"),
    *("X-Forwarded-Access-Token", "X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups"),
    *("Remote-Email", "Remote-Groups", "Remote-Name", "X-WebAuth-User", "X-Authentik-Username"),
    *("Cf-Access-Authenticated-User-Email", "X-Goog-Authenticated-User-Email", "X-Amzn-Oidc-Identity"),
    *("X-SSL-Client-Verify", "X-SSL-Client-Cert", "X-SSL-Client-DN", "X-SSL-Client-S-DN", "SSL-Client-Cert"),
    *("X-Client-Cert", "X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert"),
)


def from_abroad(test):
    """Have a test run on another host than the server, and others on the server."""
    ABROAD.append(test)
    return unittest.skipUnless(CONTAINER, "another host asks this")(test)


def on_server(*argv):
    """Return what a command on the server says."""
    command = ["docker", "exec", CONTAINER, *argv] if CONTAINER else argv
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout


def connect(host, source=None, protocols=()):
    """Return a connection to nginx, as one from there who asks for that host."""
    context = ANYBODY
    if protocols:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(protocols)
    where = (source, 0) if source else None
    plain = socket.create_connection((SERVER, 443), timeout=PATIENCE, source_address=where)
    return context.wrap_socket(plain, server_hostname=host)


def send(host, data):
    """Send these bytes, and return all that comes back until the server closes or falls silent."""
    said = b""
    with connect(host) as connection:
        connection.sendall(data)
        while True:
            connection.settimeout(SILENCE if said else PATIENCE)
            try:
                more = connection.recv(65536)
            except OSError:
                return said
            if not more:
                return said
            said += more


def get(path, host=ALBUM, headers=None, source=None, method="GET", body=None):
    """Return status, headers and body of an answer."""
    connection = http.client.HTTPSConnection(host, context=ANYBODY)
    connection.sock = connect(host, source)
    connection.request(method, path, body=body, headers={"Connection": "close", **(headers or {})})
    answer = connection.getresponse()
    with connection.sock or answer:
        return answer.status, answer.headers, answer.read().decode(errors="replace")


def echoed(**how):
    """Return what of a request arrived at the app."""
    return json.loads(get("/echo", **how)[2])


def over_http3(*how, path="/echo"):
    """Return what curl says of a request over HTTP/3 and nothing else."""
    argv = [
        "curl",
        "--http3-only",
        "--insecure",
        "--silent",
        "--show-error",
        "--include",
        "--max-time",
        str(PATIENCE),
        *how,
    ]
    done = subprocess.run([*argv, f"https://{ALBUM}{path}"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def has_http3():
    """Say whether nginx has HTTP/3, as Debian 13's has."""
    return "http_v3_module" in on_server("nginx", "-V")


class Headers(unittest.TestCase):
    @from_abroad
    def test_a_stranger_says_nothing_that_is_believed(self):
        self.assertEqual(len(BELIEVED), 72)
        with connect(ALBUM) as connection:
            here = connection.getsockname()[0]
        for name in BELIEVED:
            with self.subTest(name):
                seen = echoed(headers={name: "planted"})
                self.assertNotIn("planted", json.dumps(seen))
                self.assertEqual((seen["host"], seen["secure"], seen["path"]), (ALBUM, True, "/echo"))
                self.assertEqual(seen["told"]["HTTP_X_FORWARDED_FOR"], here)

    @from_abroad
    def test_nor_does_one_who_says_it_twice_or_in_other_words(self):
        for name in BELIEVED[:8]:
            for spelt in (f"{name} ", f"{name.upper()}", f"{name}: planted\r\n{name}", f"X-A: b\r\n {name}"):
                with self.subTest(spelt):
                    request = f"GET /echo HTTP/1.1\r\nHost: {ALBUM}\r\nConnection: close\r\n{spelt}: planted\r\n\r\n"
                    head, _end, told = send(ALBUM, request.encode()).partition(b"\r\n\r\n")
                    # What is no header of a sound request comes nowhere.
                    if b" 200 " in head.splitlines()[0]:
                        self.assertNotIn("planted", told.decode().replace('"HTTP_X_A": "b X', ""))

    def test_the_load_balancer_says_who_the_visitor_is_and_nobody_else_does(self):
        for source, client, secure in (("127.0.0.2", "203.0.113.9", False), ("127.0.0.1", "127.0.0.1", True)):
            for sent in ("203.0.113.9", "198.51.100.7, 203.0.113.9", "198.51.100.7, 203.0.113.9, 127.0.0.2"):
                with self.subTest(source=source, sent=sent):
                    seen = echoed(source=source, headers={"X-Forwarded-For": sent, "X-Forwarded-Proto": "http"})
                    self.assertEqual(seen["told"]["HTTP_X_REAL_IP"], client)
                    self.assertEqual(seen["secure"], secure)

    @from_abroad
    def test_a_host_that_is_not_its_own_gets_nothing_of_the_app(self):
        hosts = (
            "evil.example.com",
            f"{ALBUM}.evil.example.com",
            "127.0.0.1",
            f"{ALBUM}@evil.example.com",
            f"{ALBUM} evil",
        )
        for host in hosts:
            for target in ("/echo/strange", "https://evil.example.com/echo/strange"):
                with self.subTest(host=host, target=target):
                    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                    self.assertNotIn(b" 200 ", send(ALBUM, request.encode()).partition(b"\r\n")[0])
        self.assertNotIn("/echo/strange", on_server("cat", SEEN))


def smuggled(number):
    """Return a request that nobody sent by itself."""
    return f"GET /echo/smuggled/{number} HTTP/1.1\r\nHost: {ALBUM}\r\n\r\n"


def envelopes():
    """Yield kinds of requests in which servers disagree on where one ends, each with another one inside."""
    inside = smuggled(0)
    size, hexed = len(inside), f"{len(inside):x}"
    chunked, both = f"0\r\n\r\n{inside}", f"{hexed}\r\n{inside}\r\n0\r\n\r\n"
    encodings = (
        *(
            "Transfer-Encoding: chunked",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding:\tchunked",
            "Transfer-Encoding: xchunked",
        ),
        *(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: identity, chunked",
            "Transfer-Encoding: \x0bchunked",
        ),
        *(
            "Transfer-Encoding: chunked, identity",
            " Transfer-Encoding: chunked",
            "X: y\nTransfer-Encoding: chunked",
            "Transfer-Encoding\n: chunked",
        ),
        *(
            'Transfer-Encoding: "chunked"',
            "Transfer-Encoding: chunKed",
            "Transfer_Encoding: chunked",
            "Transfer-Encoding:\r\n chunked",
        ),
        *("Transfer-Encoding: chunked;a=b", "Transfer-Encoding: gzip, chunked", "X: y\rTransfer-Encoding: chunked"),
    )
    for encoding in encodings:
        yield f"CL.TE by {encoding!r}", f"Content-Length: {len(chunked)}\r\n{encoding}\r\n", chunked
        yield f"TE.CL by {encoding!r}", f"Content-Length: {len(hexed) + 2}\r\n{encoding}\r\n", both
        yield f"TE alone by {encoding!r}", f"{encoding}\r\n", chunked
    lengths = (
        *(
            "Content-Length: 0\r\nContent-Length: {0}",
            "Content-Length: {0}\r\nContent-Length: 0",
            "Content-Length: 0, {0}",
        ),
        *(
            "Content-Length: +{0}",
            "Content-Length: -{0}",
            "Content-Length: 0x{0:x}",
            "Content-Length: {0}.0",
            "Content-Length : {0}",
        ),
        *(
            "Content-Length: 0{0}",
            "Content_Length: {0}",
            "Content-Length: {0} 0",
            "Content-Length:\r\n {0}",
            "X: y\nContent-Length: {0}",
        ),
        *("Content-Length: 99999999999999999999{0}", "Content-Length: \x0b{0}", "Content-Length: {0}\x00"),
    )
    for length in lengths:
        yield f"length by {length!r}", length.format(size) + "\r\n", inside
    chunks = (
        *(f"{hexed};a=b\n{inside}\r\n0\r\n\r\n", f"0{hexed}\n{inside}\n0\n\n", f"0x{hexed}\r\n{inside}\r\n0\r\n\r\n"),
        *(f"-1\r\n{inside}", f"ffffffffffffffff{hexed}\r\n{inside}\r\n0\r\n\r\n", f" {hexed}\r\n{inside}\r\n0\r\n\r\n"),
        *(
            f"{hexed}\r\n{inside}0\r\n\r\n",
            f"0\r\nContent-Length: {size}\r\n\r\n{inside}",
            f"0\r\nX: y\r\n {inside}\r\n",
            f"0;\r\r\n\r\n{inside}",
        ),
    )
    for body in chunks:
        yield f"chunks {body[:12]!r}", "Transfer-Encoding: chunked\r\n", body
    for upgrade in ("h2c", "websocket", "h2c, websocket"):
        more = (
            f"Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        )
        yield f"an upgrade to {upgrade}", more, inside
    yield "an expectation", f"Expect: 100-continue\r\nContent-Length: {size}\r\n", inside
    yield (
        "a connection's own",
        f"Connection: Content-Length, Transfer-Encoding, Host\r\nContent-Length: {size}\r\n",
        inside,
    )


class Smuggling(unittest.TestCase):
    @from_abroad
    def test_the_app_sees_the_requests_that_nginx_saw_and_no_others(self):
        requests = []
        for number, (name, headers, body) in enumerate(envelopes()):
            body = body.replace(smuggled(0), smuggled(number)) if number < 10 else body
            requests.append((name, f"POST /echo/{number} HTTP/1.1\r\nHost: {ALBUM}\r\n{headers}\r\n{body}"))
        for name, line in (
            *(
                ("bare line feeds", "POST /echo HTTP/1.1\nHost: {0}\nContent-Length: 5\n\nhello"),
                ("two hosts", "GET /echo HTTP/1.1\r\nHost: {0}\r\nHost: {0}\r\n\r\n"),
            ),
            *(
                ("an absolute form", "GET http://evil.example.com/echo HTTP/1.1\r\nHost: {0}\r\n\r\n"),
                ("HTTP/0.9", "GET /echo\r\n\r\n"),
            ),
            *(
                ("a folded header", "GET /echo HTTP/1.1\r\nHost: {0}\r\nX-A: b\r\n Content-Length: 44\r\n\r\n"),
                ("HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: {0}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ),
            *(
                ("a space in the target", "GET /echo /x HTTP/1.1\r\nHost: {0}\r\n\r\n"),
                ("another line in the target", "GET /echo%0d%0aX:%20y HTTP/1.1\r\nHost: {0}\r\n\r\n"),
            ),
            *(
                ("CONNECT", "CONNECT {0}:443 HTTP/1.1\r\nHost: {0}\r\n\r\n"),
                ("TRACE", "TRACE /echo HTTP/1.1\r\nHost: {0}\r\n\r\n"),
                ("HTTP/2.0", "GET /echo HTTP/2.0\r\nHost: {0}\r\n\r\n"),
            ),
            *(
                ("HTTP/1.2", "GET /echo HTTP/1.2\r\nHost: {0}\r\n\r\n"),
                ("a method with a tab", "GET\t/echo HTTP/1.1\r\nHost: {0}\r\n\r\n"),
                ("a NUL", "GET /echo HTTP/1.1\r\nHost: {0}\r\nX: a\0b\r\n\r\n"),
            ),
        ):
            requests.append((name, line.format(ALBUM)))
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            # Each twice on a connection of nginx to the app that one before it may have left.
            list(pool.map(lambda request: send(ALBUM, request[1].encode("latin-1")), [*requests, *requests]))
        self.assert_agreed(30)

    @from_abroad
    def test_over_http2_neither(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            sent = list(http2.attacks(ALBUM))
            list(pool.map(lambda frames: http2.send(connect(ALBUM, protocols=["h2"]), frames, SILENCE), sent))
        self.assert_agreed(1)

    @unittest.skipUnless(has_http3(), "this nginx has no HTTP/3")
    def test_nor_over_http3(self):
        inside = smuggled(3)
        self.assertIn("HTTP/3 200", over_http3(path="/echo/h3"))
        for headers in (
            ["Content-Length: 0"],
            ["Content-Length: 999"],
            ["Content-Length: 0", f"content-length: {len(inside)}"],
            ["Transfer-Encoding: chunked"],
            ["Connection: transfer-encoding", "Upgrade: h2c"],
            ["Host: evil.example.com"],
        ):
            more = [word for header in headers for word in ("--header", header)]
            over_http3("--max-time", str(SILENCE), "--data-binary", f"0\r\n\r\n{inside}", *more, path="/echo/h3")
        self.assert_agreed(1)

    def assert_agreed(self, at_least):
        """See that each request that the app saw is one that nginx forwarded, which it logs when all is done."""
        end = time.monotonic() + PATIENCE
        while True:
            seen = [json.loads(line) for line in on_server("cat", SEEN).splitlines()]
            logged = [json.loads(line) for line in on_server("cat", LOG).splitlines()]
            known = {each["id"]: (each["method"], each["uri"]) for each in logged}
            unknown = [each for each in seen if each["HTTP_X_REQUEST_ID"] not in known]
            # The proof of a release has no nginx in front, and what load balancers ask for all the time is not logged.
            unknown = [each for each in unknown if each["RAW_URI"] not in ("/accounts/login/", "/healthz")]
            if not unknown or time.monotonic() > end:
                break
            time.sleep(0.1)
        self.assertEqual(unknown, [])
        self.assertGreater(len(seen), at_least)
        by_nginx = [each for each in seen if each["HTTP_X_REQUEST_ID"] in known]
        self.assertEqual(len({each["HTTP_X_REQUEST_ID"] for each in by_nginx}), len(by_nginx))
        for each in by_nginx:
            method, uri = known[each["HTTP_X_REQUEST_ID"]]
            self.assertEqual((each["REQUEST_METHOD"], each["RAW_URI"]), (method, re.sub(r"^https?://[^/]+", "", uri)))


class Files(unittest.TestCase):
    def test_no_path_leads_out_of_the_static_files(self):
        ups = (
            "../",
            "..%2f",
            "%2e%2e/",
            "%2e%2e%2f",
            "..%5c",
            "..\\",
            ".%00./",
            "..;/",
            "%252e%252e%252f",
            "..%c0%af",
            "....//",
        )
        wanted = ("env", "src/manage.py", "release.json", "gunicorn.conf.py", "current/env", "etc/passwd")
        paths = [f"/static/{up * depth}{name}" for up in ups for depth in (1, 2, 3, 6) for name in wanted]
        paths += [f"/{up}{name}" for up in ups for name in wanted]
        paths += [f"/static{up}{name}" for up in ups for name in wanted[:3]]
        paths += [
            *(f"/{name}" for name in wanted),
            "//env",
            "/./env",
            "/static/",
            "/static",
            "/assets/",
            "/current/env",
            "/app.sock",
        ]
        paths += [
            "/static/admin/",
            "/static/admin",
            "/env.gz",
            "/static/staticfiles.json/../../env",
            "/.env",
            "/.git/config",
        ]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            request = "GET {} HTTP/1.1\r\nHost: " + SHOP + "\r\nConnection: close\r\n\r\n"
            answers = list(pool.map(lambda path: send(SHOP, request.format(path).encode("latin-1")), paths))
        for path, said in zip(paths, answers, strict=True):
            with self.subTest(path):
                self.assertRegex(said.splitlines()[0], rb"HTTP/1.1 (301|400|404) ")
                for secret in (b"planted-secret", b"execute_from_command_line", b"root:x:", b"wsgi_app", b"SQLite"):
                    self.assertNotIn(secret, said)

    def test_methods_that_write_do_nothing_to_them(self):
        path = re.search(r'href="(/static/[^"]+)"', get("/", SHOP)[2])[1]
        for method in ("PUT", "DELETE", "POST", "PROPFIND", "MKCOL", "MOVE"):
            with self.subTest(method):
                self.assertIn(get(path, SHOP, method=method)[0], (403, 404, 405))
        self.assertEqual(get(path, SHOP)[0], 200)


class Media(unittest.TestCase):
    def test_what_people_send_is_shown_or_saved_and_runs_nothing(self):
        shown = {"picture.png": "image/png", "words.txt": "text/plain", "paper.pdf": "application/pdf"}
        saved = (
            "page.html",
            "picture.svg",
            "page.xhtml",
            "page.xml",
            "script.js",
            "page",
            "page.html.unknown",
            "a b%.html",
        )
        self.lay(dict.fromkeys((*shown, *saved), "<script>"))
        for name in (*shown, *saved):
            with self.subTest(name):
                status, headers, body = get(f"/media/{urllib.parse.quote(name)}")
                self.assertEqual((status, body), (200, "<script>"))
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Content-Disposition"], None if name in shown else "attachment")
                # Browsers show no PDF in a sandbox.
                self.assertEqual(headers["Content-Security-Policy"], None if name == "paper.pdf" else "sandbox")
                self.assertEqual(headers.get_content_type(), shown.get(name, headers.get_content_type()))

    def test_nothing_else_of_the_app_is_to_be_had(self):
        self.lay({".hidden": "planted-secret"})
        links = {
            "database": "../db.sqlite3",
            "environment": "/srv/album/current/env",
            "accounts": "/etc/passwd",
            "up": "..",
        }
        for name, target in links.items():
            subprocess.run(["runuser", "-u", "album", "--", "ln", "-sfn", target, MEDIA / name], check=True)
        ups = ("../", "..%2f", "%2e%2e/", "./../", "up/", "x/../../")
        paths = [f"/media/{up}{name}" for up in ups for name in ("db.sqlite3", "seen.jsonl", "media/../db.sqlite3")]
        paths += ["/media../db.sqlite3", "/media/", "/media", "/media/.hidden", *(f"/media/{name}" for name in links)]
        for path in paths:
            with self.subTest(path):
                said = send(ALBUM, f"GET {path} HTTP/1.1\r\nHost: {ALBUM}\r\nConnection: close\r\n\r\n".encode())
                self.assertRegex(said.splitlines()[0], rb"HTTP/1.1 (301|400|403|404) ")
                for secret in (b"SQLite format", b"planted-secret", b"root:x:", b"RAW_URI"):
                    self.assertNotIn(secret, said)

    def lay(self, files):
        """Have the app's account write files where it keeps what people send."""
        for name, text in files.items():
            subprocess.run(
                ["runuser", "-u", "album", "--", "tee", MEDIA / name],
                input=text.encode(),
                check=True,
                stdout=subprocess.DEVNULL,
            )


class Password(unittest.TestCase):
    def test_who_has_none_gets_nowhere(self):
        plain = ("guard:wrong", "guard:", ":", "nobody:of-the-guard", "")
        tries = [{}, *({"Authorization": f"Basic {base64.b64encode(each.encode()).decode()}"} for each in plain)]
        for path in (
            "/guarded/",
            "/guarded/x",
            "//guarded/",
            "/./guarded/",
            "/x/../guarded/",
            "/%67uarded/",
            "/guarded/%2e",
        ):
            for headers in tries:
                with self.subTest(path=path, headers=headers):
                    self.assertIn(get(path, headers=headers)[0], (401, 403))

    def test_who_has_it_gets_in(self):
        known = base64.b64encode(b"guard:of-the-guard").decode()
        status, _headers, _body = get("/guarded/", headers={"Authorization": f"Basic {known}"})
        self.assertEqual(status, 200)
        self.assertEqual(get("/echo")[0], 200)

    def test_no_other_account_reads_the_hashes(self):
        for path in pathlib.Path("/etc/nginx").glob("*.users"):
            done = subprocess.run(["runuser", "-u", "nobody", "--", "cat", path], capture_output=True, check=False)
            self.assertNotEqual(done.returncode, 0)


class LoadBalancer(unittest.TestCase):
    def test_it_learns_by_any_host_whether_the_app_is_well_and_no_more(self):
        for host in ("127.0.0.1", "10.1.2.3", ALBUM):
            for path, status in (("/healthz", 200), ("/echo", None)):
                connection = http.client.HTTPConnection("127.0.0.1")
                with self.subTest(host=host, path=path), contextlib.closing(connection):
                    connection.request("GET", path, headers={"Host": host})
                    try:
                        said = connection.getresponse().status
                    except ConnectionResetError:
                        said = None
                    self.assertEqual(said, 301 if host == ALBUM and path == "/echo" else status)


class Limits(unittest.TestCase):
    def test_who_asks_too_fast_is_told_so_and_others_are_not(self):
        began = time.monotonic()
        told = [get("/limited/rate/")[0] for _turn in range(12)]
        allowed = 1 + 4 + (time.monotonic() - began) / 10 + 1
        self.assertEqual(set(told), {200, 429})
        self.assertLessEqual(told.count(200), allowed)
        self.assertEqual(get("/echo")[0], 200)
        self.assertEqual(get("/limited/rate/", source="127.0.0.4")[0], 200)

    def test_who_asks_too_much_at_a_time_is_told_so(self):
        request = (
            f"POST /limited/connections/ HTTP/1.1\r\nHost: {ALBUM}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n1"
        )
        held = [connect(ALBUM) for _turn in range(2)]
        for connection in held:
            connection.sendall(request.encode())
        # nginx takes them up in its own time.
        end = time.monotonic() + PATIENCE
        while (status := get("/limited/connections/")[0]) != 429 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(status, 429)
        self.assertEqual(get("/limited/connections/", source="127.0.0.4")[0], 200)
        for connection in held:
            with connection:
                connection.sendall(b"2")
                self.assertIn(b" 200 ", connection.recv(65536).splitlines()[0])

    def test_a_body_that_is_too_large_is_refused_before_the_app(self):
        seen = on_server("cat", SEEN).count("/echo/large")
        request = f"POST /echo/large HTTP/1.1\r\nHost: {ALBUM}\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n"
        self.assertIn(b" 413 ", send(ALBUM, request.encode()).splitlines()[0])
        self.assertEqual(on_server("cat", SEEN).count("/echo/large"), seen)


class Log(unittest.TestCase):
    def test_whatever_a_client_calls_itself_the_log_is_json(self):
        agents = (
            '"',
            '\\"',
            "\\",
            '","status":"200","x":"',
            "\x01\x02\x7f",
            "\xff\xfe",
            "é☃".encode().decode("latin-1"),
            "\t",
            "a" * 4000,
            "${jndi:ldap://x}",
            "%n%s",
        )
        for number, agent in enumerate(agents):
            lines = [
                f'GET /echo/log/{number}?"\\ HTTP/1.1',
                f"Host: {ALBUM}",
                f"User-Agent: {agent}",
                f"Referer: {agent}",
                "Connection: close",
            ]
            send(ALBUM, "\r\n".join([*lines, "", ""]).encode("latin-1"))
        end, found = time.monotonic() + PATIENCE, []
        while len(found) < len(agents) and time.monotonic() < end:
            entries = [json.loads(line) for line in pathlib.Path(LOG).read_bytes().splitlines()]
            found = [entry for entry in entries if entry["uri"].startswith("/echo/log/")]
        self.assertGreaterEqual(len(found), len(agents))
        self.assertEqual({len(entry) for entry in entries}, {len(entries[0])})
        self.assertIn('","status":"200","x":"', [entry["agent"] for entry in found])


class Edge(unittest.TestCase):
    def test_browsers_are_to_insist_on_tls(self):
        self.assertEqual(get("/", SHOP)[1]["Strict-Transport-Security"], "max-age=63072000")
        self.assertEqual(get("/", "www.shop.example.com")[1]["Strict-Transport-Security"], "max-age=63072000")

    @unittest.skipUnless(has_http3(), "this nginx has no HTTP/3")
    def test_who_speaks_http3_is_told_of_it_and_meets_the_same_site(self):
        for host in (ALBUM, SHOP):
            self.assertEqual(get("/", host)[1]["Alt-Svc"], 'h3=":443"; ma=86400')
        spoofed = [word for name in BELIEVED for word in ("--header", f"{name}: planted")]
        head, _end, told = over_http3(*spoofed).replace("\r", "").partition("\n\n")
        self.assertTrue(head.startswith("HTTP/3 200"), head)
        self.assertNotIn("planted", told)
        seen = json.loads(told)
        self.assertEqual((seen["host"], seen["secure"], seen["path"]), (ALBUM, True, "/echo"))
        self.assertEqual(seen["told"]["HTTP_X_FORWARDED_FOR"], "127.0.0.1")
        self.assertIn("HTTP/3 401", over_http3(path="/guarded/"))
        # Before its body has come.
        self.assertIn("HTTP/3 413", over_http3("--header", "Content-Length: 9999999", "--data-binary", "x"))

    def test_another_name_leads_to_the_site_s_own(self):
        status, headers, _body = get("/a?b=c", "www.shop.example.com")
        self.assertEqual((status, headers["Location"]), (301, f"https://{SHOP}/a?b=c"))

    def test_plain_http_leads_to_https_and_nothing_else(self):
        for path, status in (("/a?b", 301), ("/.well-known/acme-challenge/none", 404), ("//evil.example.com/", 301)):
            connection = http.client.HTTPConnection("127.0.0.1")
            connection.request("GET", path, headers={"Host": SHOP})
            answer = connection.getresponse()
            with contextlib.closing(connection):
                self.assertEqual(answer.status, status)
                if status == 301:
                    self.assertEqual(answer.headers["Location"], f"https://{SHOP}{path}")

    def test_the_project_has_no_warning_of_django_s(self):
        argv = [
            "systemd-run",
            "--quiet",
            "--wait",
            "--pipe",
            "--uid=shop",
            "--setenv=STATE_DIRECTORY=/var/lib/gunicorn-shop",
        ]
        argv += ["--property=EnvironmentFile=/srv/shop/current/env", "--working-directory=/srv/shop/current/src"]
        check = ["manage.py", "check", "--deploy", "--fail-level=WARNING"]
        done = subprocess.run(
            [*argv, "/srv/shop/current/venv/bin/python", *check], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_scans_tls_finds_it_as_mozilla_s_intermediate_profile_wants_it(self):
        for host in (SHOP, ALBUM):
            argv = [
                "/opt/looks/bin/sslyze",
                "--mozilla_config=intermediate",
                "--certinfo_ca_file=/opt/site/roots.pem",
                host,
            ]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            with self.subTest(host):
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_scans_nginx_s_configuration_finds_nothing_in_ours(self):
        # Names are told apart by the site itself where no server is the default one, and with a cache of open files nginx
        # would go on with those of the release before.
        skip = "--skips=default_server_flag,try_files_is_evil_too"
        argv = ["/opt/looks/bin/gixy", skip, "--format=json", "/etc/nginx/nginx.conf"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        found = json.loads(done.stdout)
        # Debian's own nginx.conf is not without, which shows that it was read.
        self.assertIn("/etc/nginx/nginx.conf", {each["file"] for each in found})
        # Browsers take no HSTS of a host that is asked for by its address (RFC 6797, section 8.1.1).
        ours = [each for each in found if "gunicorn" in json.dumps(each) and "~^[0-9.]+$" not in each["config"]]
        self.assertEqual(ours, [])


if __name__ == "__main__":
    chosen = [test.__qualname__ for test in ABROAD] if CONTAINER else []
    unittest.main(verbosity=2, argv=[*sys.argv, *chosen])
