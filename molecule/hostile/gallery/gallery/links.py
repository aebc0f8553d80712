"""Where the static files go."""

import os

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage


class Links(StaticFilesStorage):
    """Beside each file it keeps what LINKS names."""

    def post_process(self, paths, **options):
        for target in settings.LINKS:
            os.symlink(target, os.path.join(self.location, "linked-" + os.path.basename(target)))
        return []
