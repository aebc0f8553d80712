# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and attributes that the modules of one app share."""

from __future__ import annotations


class ModuleDocFragment:
    """See the options below."""

    DOCUMENTATION = r"""
options:
  name:
    description: The app's name, lower-case words joined by single underscores, at most 31 characters.
    type: str
    required: true
  root:
    description: Where the app's folder is made.
    type: path
    default: /srv
author:
  - The pyweb.stack authors (@pyweb)
requirements:
  - systemd 249 or newer on the target
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), in diff mode.
    support: full
  platform:
    description: Target OS/families that can be operated against.
    platforms: debian
    support: full
"""

    MEDIA = r"""
options:
  media:
    description: A folder of the app's state that nginx is to serve.
    type: dict
    suboptions:
      url:
        description: The URL of its files, beginning and ending with a slash.
        type: str
        default: /media/
      path:
        description: Its path below the state folder.
        type: str
        default: media
      protected:
        description: Whether nginx serves a file only where the app answers so, by C(X-Accel-Redirect).
        type: bool
        default: false
"""
