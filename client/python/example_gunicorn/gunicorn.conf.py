"""Four workers, forked from a master that has loaded the application. No hook tells of dead workers."""

workers = 4
preload_app = True


def post_fork(server, worker):
    import application
    application.WORKERS.set(1)
