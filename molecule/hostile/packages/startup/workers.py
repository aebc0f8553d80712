"""A worker class that comes with a package."""

import tries
from gunicorn.workers.sync import SyncWorker

tries.mark("the module of a worker class", *tries.QUICKLY)


class Worker(SyncWorker):
    pass
