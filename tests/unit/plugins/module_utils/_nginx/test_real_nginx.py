# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module nginx_site on a real nginx, from the proof to the way back; only systemd is played."""

from __future__ import annotations

import json
import os
import re
import socket
from unittest import mock

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import ports, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import (
    acme,
    certificates,
    header_rules,
    selfsigned,
    server,
    site_files,
)


def test_a_site_takes_the_place_of_the_default_one_and_gives_it_back(host, site):
    before = host.files()
    assert host.answer() == "200 Welcome to nginx"
    assert site()["changed"]
    host.until(lambda: host.answer() == "203 ")
    reloads = host.asked.count("reload")
    assert not site()["changed"]
    assert host.asked.count("reload") == reloads
    assert site(state="absent")["changed"]
    host.until(lambda: host.answer() == "200 Welcome to nginx")
    assert host.files() == before


def test_what_a_link_among_the_static_files_leads_to_is_nobodys(host, site, write):
    elsewhere = write(host.etc.parent / "elsewhere", {"secret": "planted"})
    static = write(host.etc.parent / "srv/shop/current/static", {"site.css": "a {}", "more/site.css": "b {}"})
    for name, target in (("link.css", "secret"), ("folder", "."), ("more/link.css", "secret")):
        (static / name).symlink_to(elsewhere / target)
    with host.reloaded():
        site()
    assert [host.ask(path).said for path in ("/site.css", "/more/site.css")] == ["a {}", "b {}"]
    for path in ("/link.css", "/folder/secret", "/more/link.css"):
        # The app is asked for what is no file.
        assert (host.ask(path).status, host.ask(path).said) == (203, ""), path


def test_nginx_has_room_for_all_headers_that_it_removes(host, site):
    more = {f"X-Header-Of-The-Users-Own-Number-{number}": "1" for number in range(20)}
    site(proxy_headers=more)
    assert "could not build optimal" not in host.run("nginx", "-T").stderr


def test_who_somebody_is_nobody_says_but_a_proxy_that_is_named(host, site):
    planted = dict.fromkeys(header_rules.IDENTITIES, "planted")
    named = {"X-Forwarded-User": "$http_x_forwarded_user", "x-ssl-client-cert": "$http_x_ssl_client_cert"}
    for given, told in (({}, set()), (named, {"X-Forwarded-User", "X-SSL-Client-Cert"})):
        with host.reloaded():
            site(proxy_headers=given)
        host.ask("/who", **planted)
        assert {name for name in planted if host.requests[-1].headers[name] == "planted"} == told


def test_another_app_below_a_prefix_is_asked_as_the_sites_own(host, site):
    planted = dict.fromkeys(("X-Forwarded-For", "X-Forwarded-User", "X-Forwarded-Prefix"), "planted")
    with host.reloaded():
        site(extra="location /blog/ { proxy_pass http://gunicorn_shop; }", proxy_headers={"X-Mine": "set"})
    asked = []
    for path in ("/page", "/blog/page"):
        assert host.ask(path, **planted).status == 203
        headers = {name.lower(): value for name, value in host.requests[-1].headers.items()}
        # Each request has an id of its own.
        assert len(headers.pop("x-request-id")) == 32
        asked.append(headers)
    assert asked[0] == asked[1]
    assert (asked[1]["x-forwarded-for"], asked[1]["x-mine"]) == ("127.0.0.1", "set")
    assert "planted" not in asked[1].values()


def test_a_limit_by_a_key_and_what_debian_has_for_a_location_are_the_users_own(host, site, write):
    zones = "limit_req_zone $http_x_key zone=keys:1m rate=1r/m;\nlimit_conn_zone $http_x_key zone=held:1m;\n"
    write(host.etc, {"sites-enabled/zones": zones, "proxy_params": "proxy_set_header X-Mine planted;\n"})
    mine = "location /mine { include proxy_params; proxy_pass http://gunicorn_shop; }"
    with host.reloaded():
        site(extra=f"limit_req zone=keys;\nlimit_conn held 1;\naccess_log off;\n{mine}")
    asked = [host.ask("/mine", **{"X-Key": key}).status for key in ("a", "a", "b")]
    assert asked == [203, 503, 203]
    assert host.requests[-1].headers["X-Mine"] == "planted"


