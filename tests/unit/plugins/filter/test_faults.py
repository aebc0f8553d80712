# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with variables, as the user wrote them in YAML and as it is told."""

from __future__ import annotations

import re

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.pyweb.stack.plugins.filter.faults import FilterModule

faults = FilterModule().filters()["faults"]


def _faults(yaml: str) -> list[str]:
    # Ansible's own loader: its numbers and texts are not quite Python's.
    return faults(DataLoader().load(yaml))


@pytest.mark.parametrize(
    "yaml",
    [
        "{gunicorn_name: my_shop, gunicorn_root: /srv, gunicorn_user: www-data, gunicorn_python: /usr/bin/python3.11}",
        "{gunicorn_name: null, gunicorn_source: null, gunicorn_health: null}",
        "gunicorn_source: {}",
        "gunicorn_source: {git: 'https://git.example.com/shop.git'}",
        "gunicorn_source: {git: 'git@git.example.com:shop.git', version: feature/v1.4-rc+1}",
        "gunicorn_source: {git: 'ssh://git@git.example.com/shop.git', ssh_key: keys/deploy, submodules: false}",
        "gunicorn_source: {git: 'a:b', known_hosts: \"# a\\na ssh-ed25519 AAA=\\n\\n|1|x=|y= ecdsa-sha2-nistp256 AA== b\"}",
        "gunicorn_source: {archive: ../dist/shop.tar.gz}",
        f"gunicorn_source: {{archive: '~/shop.zip', sha256: {'0a' * 32}}}",
        f"gunicorn_source: {{archive: 'https://me:x@example.com/shop.tar.xz?a=b', sha256: {'aF' * 32}}}",
        "gunicorn_source: {path: /opt/my shop}",
        "gunicorn_source: {directory: ../my shop}",
        "{gunicorn_state: absent, gunicorn_include: [dist], gunicorn_source: {git: 'https://git.example.com/shop.git'}}",
        "{gunicorn_release: previous, gunicorn_include: [dist], gunicorn_source: {git: 'https://git.example.com/shop.git'}}",
        "gunicorn_wsgi_app: shop.wsgi:application",
        "gunicorn_wsgi_app: shop:create_app('a b', debug=False)",
        "gunicorn_wsgi_app: shop",
        "gunicorn_requirements: ['a @ git+ssh://git@git.example.com/a.git@v1', 'b @ git+https://git.example.com:8443/b.git@v1']",
        "gunicorn_source: {git: 'https://me:p%2Fw@git.example.com/shop.git'}",
        "gunicorn_requirements: ['psycopg[binary]>=3.2', './libs/shop', 'shop @ https://example.com/shop.whl']",
        "gunicorn_requirements_file: requirements/production.txt",
        "{gunicorn_index: {}, gunicorn_packages: []}",
        "gunicorn_index: {url: 'https://me:pw@pypi.example.com/simple', ca: /etc/ssl/certs/company.pem}",
        "gunicorn_index: {wheels: /opt/wheels}",
        "gunicorn_packages: [libpq5, libpq-dev=15.14-0+deb12u1]",
        "{gunicorn_version: 27.0.1, gunicorn_chdir: src}",
        "gunicorn_env: {SECRET_KEY: 'a$b\"c', PORT: '8000', EMPTY: ''}",
        "gunicorn_health: {}",
        "gunicorn_health: {path: '/healthz?deep=1', host: 'www.example.com:8080', status: 200-204, timeout: 0.5}",
        "gunicorn_health: {status: 204, timeout: '10'}",
        "gunicorn_bind: 127.0.0.1:9999",
        "gunicorn_bind: '[::1]:80'",
        "{gunicorn_drain_timeout: 0, gunicorn_keep_releases: 1, gunicorn_memory_per_worker: 50}",
        "{gunicorn_memory_max: 512M, gunicorn_cpu_quota: 150%}",
        "{nginx_site_app: shop, nginx_site_app_root: /srv, nginx_site_client_max_body_size: 10m}",
        "nginx_site_server_names: [shop.example.com, '*.example.com']",
        "{nginx_site_location: /shop/, nginx_site_root: /var/www/html, nginx_site_index: [index.html, index.htm]}",
        "{nginx_site_root: null, nginx_site_cors_origins: ['*']}",
        "nginx_site_cors_origins: ['https://app.example.com', 'http://localhost:3000']",
        "nginx_site_headers: {P3P: 'CP=\"ALL DSP\"', X-Frame-Options: DENY, X-Powered-By: ''}",
        # What is said nowhere else, and what a location of the user's own may have.
        "nginx_site_extra: 'rewrite ^/old$ /new permanent; if ($http_user_agent ~ bot) { return 403; } error_page 413 /a.html;'",
        "nginx_site_extra: 'location /a/ { auth_basic a; access_log off; client_max_body_size 1g; return 204; index a; }'",
        "nginx_site_extra: 'ssl_client_certificate /etc/ssl/ca.pem; ssl_verify_client on;'",
        "nginx_site_extra: 'ssl_trusted_certificate /a; ssl_stapling on; ssl_dhparam /b; ssl_early_data on;'",
        "nginx_site_extra: 'access_log off; limit_req zone=keys; limit_conn keys 1; auth_basic a; auth_basic_user_file /b;'",
        "{nginx_site_extra: access_log off;, nginx_site_access_log: null, nginx_site_limits: []}",
        "nginx_site_extra: 'location /a { include proxy_params; location /b { include /etc/nginx/snippets/fastcgi-php.conf; } }'",
        'nginx_site_extra: "# \\ta\\r\\nerror_log /var/log/nginx/shop.error.log;"',
        "nginx_site_auth: {users: {a: $6$0123456789abcdef$0123456789}, paths: [/admin/, /a.b/~c, /...]}",
        "nginx_site_tls: {certificate: /etc/letsencrypt/live/a.de/fullchain.pem, key: /etc/ssl/private/a.key}",
        "nginx_site_proxy_headers: {SCRIPT_NAME: /shop, X-Forwarded-Host: $server_name, Forwarded: 'for=${remote_addr}'}",
        "{gunicorn_conf_file: gunicorn.conf.py, gunicorn_writable_paths: [], gunicorn_unit: {}}",
        "{gunicorn_conf_file: conf/gunicorn.py, gunicorn_writable_paths: [/srv/media, /var/lib/my-files, /home2, /runs]}",
        f"gunicorn_conf_file: {__file__}",
        "gunicorn_unit: {MemoryDenyWriteExecute: no, TasksMax: 100, MemoryHigh: 80%, IPAddressAllow: [10.0.0.0/8, '::1']}",
        "gunicorn_unit: {SystemCallFilter: [], BindReadOnlyPaths: '-/opt/a:/opt/b', ProtectHome: tmpfs, Nice: -5}",
        "{gunicorn_settings: {workers: none at all}, other_role_name: Not Ours}",
        "{gunicorn_settings: {}, django_settings_module: shop.settings.production}",
    ],
)
def test_all_is_well(yaml):
    assert _faults(yaml) == []


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("gunicorn_name: My Shop", "is 'My Shop', but must be lower-case letters"),
        ("gunicorn_root: srv", "is 'srv', but must be an absolute path"),
        (
            "gunicorn_root: /home/apps",
            "is '/home/apps', but the service's sandbox hides /home from the app: choose another",
        ),
        ("gunicorn_wsgi_app: yes", "is True, but must be a module and what to call in it"),
        ("gunicorn_wsgi_app: 'app.py:app'", "is 'app.py:app', which names a file: name its module, 'app:app'"),
        ("gunicorn_wsgi_app: production.ini", "names no module: .*pyramid.paster:get_app('production.ini')"),
        ("gunicorn_wsgi_app: ./app/main.py", "which names a file: name its module, 'app.main'"),
        ("gunicorn_wsgi_app: 'shop wsgi'", "is 'shop wsgi', but must be a module and what to call in it"),
        ('gunicorn_wsgi_app: "shop:app\\nbind = 1"', "but must be a module"),
        ("gunicorn_source: {version: v1}", "has none, but must have exactly one of git, archive, path and directory"),
        ("gunicorn_source: {git: a, directory: b}", "has git and directory, but must have exactly one"),
        ("gunicorn_source: {git: ''}", "has the git '', but it must be a URL"),
        ("gunicorn_source: {git: --upload-pack=id}", "has the git '--upload-pack=id', but it must be a URL"),
        ("gunicorn_source: {directory: ' '}", "has the directory ' ', but it must be a path"),
        (
            "gunicorn_source: {git: a, version: --output=x}",
            "has the version '--output=x', but it must be a branch, a tag or",
        ),
        ("gunicorn_source: {git: a, version: 1.10}", "has the version 1.1, a number, .*: put it in quotes"),
        ("gunicorn_source: {git: a, version: a b}", "has the version 'a b'"),
        ("gunicorn_source: {git: a, version: 'v1^{}'}", "has the version 'v1^{}'"),
        ("gunicorn_source: {git: a, version: main..dev}", "has the version 'main..dev'"),
        (
            "gunicorn_source: {directory: a, version: v1}",
            "has version, which only git can have: leave it out",
        ),
        ("gunicorn_source: {path: /a, submodules: true}", "has submodules, which only git can have: leave it out"),
        ("gunicorn_source: {git: a, sha256: b}", "has sha256, which only archive can have: leave it out"),
        ("gunicorn_source: {git: ' https://a/b'}", "has the git ' https://a/b', but it must be a URL"),
        ("gunicorn_source: {git: 'ssh://me:x@a/b'}", "has the git 'ssh://a/b' with a password, which would be seen"),
        (
            "gunicorn_source: {git: 'https://me:hunter2/x@a/b'}",
            "has the git of a URL in which a user or password can't be",
        ),
        ("gunicorn_source: {git: 'https://me:hunter2 x@a/b'}", "in percent code, such as %2F for the slash"),
        (
            f"gunicorn_source: {{archive: 'https://me:hunter2?x@a/b.tar', sha256: {'0a' * 32}}}",
            "has the archive of a URL in which a user or password can't be distinguished from the rest",
        ),
        (
            "gunicorn_requirements: ['a @ git+https://me:hunter2@b/a.git@v1']",
            "has 'a @ git+https://b/a.git@v1' with a user",
        ),
        (
            "gunicorn_requirements: ['a @ https://hunter2@b/a.whl']",
            "let it come from the index that gunicorn_index.url",
        ),
        ("gunicorn_source: {git: 7}", "has the git 7, but it must be a URL"),
        ("gunicorn_source: {git: 'http://a/b', ssh_key: c}", "has ssh_key, which is of no use to the URL 'http://a/b'"),
        ("gunicorn_source: {git: 'a:b', ssh_key: ''}", "has the ssh_key '', but it must be the path of a private key"),
        ("gunicorn_source: {git: 'a:b', known_hosts: ~/.ssh/known_hosts}", "has known_hosts, but not as lines such as"),
        ("gunicorn_source: {git: 'a:b', known_hosts: ''}", "has known_hosts, but not as lines such as"),
        ("gunicorn_source: {archive: ' '}", "has the archive ' ', but it must be a path or URL"),
        ("gunicorn_source: {archive: 'ftp://a/b.tar'}", "has the archive 'ftp://a/b.tar', but it must be an http or"),
        ("gunicorn_source: {archive: 'http://a/b c'}", "has the archive 'http://a/b c', but it must be an http or"),
        ("gunicorn_source: {archive: 'http://a/b.tar'}", "has the archive 'http://a/b.tar' without sha256, by which"),
        ("gunicorn_source: {archive: a, sha256: 12ab}", "has the sha256 '12ab', but it must be 64 hexadecimal digits"),
        ("gunicorn_source: {path: opt/shop}", "has the path 'opt/shop', but it must be an absolute one on the target"),
        ("gunicorn_chdir: ../other", "is '../other', but must be a path inside the source"),
        ("gunicorn_requirements_file: /no/such.txt", "is '/no/such.txt', but there is no such file on the controller"),
        (
            "gunicorn_requirements_file: /a/pyproject.toml",
            "which is on the controller, where it must be a requirements file",
        ),
        ("gunicorn_python: 3.13", "is 3.13, a number, of which 3.10 would be 3.1: put it in quotes"),
        ("gunicorn_python: '3'", "is '3', but must be a version such as '3.13', or an absolute path"),
        ("gunicorn_index: {pythons: mirror}", "has pythons, which must be an http or https URL, or the absolute path"),
        ("gunicorn_requirements_groups: postgres", "is 'postgres', but must be a list"),
        ("gunicorn_requirements_groups: [-x]", "has '-x', but must list names of dependency groups or extras"),
        (
            "gunicorn_requirements_file: Pipfile",
            "is 'Pipfile', but must be a requirements file, a lock (uv.lock,",
        ),
        ("gunicorn_index: {url: pypi.example.com}", "has a url that is none: it must be such as https://"),
        ("gunicorn_index: {wheels: wheels}", "has the wheels 'wheels', but it must be an absolute path on the target"),
        ("gunicorn_index: {ca: ca.pem}", "has the ca 'ca.pem', but it must be an absolute path on the target"),
        (
            "gunicorn_index: {url: 'https://a.de/simple', wheels: /opt/wheels}",
            "has url and wheels, but packages come from one of them: leave the other out",
        ),
        ("gunicorn_index: {url: null}", "has a url that is none: it must be such as https://"),
        ("gunicorn_index: {wheels: ''}", "has the wheels '', but it must be an absolute path"),
        ("gunicorn_packages: [libpq5, 'a b']", "has 'a b', but must list Debian packages such as 'libpq-dev' or"),
        (
            "gunicorn_requirements: [--index-url=http://a]",
            "has '--index-url=http://a', but must list requirement specifiers",
        ),
        ('gunicorn_requirements: ["django\\n-e ."]', "but must list requirement specifiers"),
        ("gunicorn_requirements: [7]", "has 7, but must list requirement specifiers"),
        ("gunicorn_version: '>=23'", "is '>=23', but must be one whole version, as text"),
        ("gunicorn_version: 27.10", "is 27.1, but must be one whole version, as text: for instance '27.0.1'"),
        ("gunicorn_version: 20.1.0", "is '20.1.0', but must be 23 or newer: leave it out"),
        ("gunicorn_version: '27.\u0660'", "but must be one whole version"),
        ("gunicorn_settings: {1: 2}", "has the name 1, but must have settings of gunicorn by their names"),
        ("gunicorn_python: python3", "is 'python3', but must be a version such as '3.13', or an absolute"),
        (
            "gunicorn_python: /root/py/bin/python3",
            "is '/root/py/bin/python3', but the service's sandbox hides /root from",
        ),
        ("gunicorn_env: {PORT: 8000}", "for PORT, but the environment holds text only: put the value in quotes"),
        ("gunicorn_env: {RATE: 0.5}", "for RATE, but the environment holds text only"),
        ("gunicorn_env: {DEBUG: no}", "for DEBUG, but the environment holds text only"),
        ("gunicorn_env: {HOSTS: [a, b]}", "for HOSTS, but the environment holds text only"),
        ("gunicorn_env: {A-B: x}", "has the name 'A-B', but names are letters, digits and underscores"),
        ("gunicorn_env: {GUNICORN_CMD_ARGS: --reload}", "sets GUNICORN_CMD_ARGS, but .*: use gunicorn_settings"),
        ("gunicorn_user: root", "is 'root', but an app must not run as root"),
        ("gunicorn_user: 'a b'", "is 'a b', but must be the name of a system account"),
        ("gunicorn_health: {path: healthz}", "has the path 'healthz', but it must be a URL path"),
        ("gunicorn_health: {host: 'a b'}", "has the host 'a b', but it must be a host name"),
        ("gunicorn_health: {host: null}", "has the host None, but it must be a host name"),
        ("gunicorn_health: {host: on}", "has the host True, but it must be a host name"),
        ("gunicorn_health: {status: 0200}", "has the status 128, but it must be one such as 200, or a range"),
        ("gunicorn_health: {status: 2xx}", "has the status '2xx', but it must be one such as 200, or a range"),
        ("gunicorn_health: {status: 399-200}", "has the status '399-200', but it must be"),
        ("gunicorn_health: {timeout: 0}", "has the timeout 0, but it must be a number of seconds above 0"),
        ("gunicorn_health: {timeout: 30s}", "has the timeout '30s', but it must be a number of seconds"),
        ("gunicorn_conf_file: ../conf.py", "is '../conf.py', but must be a path inside the source"),
        ("gunicorn_conf_file: /no/such.py", "is '/no/such.py', but there is no such file on the controller"),
        ("gunicorn_writable_paths: [data]", "has 'data', but must list absolute paths"),
        ("gunicorn_writable_paths: [/]", "has '/', but must list absolute paths"),
        ("gunicorn_writable_paths: [/data/../etc]", "has '/data/../etc', but must list absolute paths"),
        ("gunicorn_writable_paths: ['/data files']", "has '/data files', but must list absolute paths"),
        ("gunicorn_writable_paths: ['/data/%i']", "has '/data/%i', but must list absolute paths"),
        ("gunicorn_writable_paths: [7]", "has 7, but must list absolute paths"),
        ("gunicorn_writable_paths: [/data, /etc]", "has '/etc', which belongs to the system: choose a folder such as"),
        ("gunicorn_writable_paths: [/usr/local/share]", "has '/usr/local/share', which belongs to the system"),
        ("gunicorn_writable_paths: [/home/shop/media]", "which the sandbox hides (ProtectHome): choose a folder"),
        ("gunicorn_writable_paths: [/run/user/7]", "which the sandbox hides (ProtectHome)"),
        ("gunicorn_writable_paths: [/run/shop]", "has '/run/shop', which is empty after every boot"),
        ("gunicorn_writable_paths: [/var/tmp]", "which the sandbox replaces by one of the app's own (PrivateTmp)"),
        (
            "gunicorn_unit: {ProtectSytem: strict}",
            "has ProtectSytem, which is none .*; perhaps ProtectSystem was meant",
        ),
        ("gunicorn_unit: {hovercraft: eels}", "has hovercraft, which is none of the properties .*; they are Allowed"),
        ("gunicorn_unit: {1: 2}", "has 1, which is none of the properties"),
        ("gunicorn_unit: {ExecStartPre: /bin/id}", "has ExecStartPre, which is none of the properties"),
        ("gunicorn_unit: {MemoryMax: 1G}", "has MemoryMax, for which there is gunicorn_memory_max: use that"),
        ("gunicorn_unit: {User: root}", "has User, for which there is gunicorn_user: use that"),
        ("gunicorn_unit: {ReadWritePaths: /}", "for which there is gunicorn_writable_paths: use that"),
        ("gunicorn_unit: {Nice: null}", "has None for Nice, but must have text, a number, yes or no, or a list"),
        ("gunicorn_unit: {Nice: {a: 1}}", "has {'a': 1} for Nice, but must have text"),
        ("gunicorn_unit: {Nice: [1, [2]]}", "has [2] for Nice, but must have text"),
        ('gunicorn_unit: {UMask: "0\\nExecStartPre=+/bin/id"}', "for UMask, but a unit can't hold line breaks"),
        ("gunicorn_unit: {UMask: '0027 \\'}", "for UMask, but a unit can't hold line breaks"),
        (
            "gunicorn_unit: {ReadOnlyPaths: '/a/%h'}",
            "has '/a/%h' for ReadOnlyPaths, but a unit can't hold .* percentage",
        ),
        ("gunicorn_unit: {ReadOnlyPaths: '\"/a b\"'}", "for ReadOnlyPaths, but a unit can't hold"),
        ("gunicorn_bind: 9999", "is 9999, but must be a loopback address and a port, such as '127.0.0.1:9999'"),
        ("gunicorn_bind: 127.0.0.1", "is '127.0.0.1', but must be a loopback address and a port"),
        ("gunicorn_bind: unix:/run/shop.sock", "is 'unix:/run/shop.sock', but must be a loopback address and a port"),
        ("gunicorn_bind: ::1:9999", "is '::1:9999', but must be a loopback address and a port, such as .*'[::1]:9999'"),
        ("gunicorn_bind: [127.0.0.1]", "is ['127.0.0.1'], but must be a loopback address"),
        ('gunicorn_bind: "127.0.0.1:9999\\n"', "but must be a loopback address"),
        ("gunicorn_bind: 127.0.0.1:65536", "is '127.0.0.1:65536', but the port must be from 1 to 65535"),
        ("gunicorn_bind: 127.0.0.1:0", "but the port must be from 1 to 65535"),
        ("gunicorn_bind: 127.0.0.1:08000", "but the port must be from 1 to 65535"),
        ("gunicorn_bind: localhost:9999", "must have an address instead of a name, such as '127.0.0.1:9999'"),
        ("gunicorn_bind: 127.0.0.1 :9999", "must have an address instead of a name, such as '127.0.0.1:9999'"),
        (
            "gunicorn_bind: 0.0.0.0:80",
            "is '0.0.0.0:80', which is not this host's own loopback, .*'127.0.0.1:80', .*nginx_site",
        ),
        ("gunicorn_bind: ':80'", "is ':80', which is not this host's own loopback"),
        ("gunicorn_bind: '[::]:80'", "is '[::]:80', which is not this host's own loopback"),
        ("gunicorn_bind: '[::ffff:127.0.0.1]:80'", "which is not this host's own loopback"),
        ("gunicorn_bind: 192.0.2.1:80", "is '192.0.2.1:80', which is not this host's own loopback"),
        ("gunicorn_drain_timeout: -1", "is -1, but must be a whole number of at least 0"),
        ("gunicorn_drain_timeout: 2.5", "is 2.5, but must be a whole number of at least 0"),
        (
            "nginx_site_tls: {selfsigned: true, certificate: /a, key: /b}",
            "has certificate and key and selfsigned, but must have one",
        ),
        ("nginx_site_tls: {acme: {email: me, terms: true}}", "has the email 'me', but the CA must be able to write"),
        ("nginx_site_tls: {acme: {email: a@b.de, terms: false}}", "has terms other than true"),
        (
            "nginx_site_tls: {acme: {email: a@b.de, terms: true, directory: 'http://a'}}",
            "must be the https URL of the CA",
        ),
        (
            "nginx_site_tls: {acme: {email: a@b.de, terms: true, ca: ca.pem}}",
            "has the ca 'ca.pem', but it must be the absolute",
        ),
        ("nginx_site_redirects: {'a b': example.com}", "has 'a b', but must list host names"),
        ("nginx_site_redirects: {a.example.com: '*.example.com'}", "leads to '*.example.com', but must lead to one"),
        ("nginx_site_redirects: {a.de: b.de, b.de: c.de}", "leads to 'b.de', which it leads elsewhere itself"),
        ("nginx_site_redirects: {a.de: 'b.de; return 200'}", "has 'b.de; return 200', but must lead to host names"),
        ("nginx_site_hsts: {max_age: 1y}", "has the max_age '1y', but it must be a whole number of seconds"),
        ("nginx_site_hsts: {max_age: 300, preload: true}", "has preload, which browsers' lists take only with"),
        (
            "nginx_site_trusted_proxies: [10.0.0.1/8]",
            "has '10.0.0.1/8', but must list addresses and networks of proxies",
        ),
        ("nginx_site_trusted_proxies: [0.0.0.0/0]", "has '0.0.0.0/0', which is everybody"),
        ("nginx_site_limits: [{path: login, rate: 1r/s}]", "has the path 'login', but it must be a URL path"),
        ("nginx_site_limits: [{path: '/a b', rate: 1r/s}]", "has the path '/a b', but it must be a URL path"),
        ("nginx_site_limits: [{path: /, rate: 10/s}]", "has the rate '10/s', but it must be requests a second"),
        ("nginx_site_limits: [{path: /}]", "has neither a rate nor connections for '/'"),
        (
            "nginx_site_limits: [{path: /, connections: 0}]",
            "has the connections 0, but it must be a whole number above 0",
        ),
        ("nginx_site_limits: [{path: /, rate: 1r/s}, {path: /, rate: 2r/s}]", "has the path '/' more than once"),
        ("nginx_site_maintenance: {allow: [home]}", "has 'home', but must list addresses and networks such as"),
        ("nginx_site_maintenance: {page: sorry.html}", "has a page for 503 that is no HTML: give the text of the page"),
        ("nginx_site_error_pages: {500: <p>}", "has a page for 500, but there are pages for 502"),
        (
            "nginx_site_access_log: {path: /etc/passwd}",
            "has the path '/etc/passwd', but it must be that of a file below",
        ),
        ("nginx_site_extra: 'listen 81;'", "has 'listen', but the site listens on port 80"),
        ("nginx_site_extra: '} server {'", "can't be read as what stands in a server of nginx's"),
        ("nginx_site_extra: 'proxy_set_header A b;'", "has 'proxy_set_header', but that is nginx_site_proxy_headers"),
        (
            "nginx_site_extra: 'proxy_read_timeout 9s;'",
            "but how the app is asked is the site's: have it in a location of",
        ),
        ("nginx_site_extra: 'add_header X-A b;'", "has 'add_header', but those of nginx_site_headers would be lost"),
        ("nginx_site_extra: [a]", "is ['a'], but must be a text"),
        (
            "nginx_site_extra: include proxy_params;",
            "has 'include', but .* Debian's own, such as proxy_params, in a location",
        ),
        (
            "nginx_site_extra: 'location /a { include /etc/nginx/conf.d/a.conf; }'",
            "has 'include', but .*: give its text",
        ),
        (
            "nginx_site_extra: access_log off;\nnginx_site_access_log: {path: /var/log/nginx/a.log}",
            "has 'access_log', but that is nginx_site_access_log, which is given too: leave one of them out",
        ),
        (
            "nginx_site_extra: limit_req zone=keys;\nnginx_site_limits: [{path: /, rate: 1r/s}]",
            "has 'limit_req', but that is nginx_site_limits, which is given too",
        ),
        (
            "nginx_site_extra: auth_basic a;\nnginx_site_auth: {users: {a: $6$0123456789abcdef$0123456789}}",
            "has 'auth_basic', but that is nginx_site_auth, which is given too",
        ),
        ("gunicorn_keep_releases: 0", "is 0, but must be a whole number of at least 1"),
        ("gunicorn_keep_releases: yes", "is True, but must be a whole number of at least 1"),
        ("gunicorn_memory_per_worker: 0", "is 0, but must be a whole number of at least 1"),
        (
            "django_settings_module: shop/settings.py",
            "is 'shop/settings.py', but must be the name of a module, such as",
        ),
        ("django_settings_module: [a]", "is ['a'], but must be the name of a module"),
        ("gunicorn_memory_max: 512 MB", "can't be used: '512 MB' is no size of memory"),
        ("gunicorn_cpu_quota: 1.5", "can't be used: 1.5 is no CPU quota"),
        ("nginx_site_app: my-shop", "is 'my-shop', but must be lower-case letters"),
        ("nginx_site_app_root: ../srv", "is '../srv', but must be an absolute path"),
        ("nginx_site_server_names: [a.example.com, 'b; return 200']", "has 'b; return 200', but must list host names"),
        ("nginx_site_server_names: [a.de, b.de, A.de]", "has a.de more than once, but case makes no difference"),
        ("nginx_site_client_max_body_size: 10mb", "is '10mb', but must be a number of bytes"),
        ("nginx_site_location: /shop", "is '/shop', but must be a URL path .* that begins and ends with '/'"),
        ("nginx_site_root: html", "is 'html', but must be an absolute path"),
        ("nginx_site_server_names: [8080]", "has 8080, but must list host names"),
        ("nginx_site_client_max_body_size: 0", "is 0, but to nginx that is no limit at all"),
        ("nginx_site_index: []", "is empty, but must list at least one name of a file"),
        ("nginx_site_index: ['a;b']", "has 'a;b', but must list names of files"),
        ("nginx_site_headers: {X-A: $uri}", "has '$uri' in X-A, but of nginx's variables a header may hold only $host"),
        ("nginx_site_headers: {Vary: Cookie}", "has the header Vary, but that one stays"),
        ("nginx_site_headers: {Access-Control-Allow-Origin: '*'}", "but origins are listed in nginx_site_cors_origins"),
        ("nginx_site_headers: {X-A: a, x-a: b}", "has x-a more than once, but case makes no difference"),
        ("nginx_site_proxy_headers: {Upgrade: h2c}", "has the header Upgrade, but that one stays"),
        ("nginx_site_proxy_headers: {X-A: 1}", "has 1 for X-A, but a header holds text: put the value in quotes"),
        ("nginx_site_cors_origins: ['https://a.de/']", "has 'https://a.de/', but must list origins as browsers send"),
        (
            "nginx_site_cors_origins: ['*', 'https://a.de']",
            "has '*' beside others, but must list either origins or '*'",
        ),
        (
            "nginx_site_tls: {certificate: /a.pem}",
            "has the key None, but it must be the absolute path of a file on the",
        ),
        (
            "nginx_site_tls: {certificate: a.pem, key: /a.key}",
            "has the certificate 'a.pem', but it must be the absolute",
        ),
        ("nginx_site_tls: {certificate: /a/../b.pem, key: /a.key}", "and without '..'"),
        (
            "nginx_site_tls: {certificate: /a.pem, key: '/a.key; ssl_x on'}",
            "has the key '/a.key; ssl_x on', but it must",
        ),
        ("nginx_site_tls: {certificate: /a.pem, key: $ssl_server_name}", "has the key '$ssl_server_name', but it must"),
    ],
)
def test_a_fault_names_the_variable_the_value_and_the_remedy(yaml, said):
    (fault,) = _faults(yaml)
    pattern = re.escape(said).replace(re.escape(".*"), ".*")
    assert re.match(rf"{yaml.partition(':')[0]} .*{pattern}", fault, re.DOTALL)
    assert fault.endswith(".")
    assert "Ansible" not in fault


