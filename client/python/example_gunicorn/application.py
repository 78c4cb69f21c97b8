"""A flask application under gunicorn, with metrics that are exact over all of its workers.

    gunicorn --config gunicorn.conf.py application:application

Nothing here knows of workers. `multiprocess_mode` says what their gauges make together.
"""

import os
import time

import flask
from sidemeter.prometheus import Counter, Gauge, Histogram, flush

REQUESTS = Counter("app_requests", "Requests that were answered.", ["path"])
EVENTS = Counter("app_events", "What /lazy counts, without a flush of its own.")
SECONDS = Histogram("app_request_seconds", "Time to answer.", buckets=[0.001, 0.01, 0.1, 1])
IN_PROGRESS = Gauge("app_in_progress", "Requests that live workers are answering.", multiprocess_mode="livesum")
WORKERS = Gauge("app_workers", "Workers that live, by pid.", multiprocess_mode="liveall")

application = flask.Flask(__name__)


@application.get("/work")
def work():
    """Flushes before it answers: what a client was told of is with the kernel, and SIGKILL cannot lose it."""
    with SECONDS.time():
        REQUESTS.labels("/work").inc()
    flush()
    return str(os.getpid())


@application.get("/lazy")
def lazy():
    """Leaves it to the thread: SIGKILL loses at most the last 250 ms."""
    EVENTS.inc()
    return str(os.getpid())


@application.get("/slow")
@IN_PROGRESS.track_inprogress()
def slow():
    time.sleep(float(flask.request.args.get("seconds", "1")))
    return str(os.getpid())
