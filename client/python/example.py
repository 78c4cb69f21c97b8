#!/usr/bin/env python3
"""A worker that counts its jobs.

    SIDEMETER_SOCKET=/tmp/sidemeter.sock python3 example.py
"""

import random
import time

import sidemeter

jobs = sidemeter.counter("jobs_total", "Jobs that were done.", ["result"])
waiting = sidemeter.gauge("jobs_waiting", "Jobs that wait, over all workers that live.", mode="livesum")
seconds = sidemeter.histogram("job_seconds", "Time that a job took.", unit="seconds", buckets=[0.001, 0.01, 0.1])
build = sidemeter.info("example", "What runs.")


def work():
    time.sleep(random.expovariate(200))
    if random.random() < 0.1:
        raise OSError("a job failed")


build.info({"version": "1.0"})
for left in range(100, 0, -1):
    waiting.set(left - 1)
    try:
        with seconds.time():
            work()
        jobs.labels("done").inc()
    except OSError:
        jobs.labels("failed").inc()

print("the agent has it all" if sidemeter.flush_and_wait(1) else "there is no agent")
