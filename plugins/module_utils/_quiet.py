# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module whose options are nobody's business. Private to the collection."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


class QuietModule(AnsibleModule):
    """A module that writes nothing of its options to the target's log, since secrets are among them.

    Marking an option as no_log would blank each of its values, short ones too, in all that the play prints; the
    module's own no_log is overruled by the task's.
    """

    def _log_invocation(self):
        pass
