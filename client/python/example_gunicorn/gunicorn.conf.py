"""Four workers, forked from a master that has loaded the application. No hook tells of dead workers."""

from sidemeter.prometheus import Gauge

workers = 4
preload_app = True

WORKERS = Gauge("app_workers", "Workers that live, by pid.", multiprocess_mode="liveall")


def post_fork(server, worker):
    WORKERS.set(1)