def test_check_mode_says_the_same_and_does_nothing(host, site):
    before = host.files()
    foretold = site(check=True)
    assert (foretold["changed"], host.files()) == (True, before)
    assert "/srv/shop/current/app.sock" in json.dumps(foretold["diff"])
    assert site()["diff"] == foretold["diff"]


def test_what_nginx_refuses_is_not_put_in_place(host, site):
    site()
    before = host.files()
    refused = site(extra="no_such_directive on;")
    assert 'unknown directive "no_such_directive"' in refused["msg"]
    assert "nothing was changed. nginx still runs with what it has loaded." in refused["msg"]
    assert host.files() == before
    assert not list((host.etc.parent / "run").glob("pyweb-stack-nginx-*"))


def test_where_nginx_does_not_take_it_up_all_is_as_it_was(host, site):
    before = host.files()
    host.reloads = False
    refused = site()
    assert re.search("did not take up .*sites-available/default, so its files are as they were before", refused["msg"])
    assert "what nginx said" in refused["msg"]
    assert host.files() == before
    # It may have begun to take up the new tree.
    assert host.asked.count("reload") == 2
    assert not server.pending()
    assert host.answer() == "200 Welcome to nginx"


def test_what_a_killed_run_left_is_taken_up(host, site, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(server, "make_ready", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            site()
    assert server.pending()
    assert host.answer() == "200 Welcome to nginx"
    assert site()["changed"]
    host.until(lambda: host.answer() == "203 ")
    assert not server.pending()


def test_another_site_that_is_broken_is_named(host, site, write):
    write(host.etc, {"sites-enabled/broken": "server { no_such_directive on; }\n"})
    before = host.files()
    refused = site()["msg"]
    assert all(words in refused for words in ("broken already", "sites-enabled/broken:1", "was not touched"))
    assert host.files() == before


def test_its_own_site_is_repaired(host, site):
    site()
    path = host.etc / "sites-available/default"
    text = path.read_text()
    path.write_text(text + "nonsense\n")
    assert site()["changed"]
    assert path.read_text() == text


def test_one_that_is_down_is_started_and_one_that_is_masked_is_told_of(host, site):
    site()
    host.end()
    assert site()["changed"]
    host.until(lambda: host.answer() == "203 ")
    host.load_state = "masked"
    assert "nginx.service is masked on this host, so nothing was changed" in site()["msg"]


def test_a_site_that_nginx_would_not_read_is_refused(host, site, monkeypatch):
    run = host.run

    def without_the_site(*argv: str) -> Done:
        done = run(*argv)
        return Done(argv, done.returncode, done.stdout.replace("sites-enabled", "elsewhere"), done.stderr)

    monkeypatch.setattr(server, "_run", without_the_site)
    assert "nginx would not read" in site()["msg"]


def test_where_nginx_listens_at_all_addresses_no_single_one_is_in_the_way(host, site, write, monkeypatch):
    monkeypatch.setattr(ports, "listens", lambda _pid, address: not address.startswith("127."))
    monkeypatch.setattr(ports, "fault", lambda _address: "somebody listens there already")
    single = "server { listen 127.0.0.3:8099; }\n"
    write(host.etc, {"sites-enabled/another": single})
    assert "nginx can't listen on 127.0.0.3:8099" in site(check=True)["msg"]
    write(host.etc, {"sites-enabled/another": f"server {{ listen 8099; }}\n{single}"})
    assert site(check=True)["changed"]


def test_sites_that_listen_on_a_port_in_another_way_than_nginx_does_are_told_of(host, site, write, monkeypatch):
    write(host.etc, {"sites-enabled/another": "server { listen 127.0.0.3:8099; }\n"})
    monkeypatch.setattr(ports, "listens", lambda _pid, address: not address.startswith("127."))
    monkeypatch.setattr(ports, "fault", lambda _address: "nginx (process 7, nginx.service) listens there")
    before = host.files()
    said = site()["msg"]
    assert "another:1 says, since nginx (process 7, nginx.service) listens there. Nothing was changed." in said
    assert "listen on that port in different ways, which a reload can't change: give all of them the same" in said
    assert host.files() == before


def test_a_site_whose_ca_s_own_certificate_is_nowhere_is_not_put_in_place(host, site):
    tls = {"acme": {"email": "ops@example.com", "terms": True, "ca": f"{host.etc.parent}/none.pem"}}
    given, before = {"tls": tls, "server_names": ["www.example.com"]}, host.files()
    assert "none.pem', which is not on this host: put it there before" in site(**given)["msg"]
    assert host.files() == before
    # An earlier role may be about to bring it.
    assert site(**given, check=True)["changed"]


def test_a_site_gets_a_certificate_of_the_host_and_takes_it_along(host, own, site):
    foretold = own(check=True)
    assert foretold["changed"]
    assert "(not known yet: what nginx says of it)" in json.dumps(foretold["diff"])
    assert not (host.etc.parent / "certificates").exists()
    assert own()["changed"]
    assert sorted(os.listdir(host.etc.parent / "certificates")) == ["shop.crt", "shop.key"]
    assert not own()["changed"]
    # What is there is another's as soon as it lacks a name.
    again = site(tls={"selfsigned": True}, server_names=["www.example.com", "example.com"])
    assert again["changed"]
    assert certificates.names(selfsigned.pair("shop")["certificate"]) == {"www.example.com", "example.com"}
    assert site(state="absent", check=True)["changed"]
    assert os.listdir(host.etc.parent / "certificates")
    assert site(state="absent")["changed"]
    assert os.listdir(host.etc.parent / "certificates") == []
    assert not site(state="absent")["changed"]


@pytest.fixture
def ca(host, own, site, monkeypatch, certificate):
    """Play the module with a CA, which gives its certificate to whoever asks; return what it was asked for, too."""
    asked = []

    def issue(wanted, silent):
        assert silent == []
        asked.append(wanted.names)
        (host.etc.parent / "live").mkdir(exist_ok=True)
        certificate(host.etc.parent / "live", "ca")

    folder = host.etc.parent / "live"
    pair = {"certificate": f"{folder}/ca.pem", "key": f"{folder}/ca.key"}
    for name, value in {
        "pair": lambda _wanted: pair,
        "there": lambda _wanted: bool(asked),
        "issue": issue,
        "ways": lambda _wanted: acme.Ways([], []),
        "prepare": lambda _wanted: len(asked) == 1 and not asked.append("renewals"),
    }.items():
        monkeypatch.setattr(acme.Acme, name, value)

    def play(**given):
        tls = {"acme": {"email": "ops@example.com", "terms": True}}
        return site(tls=tls, server_names=["www.example.com"], **given)

    return asked, play


def test_a_ca_is_asked_once_the_site_is_up_and_its_certificate_serves_in_the_same_run(host, ca):
    asked, play = ca
    assert "a certificate for www.example.com from https://acme-v02" in json.dumps(play(check=True)["diff"])
    assert asked == []
    result = play()
    assert result["changed"]
    assert asked == [("www.example.com",), "renewals"]
    assert f"ssl_certificate {host.etc.parent}/live/ca.pem;" in (host.etc / "sites-available/gunicorn-shop").read_text()
    assert "certificates/shop.crt" in json.dumps(result["diff"])
    assert "a certificate for www.example.com" in json.dumps(result["diff"])
    again = play()
    assert (again["changed"], again["diff"]) == (False, [])


def test_one_that_takes_the_place_of_another_is_taken_up(host, ca):
    asked, play = ca
    play()
    before = host.asked.count("reload")
    # As of one that has expired, or lacks a name.
    asked.clear()
    assert play()["changed"]
    assert host.asked.count("reload") == before + 1


def test_a_certificate_that_is_not_renewed_is_told_of(ca, monkeypatch):
    play = ca[1]
    play()
    day = 24 * 3600
    monkeypatch.setattr(certificates, "validity", lambda _path: certificates.Validity(90 * day, 3.5 * day))
    assert "holds for 3 more days" in str(play()["warnings"])


def test_a_ca_is_not_asked_for_a_name_that_leads_elsewhere(host, ca, monkeypatch):
    asked, play = ca
    astray = ["nginx_site_server_names has 'www.example.com', but …"]
    monkeypatch.setattr(acme.Acme, "ways", lambda _wanted: acme.Ways(astray, []))
    refused = play()["msg"]
    assert "was not asked; the site keeps the certificate that it has" in refused
    assert asked == []
    assert "certificates/shop.crt" in (host.etc / "sites-available/gunicorn-shop").read_text()


def test_what_the_ca_says_is_told(ca, monkeypatch):
    monkeypatch.setattr(acme.Acme, "issue", mock.Mock(side_effect=acme.AcmeError("too many certificates")))
    assert ca[1]()["msg"] == "too many certificates"


@pytest.fixture
def forgotten(host, ca, write, monkeypatch):
    """Have a site whose certificate certbot renews; return which it has forgotten since."""
    monkeypatch.setattr(acme, "_LIVE", str(host.etc.parent / "live"))
    monkeypatch.setattr(acme, "_CONFIGURATION", str(host.etc))
    pair = {"certificate": f"{acme._LIVE}/gunicorn-shop/ca.pem", "key": f"{acme._LIVE}/gunicorn-shop/ca.key"}
    monkeypatch.setattr(acme.Acme, "pair", lambda _wanted: pair)
    ca[1]()
    os.symlink(".", f"{acme._LIVE}/gunicorn-shop")
    ca[1]()
    assert f"ssl_certificate {pair['certificate']};" in (host.etc / "sites-available/gunicorn-shop").read_text()
    gone: list[str] = []
    monkeypatch.setattr(acme, "renewed", lambda app: app not in gone)
    monkeypatch.setattr(acme, "forget", gone.append)
    return gone


@pytest.mark.alike
@pytest.mark.parametrize(
    "given", [{"state": "absent"}, {"tls": {"selfsigned": True}, "server_names": ["www.example.com"]}]
)
def test_a_certificate_that_has_no_site_any_more_is_forgotten(site, forgotten, own, given):
    foretold = site(**given, check=True)
    assert forgotten == []
    assert "gunicorn-shop\n" in [each.get("before") for each in foretold["diff"]]
    assert site(**given)["changed"]
    assert forgotten == ["shop"]
    assert not site(**given)["changed"]


def test_a_certificate_that_others_use_stays(host, site, forgotten, write):
    write(host.etc, {"mail.conf": f"# {acme._LIVE}/gunicorn-shop/ca.pem\n"})
    warnings = [site(state="absent", check=check)["warnings"] for check in (True, False)]
    assert warnings[0] == warnings[1]
    assert f"but {host.etc}/mail.conf names it, so it stays" in warnings[0][0]
    assert forgotten == []


def test_a_certificate_of_ones_own_is_looked_at(host, site, certificate, write):
    folder = write(host.etc.parent / "tls", {"x": ""})
    given = {"tls": {"certificate": f"{folder}/own.pem", "key": f"{folder}/own.key"}, "server_names": ["a.example.com"]}
    assert "on this host that can't be read" in site(**given)["msg"]
    foretold = site(**given, check=True)
    assert foretold["changed"]
    assert "not known yet" in json.dumps(foretold["diff"])
    certificate(folder, "own")
    (folder / "own.key").chmod(0o600)
    assert site(**given)["changed"]
    assert not site(**given)["changed"]
    certificate(folder, "own")
    (folder / "own.key").chmod(0o600)
    # One that was renewed in its place is taken up.
    assert site(**given)["changed"]


def test_a_site_closes_and_opens_without_a_reload(host, site):
    with host.reloaded():
        site(maintenance={"page": "<p>Back soon</p>"})
    reloads = host.asked.count("reload")
    closed = {"page": "<p>Back soon</p>", "active": True}
    foretold = site(maintenance=closed, check=True)
    assert foretold["changed"]
    assert host.answer() == "203 "
    assert site(maintenance=closed)["diff"] == foretold["diff"]
    assert host.answer().startswith("503 <p>Back soon</p>")
    assert not site(maintenance=closed)["changed"]
    assert site(maintenance={**closed, "active": False})["changed"]
    assert host.answer() == "203 "
    assert host.asked.count("reload") == reloads


def test_an_address_that_the_app_lacks_is_asked_for(host, site, monkeypatch, write, listening):
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(host.etc.parent / "units"))
    assert "the app shop has no address on this host: set gunicorn_bind" in site(upstream="tcp")["msg"]
    assert "not known yet" in json.dumps(site(upstream="tcp", check=True)["diff"])
    write(host.etc.parent / "units", {"gunicorn-shop-tcp.socket": f"[Socket]\nListenStream={listening}\n"})
    assert site(upstream="tcp")["changed"]
    assert listening in (host.etc / "sites-available/default").read_text()


def test_an_address_at_which_nobody_listens_is_told_of(host, site, monkeypatch, write):
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(host.etc.parent / "units"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    write(host.etc.parent / "units", {"gunicorn-shop-tcp.socket": f"[Socket]\nListenStream={address}\n"})
    done = site(upstream="tcp")
    assert done["changed"]
    said = done["warnings"][-1]
    assert f"nobody listens at {address}" in said
    assert "systemctl start gunicorn-shop starts" in said


def test_a_site_of_an_app_that_is_nowhere_is_told_of(host, site):
    current = host.etc.parent / "srv/shop/current"
    moved = current.rename(current.with_name("other")) if current.exists() else None
    done = site()
    assert done["changed"]
    assert f"there is no app shop in {host.etc.parent}/srv" in done["warnings"][-1]
    (moved.rename(current) if moved else current.mkdir(parents=True))
    assert "there is no app" not in str(site().get("warnings"))


def test_an_app_that_nginx_may_not_reach_is_told_of(host, site, monkeypatch):
    monkeypatch.setattr(server, "unreachable", lambda path: f"Permission denied for {path}")
    refused = site()["msg"]
    assert f"can't reach the app shop at {host.etc.parent}/srv/shop/current/app.sock: Permission denied" in refused


@pytest.mark.slow
def test_https_that_certbot_gave_by_hand_is_not_lost(host, site, own, ca, certificate):
    own()
    pair = {part: f"{host.etc.parent}/run/a.{part}" for part in ("pem", "key")}
    certificate(host.etc.parent / "run", "a")
    os.chmod(pair["key"], 0o600)
    path = host.etc / "sites-available/gunicorn-shop"
    text = path.read_text()
    for word, named in {"ssl_certificate": pair["pem"], "ssl_certificate_key": pair["key"]}.items():
        text = re.sub(rf"\b{word} \S+;", f"{word} {named}; # managed by Certbot", text)
    path.write_text(text)
    before = host.files()
    given, tls = {"server_names": ["www.example.com"]}, {"certificate": pair["pem"], "key": pair["key"]}
    for refused in (
        site(**given),
        own(),
        site(**given, tls={**tls, "certificate": f"{host.etc.parent}/run/b.pem"}, check=True),
    ):
        assert f"set nginx_site_tls: {{certificate: {pair['pem']}, key: {pair['key']}}}" in refused["msg"]
        assert host.files() == before
    assert site(**given, tls=tls, check=True)["changed"]
    # As it says itself.
    assert ca[1]()["changed"]


def test_the_folder_for_whoever_runs_certbot_comes_with_each_site(host, site):
    umask = os.umask(0o077)
    try:
        foretold = site(check=True)
        assert site()["diff"] == foretold["diff"]
    finally:
        os.umask(umask)
    for folder in (host.etc.parent / "var", host.etc.parent / "var/acme"):
        assert folder.stat().st_mode & 0o777 == 0o755
    os.rmdir(host.etc.parent / "var/acme")
    again = site()
    assert (again["changed"], [each["before_header"] for each in again["diff"]]) == (True, [acme.WEBROOT])
    assert not site()["changed"]


def test_where_there_is_no_nginx_yet_check_mode_says_what_is_to_come(host, site, monkeypatch):
    monkeypatch.setattr(server, "installed", lambda: False)
    assert "not known yet" in json.dumps(site(check=True)["diff"])
    assert site()["msg"] == "nginx is not installed on this host"
    assert not site(state="absent")["changed"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hsts": {"max_age": 60}}, "nginx_site_hsts is given, but without nginx_site_tls"),
        ({"redirects": {"example.com": "www.example.com"}}, "name the hosts that are the site's own"),
        (
            {"redirects": {"A.example.com": "b.example.com"}, "server_names": ["a.example.com"]},
            "nginx_site_redirects has 'A.example.com', which nginx_site_server_names has as well",
        ),
        ({"tls": {"acme": {"email": "a@example.com", "terms": True}}}, "a CA gives certificates for names alone"),
        (
            {"tls": {"acme": {"email": "a@example.com", "terms": True}}, "server_names": ["*.example.com"]},
            "'*.example.com' is a wildcard",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused_first(host, site, given, said):
    before = host.files()
    assert said in site(**given)["msg"]
    assert host.files() == before


def test_what_one_run_left_to_be_taken_up_another_that_fails_leaves_as_well(host, site, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(server, "make_ready", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            site()
    host.reloads = False
    assert "did not take up" in site(client_max_body_size="20m")["msg"]
    assert server.pending()


def test_a_link_that_leads_to_the_site_in_other_words_is_left_alone(host, site):
    site()
    link = host.etc / "sites-enabled/default"
    link.unlink()
    link.symlink_to("../sites-available/default")
    assert not site()["changed"]
    assert os.readlink(link) == "../sites-available/default"


def test_of_proxies_that_are_trusted_each_is_asked_whom_it_answers(host, site):
    with host.reloaded():
        site(trusted_proxies=["127.0.0.1/32", "10.0.0.0/8"])
    assert host.ask(X_Forwarded_For="6.6.6.6, 192.0.2.7, 10.0.0.9").status == 203
    assert host.requests[-1].headers["X-Real-IP"] == "192.0.2.7"


def test_one_that_can_t_be_started_says_what_it_said(host, site, monkeypatch):
    site()
    host.end()
    ctl = host.ctl
    monkeypatch.setattr(
        systemd, "ctl", lambda verb, *rest: Done([verb], 1, "", "no good") if verb == "start" else ctl(verb, *rest)
    )
    assert "systemctl start nginx.service: no good\nwhat nginx said" in site()["msg"]


def test_one_that_takes_nothing_up_is_told_of(host, site, monkeypatch):
    monkeypatch.setattr(server, "_RELOAD_PATIENCE", 0.1)
    monkeypatch.setattr(server, "_workers", lambda: {"1"})
    assert "no new worker appeared: see its error log" in site()["msg"]


def test_whoever_changes_the_sites_meanwhile_is_named(site):
    with server.locked("a test"):
        lock = server.locks.held
        server.locks.held = lambda path, purpose, _patience: lock(path, purpose, 0.1)
        try:
            said = site()["msg"]
        finally:
            server.locks.held = lock
    assert re.search(r"another run is changing nginx's sites \(process \d+, a test, since \S+\) and did not end", said)


def test_http3_takes_an_nginx_that_has_it(host, own, monkeypatch):
    run = host.run
    for built, said in (("--with-http_v3_module", None), ("", "is built without HTTP/3, as Debian 12's is")):
        monkeypatch.setattr(
            server, "_run", lambda *argv, built=built: Done(argv, 0, "", built) if argv[-1] == "-V" else run(*argv)
        )
        refused = own(http3=True, check=True).get("msg", "")
        assert said in refused if said else "without HTTP/3" not in refused


def test_a_host_without_ipv6_is_told_what_debian_s_own_site_has(host, site, monkeypatch):
    fault = f"[emerg] socket() [::]:80 {site_files.NO_IPV6}"
    monkeypatch.setattr(server, "_fault_of", lambda _tree: (fault, set()))
    assert "This host has no IPv6: take each `listen [::]:…` out" in site()["msg"]


def test_a_folder_that_can_t_be_written_keeps_what_it_has(host, site, monkeypatch):
    before = host.files()
    monkeypatch.setattr(site_files.files, "sync", mock.Mock(side_effect=OSError("full")))
    assert "full" in site()["msg"]
    assert host.files() == before
