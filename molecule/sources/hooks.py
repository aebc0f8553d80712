"""A hook of the user, who keeps planted-conf from other accounts."""


def when_ready(server):
    """Say so."""
    server.log.info("ready")
