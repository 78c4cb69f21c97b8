"""A worker of multiprocess_test: does what it is told on standard input with both libraries, and answers each line.

    OPERATION MODE LABEL VALUE      set, inc or dec of a gauge
    count LABEL VALUE               of a counter
    observe LABEL VALUE             into a histogram
"""

import sys

import prometheus_client as theirs

import sidemeter.prometheus as ours

MODES = ["all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent"]
BOTH = (theirs, ours)


def main():
    gauges = {mode: [library.Gauge(f"g_{mode}", "A gauge.", ["l"], multiprocess_mode=mode) for library in BOTH] for mode in MODES}
    counters = [library.Counter("c", "A counter.", ["l"]) for library in BOTH]
    histograms = [library.Histogram("h", "A histogram.", ["l"], buckets=[1, 4]) for library in BOTH]
    print("ready", flush=True)
    for line in sys.stdin:
        operation, *words, label, value = line.split()
        if operation == "count":
            for counter in counters:
                counter.labels(label).inc(float(value))
        elif operation == "observe":
            for histogram in histograms:
                histogram.labels(label).observe(float(value))
        else:
            for gauge in gauges[words[0]]:
                getattr(gauge.labels(label), operation)(float(value))
        print("done" if ours.flush_and_wait(10) else "the agent did not answer", flush=True)


main()
