# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of certbot, and of the names before that."""

from __future__ import annotations

import dataclasses
import http.server
import os
import pathlib
import subprocess
import threading

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import acme, selfsigned

NAMES = ("shop.example.com", "www.example.com")


@pytest.fixture
def ca(tmp_path, monkeypatch, write):
    """Return whom to ask, in folders of the test's own."""
    for name in ("WEBROOT", "_LIVE", "_RENEWAL", "_HOOK", "_DROP_IN", "_CAS", "_TRUSTED", "_CONFIGURATION", "_LOG"):
        monkeypatch.setattr(acme, name, str(tmp_path / name.strip("_").lower() / "shop"))
    monkeypatch.setattr(acme.systemd, "require", lambda *_asked: None)
    write(tmp_path, {"trusted/shop": "everybody's\n", "cas/shop/another.pem": "another's\n", "own.pem": "its own\n"})
    return acme.Acme("shop", NAMES, "ops@example.com", "https://ca.example.com/dir", ca=str(tmp_path / "own.pem"))


@pytest.fixture
def certbot(tmp_path, monkeypatch, write):
    """Return a function that has certbot end so, and the file with what it was asked."""

    def certbot(code: int = 0, said: str = "Too many.") -> pathlib.Path:
        script = f'#!/bin/sh\nprintf "%s\\n" "$(cat "$REQUESTS_CA_BUNDLE" | tr "\\n" ,)" "$@" > {tmp_path}/asked\necho "{said}" >&2\nexit {code}\n'
        write(tmp_path, {"bin/certbot": script})
        (tmp_path / "bin/certbot").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
        return tmp_path / "asked"

    return certbot


def test_certbot_is_asked_for_all_names(ca, certbot):
    asked = certbot()
    ca.issue()
    said = asked.read_text().split("\n")
    # Those of other sites and of the host as well, since this is the one list for all renewals.
    assert sorted(said[0].strip(",").split(",")) == ["another's", "everybody's", "its own"]
    assert [said[at + 1] for at, word in enumerate(said) if word == "--domain"] == list(NAMES)
    assert [said[said.index(word) + 1] for word in ("--server", "--email", "--cert-name")] == [
        "https://ca.example.com/dir",
        "ops@example.com",
        "gunicorn-shop",
    ]
    assert os.access(acme._HOOK, os.X_OK)
    assert "REQUESTS_CA_BUNDLE=" in pathlib.Path(acme._DROP_IN).read_text()
    assert "--keep-until-expiring" in said
    assert not ca.prepare()


def test_one_of_another_ca_is_asked_for_anew(ca, certbot, write, there):
    there(NAMES)
    conf = {"gunicorn-shop.conf": f"account = 1\nserver = {ca.directory}\n"}
    write(pathlib.Path(acme._RENEWAL), conf)
    assert ca.there()
    write(pathlib.Path(acme._RENEWAL), {"gunicorn-shop.conf": "server = https://staging.example.com/dir\n"})
    assert not ca.there()
    asked = certbot()
    # As if certbot had kept that name of the CA.
    with pytest.raises(acme.AcmeError, match=r"gunicorn-shop.conf is still not https://ca.example.com/dir, from which"):
        ca.issue()
    said = asked.read_text().split("\n")
    assert "--force-renewal" in said
    assert "--keep-until-expiring" not in said


def test_a_renewal_reaches_a_ca_that_is_told_so_to_systemd(ca, monkeypatch):
    told = []
    monkeypatch.setattr(acme.systemd, "require", lambda *asked: told.append(asked))
    assert ca.prepare()
    # Its timer may have been told not to start as it was installed.
    everything = [("daemon-reload",), ("enable", "--now", "--quiet", "certbot.timer")]
    assert told == everything
    pathlib.Path(ca.ca).write_text("its next\n")
    assert ca.prepare()
    assert told == everything
    assert not ca.prepare()


@pytest.mark.parametrize(("code", "told"), [(0, "reload nginx.service\n"), (1, "")])
def test_nginx_takes_up_a_renewal_where_its_tree_is_good(ca, tmp_path, monkeypatch, write, code, told):
    ca.prepare()
    scripts = {"nginx": f"test \"$*\" = '-t -q' || exit 2\nexit {code}", "systemctl": f'echo "$@" >> {tmp_path}/told'}
    write(tmp_path, {"told": "", **{f"bin/{name}": f"#!/bin/sh\n{text}\n" for name, text in scripts.items()}})
    for name in scripts:
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    # Certbot tells whoever reads its log of a hook that fails.
    assert subprocess.run([acme._HOOK], check=False).returncode == code
    assert (tmp_path / "told").read_text() == told


