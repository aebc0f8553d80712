#!/usr/bin/python
# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_site
short_description: Put a proved site in front of an app, or remove it
version_added: 0.1.0
description:
  - Writes the nginx site of an app. nginx first tests its tree as it is, then a copy of the whole tree with the site in
    it; only then are files moved into place and nginx reloaded, never restarted. If the reload fails, what was there
    before is put back.
  - Fails, also where nothing is to be changed, if nginx's tree is broken already, if another site has one of the names or
    is the default one at the same address, if somebody else has an address at which nginx is to listen, and if
    C(nginx.service) is masked. The message names the file and line, or the process. An nginx that is stopped is started.
  - The site sends requests to the socket of whichever release is active, and serves the release's static files itself.
  - A site goes in the same way, proved first. nginx stays, and so do the sites of others.
extends_documentation_fragment:
  - pyweb.stack.app.attributes
options:
  app:
    description: The name of the app.
    type: str
    required: true
  app_root:
    description: Where the app's folder is.
    type: path
    default: /srv
  upstream:
    description:
      - How nginx reaches the app. Over the V(socket) of the active release, or over V(tcp), at the address that
        the role P(pyweb.stack.gunicorn#role) was given in C(gunicorn_bind) and put into a unit on the host.
      - Fails with V(tcp) where the app has no such address. In check mode that can't be known yet, so the site is
        reported as changed and not proved.
    type: str
    choices: [socket, tcp]
    default: socket
  server_names:
    description:
      - Host names of the site. Requests for other names that nginx brings here are closed without an answer.
      - Without any it is the host's default site, whose original is kept beside it.
    type: list
    elements: str
    default: []
  location:
    description:
      - What of the site goes to the app, as the URL path before it. It begins and ends with a slash.
      - The app gets the path as the visitor sent it.
    type: str
    default: /
  root:
    description: Folder from which nginx serves what neither goes to the app nor is a static file of its release.
    type: path
  index:
    description: Files that nginx looks for in the folders below O(root).
    type: list
    elements: str
    default: [index.html]
  headers:
    description:
      - Headers of every response, by their names, in place of those that the app sets. An empty value takes that away.
      - Values are printable ASCII characters, in which a few of nginx's variables can stand; see
        P(pyweb.stack.nginx_site#role).
    type: dict
    default: {}
  proxy_headers:
    description:
      - Headers of every request to the app, over the safe ones. Names and values are as in O(headers).
      - An empty value takes the header away.
    type: dict
    default: {}
  cors_origins:
    description: Origins whose pages may read the responses, such as C(https://app.example.com), or C(*) alone for all.
    type: list
    elements: str
    default: []
  client_max_body_size:
    description: The largest request body that is accepted, in nginx's form; C(0) is refused.
    type: str
    default: 10m
  tls:
    description:
      - With it the site speaks TLS, 1.2 or 1.3, and HTTP/2 on port 443, and port 80 sends visitors there. Without it, plain
        HTTP on port 80.
      - A certificate that was renewed in its place is a change, for which nginx is reloaded.
      - Fails if one of the two files can't be read, if they don't belong together, and if every account of the host can
        read the key; warns of a certificate that has expired, where C(openssl) is there. In check mode files that are
        not there yet can't be known, so the site is reported as changed and not proved.
    type: dict
    suboptions:
      certificate:
        description: The certificate's file on the target (PEM), the site's own certificate first and its chain after it.
        type: path
      key:
        description: The file of its private key on the target (PEM), without a passphrase. It is in no output, diff or log.
        type: path
      selfsigned:
        type: bool
        default: false
        description: Whether the host makes a certificate by itself. Browsers warn of it; for a trial, or behind a proxy.
      acme:
        type: dict
        description:
          - Has a CA that speaks ACME, such as Let's Encrypt, give the certificate, by Debian's certbot, which also renews it.
            The site is up with one of the host's own until then.
          - Each name is asked for a token first, from the host itself; one that leads elsewhere is named, and the CA not asked.
        suboptions:
          email:
            type: str
            required: true
            description: To whom the CA may write.
          directory:
            type: str
            default: https://acme-v02.api.letsencrypt.org/directory
            description: The URL of the CA's directory.
          ca:
            type: path
            description: File on the target with whom the CA's own certificate is from, where the host doesn't trust it.
          terms:
            type: bool
            required: true
            description: That you agree to the CA's terms.
  redirects:
    type: dict
    default: {}
    description:
      - Other host names and the one that each leads to, such as C(www.example.com) to C(example.com), with the same path.
      - With O(tls) its certificate must hold these names, too.
  hsts:
    type: dict
    description:
      - Has browsers insist on TLS from now on (C(Strict-Transport-Security)). They remember it, so begin with a short age.
      - Only with O(tls).
    suboptions:
      max_age:
        type: int
        required: true
        description: For how many seconds after each answer.
      subdomains:
        type: bool
        default: false
        description: Whether that holds for all names below this one.
      preload:
        type: bool
        default: false
        description: Whether browsers may have the name in the list that they are delivered with. There is hardly a way back.
  trusted_proxies:
    type: list
    elements: str
    default: []
    description:
      - Addresses and networks of the load balancers or the CDN in front of nginx. What they say in C(X-Forwarded-For) and
        C(X-Forwarded-Proto) is the visitor's address and scheme, which nobody else can say.
      - What they say in other headers, such as who somebody is, gets to the app by O(proxy_headers) alone.
  limits:
    type: list
    elements: dict
    default: []
    description: What one address may ask; beyond that it gets 429.
    suboptions:
      path:
        type: str
        required: true
        description: URL prefix, such as C(/accounts/login/); C(/) for the whole site.
      rate:
        type: str
        description: Requests a second or a minute, such as C(10r/s) or C(30r/m).
      burst:
        type: int
        default: 20
        description: How many of them may come at once.
      connections:
        type: int
        description: How many requests may be under way at a time.
  maintenance:
    type: dict
    default: {}
    description:
      - Closes the site and opens it again, without a reload and from one request to the next. Closed, it answers 503 to
        whatever is asked but O(health) and what a CA asks.
    suboptions:
      active:
        type: bool
        description: Whether the site is closed. Where that isn't given it stays as it is; see also the playbook C(maintenance).
      page:
        type: str
        description: The text of an own page, as HTML.
      retry_after:
        type: int
        default: 300
        description: After how many seconds clients should come again.
      allow:
        type: list
        elements: str
        default: []
        description: Addresses and networks that get in all the same.
  error_pages:
    type: dict
    default: {}
    description:
      - Texts of own pages, as HTML, for C(502), which is also that of 504 - the app is gone or too slow - and C(503).
      - They need nothing from the app. What the app itself answers is sent as it is.
  access_log:
    type: dict
    description: Logs requests as JSON, one object a line, whatever is in them. Without it they are logged as nginx.conf says.
    suboptions:
      path:
        type: path
        required: true
        description: A file below C(/var/log), such as C(/var/log/nginx/shop.log). Debian rotates what ends in C(.log) there.
  extra:
    type: str
    description:
      - Text for the site's server block, in nginx's own language. It is proved with the rest. What the site says itself, such
        as C(listen) or C(ssl_protocols), is refused with the variable that does it; a location in the text may have most of it.
      - C(access_log), C(auth_basic), C(limit_req) and C(limit_conn) are refused only beside O(access_log),
        O(auth) and O(limits), as for a log in a format of your own, a password file of yours, or a limit for each API key.
      - C(rewrite), and C(return) in an C(if), hold for all but the site's own pages, O(health) and what a CA asks.
      - A C(proxy_pass) in a location asks as the site asks its own app, with the same headers, unless that location has a
        C(proxy_set_header) of its own.
      - In a location C(include) has Debian's own files, such as C(proxy_params) and C(snippets/fastcgi-php.conf), and no others.
      - Whose word on the visitor counts is in no place of it, as that is O(trusted_proxies).
  auth:
    description:
      - Whom nginx lets in, by name and password. What a CA asks for, redirects and O(health) stay open.
      - The users are in a file that root and nginx alone can read, and in no diff.
    type: dict
    suboptions:
      realm:
        description: What the password is for, in a few words.
        type: str
        default: Restricted
      users:
        description: The hash of each user's password, by their names; a password itself is refused.
        type: dict
        required: true
      paths:
        description: URL prefixes that ask for it.
        type: list
        elements: str
        default: [/]
  locations:
    description:
      - Several URL prefixes of what goes to the app, in place of O(location).
      - What has a dot behind its last slash is a URL by itself. The URL of a prefix without its slash goes to the app, too.
    type: list
    elements: str
    default: []
  http3:
    description: Whether the site also speaks HTTP/3. A reload of nginx ends requests over it that are under way.
    type: bool
    default: false
  fallback:
    description: File below O(root) that is the answer where there is none.
    type: str
  health:
    description:
      - A page of the app that answers who asks by the host's address or without a name, over plain HTTP too, and while the
        site is closed.
      - Where another site answers who asks by the host's address, it is refused.
    type: dict
    suboptions:
      path:
        description: Its URL path.
        type: str
        required: true
      host:
        description: As which host the app is asked, by default the first of O(server_names).
        type: str
  state:
    description:
      - V(absent) takes the site of the app away, with names or without, of which only O(app) has to be given. If it was the
        host's default site, the original is that again. The certificate that certbot got for it goes, too, unless another file
        below C(/etc) names that.
      - Without nginx on the host, its files go unproved.
    type: str
    choices: [present, absent]
    default: present
author:
  - The pyweb.stack authors (@pyweb)
requirements:
  - nginx on the target, but in check mode and for V(absent)
"""

EXAMPLES = r"""
- name: Serve the app on its own names
  pyweb.stack.nginx_site:
    app: shop
    server_names: [shop.example.com, www.shop.example.com]

- name: Serve the app below /shop/, and a folder of pages around it
  pyweb.stack.nginx_site:
    app: shop
    location: /shop/
    root: /var/www/html
    proxy_headers: {SCRIPT_NAME: /shop}

- name: Serve the app over TLS
  pyweb.stack.nginx_site:
    app: shop
    server_names: [shop.example.com]
    tls:
      certificate: /etc/letsencrypt/live/shop.example.com/fullchain.pem
      key: /etc/letsencrypt/live/shop.example.com/privkey.pem

- name: Take the site away
  pyweb.stack.nginx_site:
    app: shop
    state: absent
"""

RETURN = r"""
path:
  description: The site's file; none where the site is absent.
  returned: success
  type: str
  sample: /etc/nginx/sites-available/gunicorn-shop
"""

from ansible_collections.pyweb.stack.plugins.module_utils._steps.nginx_site import STEP


def main() -> None:
    """Wire the module."""
    STEP.main()


if __name__ == "__main__":
    main()
