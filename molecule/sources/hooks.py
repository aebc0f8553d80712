# A hook of the user, who keeps planted-conf to himself.
def when_ready(server):
    server.log.info("ready")
