# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The format of an access log that is JSON, one object a line, whatever a client sends. Private to the collection."""

from __future__ import annotations

from ansible_collections.pyweb.stack.plugins.module_utils._nginx.blocks import block

# nginx's own escapes are not enough: JSON is UTF-8 (RFC 8259, section 8.1), and nginx writes other bytes as they are.
_UTF8 = (
    r"^(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|"
    r"\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*$"
)
# What a client can have any byte in, by the names in the log.
_SENT = {"host": "host", "uri": "request_uri", "referer": "http_referer", "agent": "http_user_agent"}
_FIELDS = {
    "time": "$time_iso8601",
    "id": "$request_id",
    "client": "$remote_addr",
    "host": "",
    "method": "",
    "uri": "",
    "protocol": "$server_protocol",
    "status": "$status",
    "bytes": "$body_bytes_sent",
    "seconds": "$request_time",
    "upstream_seconds": "$upstream_response_time",
    "referer": "",
    "agent": "",
}


def directives(name: str) -> list[str]:
    """Return what declares the log format `name`, beside the servers."""
    checked = {field: f"${name}_log_{field}" for field in _SENT}
    # nginx compares nothing with an empty value but an empty text.
    maps = [
        block(f"map ${_SENT[field]} {variable}", ['default "(not UTF-8)";', '"" "";', f'"~{_UTF8}" ${_SENT[field]};'])
        for field, variable in checked.items()
    ]
    # As it was sent: on the way to a page of its own nginx makes it GET.
    method = f"${name}_log_method"
    maps.append(block(f"map $request {method}", ['"~^([A-Z_-]+) " $1;', 'default "";']))
    fields = ",".join(f'"{field}":"{value}"' for field, value in {**_FIELDS, **checked, "method": method}.items())
    return [*maps, f"log_format {name} escape=json '{{{fields}}}';"]