def test_a_ca_s_file_that_is_not_there(ca):
    ca.require()
    os.unlink(ca.ca)
    with pytest.raises(acme.AcmeError, match=r"has the ca .*own.pem', which is not on this host"):
        ca.require()
    dataclasses.replace(ca, ca=None).require()


def test_a_ca_that_refuses(ca, certbot):
    certbot(1)
    with pytest.raises(
        acme.AcmeError, match=r"(?s)ca.example.com/dir gave no certificate for shop.example.com.*Too many"
    ):
        ca.issue()


def test_a_ca_whose_refusal_certbot_falls_over(ca, certbot):
    certbot(1, "An unexpected error occurred:\nAttributeError: can't set attribute\nAsk for help.")
    log = pathlib.Path(acme._LOG)
    with pytest.raises(acme.AcmeError, match="AttributeError: can't set"):
        ca.issue()
    log.parent.mkdir()
    log.write_text(
        "acme.messages.Error: urn:ietf:params:acme:error:badNonce :: The nonce :: used\n\nDuring handling\n"
        "acme.messages.Error: urn:ietf:params:acme:error:rateLimited :: Too many\nAttributeError: can't set attribute\n"
    )
    with pytest.raises(acme.AcmeError, match="occurred:\nurn:ietf:params:acme:error:rateLimited :: Too many\nAsk"):
        ca.issue()


@pytest.fixture
def renewal(ca, certbot, write):
    """Have certbot renew the certificate of the shop; return what it was asked since."""
    write(pathlib.Path(acme._RENEWAL), {"gunicorn-shop.conf": f"webroot_path = {acme.WEBROOT},\n"})
    write(pathlib.Path(acme._CONFIGURATION), {"nginx/site": f"ssl_certificate {ca.pair()['certificate']};\n"})
    return certbot()


def test_certbot_forgets_a_certificate_that_has_no_site(ca, renewal):
    ca.prepare()
    assert acme.renewed("shop")
    acme.forget("shop")
    assert renewal.read_text().split("\n")[1:6] == [
        "delete",
        "--quiet",
        "--non-interactive",
        "--cert-name",
        "gunicorn-shop",
    ]
    assert os.listdir(acme._CAS) == ["another.pem"]
    # That of a CA which everybody trusts has no file there.
    acme.forget("shop")


def test_a_certificate_that_certbot_can_t_forget(certbot):
    certbot(1)
    with pytest.raises(acme.AcmeError, match=r"certbot can't delete it: Too many\.\nRun again"):
        acme.forget("shop")


def test_whose_certificate_it_is(ca, renewal, write):
    site = f"{acme._CONFIGURATION}/nginx/site"
    assert acme.users("shop") == [site]
    assert acme.users("shop", [site]) == []
    write(
        pathlib.Path(acme._CONFIGURATION),
        {"mail/conf": f"key = {ca.pair()['key']}\n", "letsencrypt/x": ca.pair()["key"]},
    )
    assert acme.users("shop", [site]) == [f"{acme._CONFIGURATION}/mail/conf"]
    assert not acme.renewed("album")
    # Of the same name, and somebody else's.
    write(pathlib.Path(acme._RENEWAL), {"gunicorn-shop.conf": "authenticator = dns\n"})
    assert not acme.renewed("shop")


@pytest.fixture
def there(ca, monkeypatch):
    """Have a certificate for names in the place of that of the CA."""
    monkeypatch.setattr(selfsigned, "pair", lambda _app: ca.pair())
    os.makedirs(os.path.dirname(ca.pair()["key"]))
    monkeypatch.setattr(selfsigned, "FOLDER", os.path.dirname(ca.pair()["key"]))
    return lambda names: selfsigned.make("shop", list(names))


def test_a_certificate_is_there_when_it_holds_for_all_names(ca, there, monkeypatch):
    assert not ca.there()
    there(NAMES)
    assert ca.there()
    with monkeypatch.context() as later:
        later.setattr(acme.certificates, "expired", lambda _certificate: True)
        assert not ca.there()
    there(NAMES[:1])
    assert not ca.there()