@pytest.mark.parametrize(
    ("yaml", "value"),
    [
        ("gunicorn_source: https://git.example.com/shop.git", "'https://git.example.com/shop.git'"),
        ("gunicorn_health: /healthz", "'/healthz'"),
        ("gunicorn_requirements: 'psycopg[binary]'", "'psycopg[binary]'"),
        ("gunicorn_writable_paths: /data", "'/data'"),
        ("gunicorn_unit: Nice=5", "'Nice=5'"),
        ("nginx_site_server_names: shop.example.com", "'shop.example.com'"),
        ("nginx_site_cors_origins: '*'", "'*'"),
        ("nginx_site_headers: [X-A]", "['X-A']"),
        ("nginx_site_tls: /etc/ssl/a.pem", "'/etc/ssl/a.pem'"),
        ("gunicorn_packages: libpq5", "'libpq5'"),
        ("gunicorn_drain_timeout: soon", "'soon'"),
        ("gunicorn_settings: timeout=60", "'timeout=60'"),
    ],
)
def test_a_value_of_another_type_is_shown_whole(yaml, value):
    """Roles look at all variables before the types of each part of them are checked."""
    (fault,) = _faults(yaml)
    assert fault.startswith(yaml.partition(":")[0])
    assert value in fault


@pytest.mark.parametrize(
    "name", ["gunicorn_name", "gunicorn_user", "gunicorn_source", "gunicorn_settings", "nginx_site_root"]
)
@pytest.mark.parametrize("value", ["", None], ids=["empty", "null"])
def test_a_variable_without_a_value_is_not_one_that_is_left_out(name, value):
    assert faults({name: value}, names=[name]) == [f"{name} is empty: set it, or remove it."]
    assert faults({name: None}, names=["gunicorn_other"]) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("gunicorn_setings", "gunicorn_settings"),
        ("gunicorn_setting", "gunicorn_settings"),
        ("gunicorn_Settings", "gunicorn_settings"),
        ("gunicorn_requirement", "gunicorn_requirements"),
        ("gunicorn_requirements_files", "gunicorn_requirements_file"),
        ("gunicorn_wsgiapp", "gunicorn_wsgi_app"),
        ("gunicorn_writeable_paths", "gunicorn_writable_paths"),
        ("gunicorn_writable_path", "gunicorn_writable_paths"),
        ("gunicorn_keep_release", "gunicorn_keep_releases"),
        ("gunicorn_drain_timout", "gunicorn_drain_timeout"),
        ("gunicorn_overlapp", "gunicorn_overlap"),
        ("django_migrations", "django_migrate"),
        ("django_migration", "django_migrate"),
        ("django_collect_static", "django_collectstatic"),
        ("django_setting_module", "django_settings_module"),
        ("nginx_site_server_name", "nginx_site_server_names"),
        ("nginx_site_servernames", "nginx_site_server_names"),
        ("nginx_site_cors_origin", "nginx_site_cors_origins"),
        ("nginx_site_header", "nginx_site_headers"),
        ("nginx_site_client_max_bodysize", "nginx_site_client_max_body_size"),
        # What may be somebody's own, for another role or to make the values of these from.
        *[
            (f"gunicorn_{own}", None)
            for own in ("users", "user_id", "port", "ports", "workers", "apps", "names", "hosts")
        ],
        *[(f"gunicorn_{own}", None) for own in ("settings_common", "env_common", "extra_requirements", "app", "group")],
        *[
            (f"gunicorn_{own}", None)
            for own in ("log_level", "timeout", "threads", "service", "version_old", "unit_name")
        ],
        *[
            (f"gunicorn_{own}", None)
            for own in ("sources_dir", "socket", "bind_port", "config", "environment", "max_memory")
        ],
        *[(f"django_{own}", None) for own in ("settings", "debug", "secret_key", "static_root", "check", "superuser")],
        *[
            (f"nginx_site_{own}", None)
            for own in ("ports", "name", "names", "ssl", "domain", "apps", "enabled", "rooms")
        ],
        *[
            (own, None)
            for own in ("nginx_server_names", "settings", "my_gunicorn_setings", "gunicorn", "__gunicorn_setings")
        ],
    ],
)
def test_a_name_that_is_nearly_one_of_ours_was_meant_for_it(name, meant):
    found = faults({"gunicorn_name": "shop"}, names=[name, "gunicorn_name", "ansible_host"])
    wanted = f"{name} is no variable of the role: did you mean {meant}? If it is your own, give it another name."
    assert found == ([wanted] if meant else [])


def test_all_faults_are_told_at_once():
    got = _faults("{gunicorn_name: A, nginx_site_app: B, gunicorn_env: {A-B: x, PORT: 1}, gunicorn_keep_releases: 0}")
    assert [fault.split()[0] for fault in got] == [
        *("gunicorn_name", "gunicorn_env", "gunicorn_env", "gunicorn_keep_releases", "nginx_site_app")
    ]


@pytest.mark.parametrize("yaml", ['gunicorn_env: {SECRET_KEY: "hunter2\\uFFFF"}', "gunicorn_env: [SECRET_KEY=hunter2]"])
def test_no_fault_shows_a_value_of_the_environment(yaml):
    (fault,) = _faults(yaml)
    assert fault.startswith("gunicorn_env ")
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "yaml",
    [
        "gunicorn_source: https://me:hunter2@example.com/shop.git",
        "gunicorn_source: {git: '-https://me:hunter2@example.com/shop.git'}",
        "gunicorn_source: {git: 'https://me:hunter2@example.com/shop.git', ssh_key: a}",
        "gunicorn_source: {archive: 'ftp://me:hunter2@example.com/shop.tar?token=hunter2'}",
        "gunicorn_source: {archive: 'https://me:hunter2@example.com/shop.tar?token=hunter2'}",
        'gunicorn_requirements: ["-e git+https://me:hunter2@example.com/shop.git"]',
    ],
)
def test_no_fault_shows_the_credentials_in_a_url(yaml):
    (fault,) = _faults(yaml)
    assert "://example.com/shop" in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "yaml",
    ["gunicorn_index: 'https://me:hunter2@a.de/simple'", "gunicorn_index: {url: 'https://me:hunter2@a.de:x/ y'}"],
)
def test_no_fault_shows_the_password_of_an_index(yaml):
    (fault,) = _faults(yaml)
    assert fault.startswith("gunicorn_index ")
    assert "hunter2" not in fault