@pytest.mark.parametrize(
    ("whole", "left", "said"),
    [
        (90, 20, None),
        (90, 14.5, "holds for 14 more days"),
        # Of those that hold for days alone certbot renews half of the time ahead.
        (6, 2.5, None),
        (6, 0.9, "holds for 21 more hours"),
    ],
)
def test_one_that_should_have_been_renewed_is_told_of_in_good_time(ca, there, monkeypatch, whole, left, said):
    assert ca.warning() is None
    there(NAMES)
    assert ca.warning() is None
    monkeypatch.setattr(selfsigned, "_DAYS", whole)
    there(NAMES)
    now = acme.certificates.time.time()
    monkeypatch.setattr(acme.certificates.time, "time", lambda: now + (whole - left) * 24 * 3600)
    warning = ca.warning()
    assert said in warning if said else warning is None


@pytest.fixture
def host(monkeypatch):
    """Return what is asked of a host that answers by a function of the URL's path; None is for what isn't found."""

    def host(answer, place=("127.0.0.1", 0)) -> list[tuple[str, str]]:
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append((self.headers["Host"], self.path))
                text = answer(self.path)
                self.send_response(404 if text is None else 302 if text.startswith("http:") else 200)
                self.send_header("Location", text or "")
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *_arguments):
                pass

        server = http.server.ThreadingHTTPServer(place, Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(acme, "_PORT", server.server_address[1])
        return asked

    monkeypatch.setattr(acme, "_addresses", lambda _name: ["127.0.0.1"])
    return host


def _ours(path: str) -> str:
    return (pathlib.Path(acme.WEBROOT) / path.lstrip("/")).read_text()


@pytest.mark.parametrize(
    ("answer", "said"),
    [(_ours, None), (lambda _path: "parked", "it said 'parked'"), (lambda _path: None, "it said 'status 404'")],
)
def test_a_name_that_leads_elsewhere_is_named(ca, host, answer, said):
    asked = host(answer)
    astray, silent = ca.ways()
    assert [name for name, _path in asked] == list(NAMES)
    assert (len(astray), silent) == (2 * bool(said), [])
    assert said is None or said in astray[0]
    assert os.listdir(acme.WEBROOT + acme.CHALLENGES) == []


def test_each_address_of_a_name_is_asked(ca, host, monkeypatch):
    host(_ours)
    host(lambda _path: "another", ("127.0.0.2", acme._PORT))
    addresses = {NAMES[0]: ["127.0.0.1", "127.0.0.3"], NAMES[1]: ["127.0.0.1", "127.0.0.2"]}
    monkeypatch.setattr(acme, "_addresses", addresses.get)
    astray, silent = dataclasses.replace(ca, redirects=NAMES[1:]).ways()
    assert len(astray) == 1
    assert "nginx_site_redirects has 'www.example.com', but what answers at its address 127.0.0.2 is not" in astray[0]
    assert "it said 'another'" in astray[0]
    assert silent == ["shop.example.com at 127.0.0.3 ([Errno 111] Connection refused)"]


def test_a_redirect_is_followed_to_the_host_that_it_names(ca, host):
    asked = host(lambda path: "elsewhere" if path == "/there" else f"http://localhost:{acme._PORT}/there")
    (said, *_others) = ca.ways().astray
    assert "it said 'elsewhere'" in said
    assert [name.split(":")[0] for name, _path in asked] == [NAMES[0], "localhost", NAMES[1], "localhost"]


def test_the_addresses_of_a_name():
    assert acme._addresses("127.0.0.1") == ["127.0.0.1"]
    assert acme._addresses("no-such-name.invalid") == []


def test_a_name_without_an_address(ca, monkeypatch):
    monkeypatch.setattr(acme, "_addresses", lambda _name: [])
    for redirects, variable in {(): "nginx_site_server_names", NAMES: "nginx_site_redirects"}.items():
        said = dataclasses.replace(ca, redirects=redirects).ways().astray
        assert said[0] == f"{variable} has '{NAMES[0]}', which has no address: give it one in the DNS first"


def test_a_host_that_can_not_reach_itself_is_not_accused_but_told_of_where_the_ca_refuses(ca, certbot, monkeypatch):
    monkeypatch.setattr(acme, "_PORT", 9)
    monkeypatch.setattr(acme, "_addresses", lambda _name: ["127.0.0.1"])
    astray, silent = ca.ways()
    assert (astray, len(silent)) == ([], 2)
    certbot(1)
    with pytest.raises(
        acme.AcmeError, match=r"Too many\.\nNobody answers this host for shop.example.com at 127.0.0.1 \(.*refused"
    ):
        ca.issue(silent)
