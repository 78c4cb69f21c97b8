"""See `bench` beside it. An agent takes what is counted, so that the thread that sends has its share of the time."""

import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[2] / "client/python"), str(HERE.parents[2] / "tests/end_to_end")]

from agent_process import Agent  # noqa: E402
from prometheus_client import metrics, values  # noqa: E402
import prometheus_client as theirs  # noqa: E402

ROUNDS, CALLS = 60, 4_000


def operations(library, name):
    """{what: function} of one library's metrics."""
    more = {} if library.__name__ == "sidemeter" else {"registry": None}
    make = library if not more else library
    names = ("counter", "gauge", "histogram", "summary") if not more else ("Counter", "Gauge", "Histogram", "Summary")
    counter, gauge, histogram, summary = (
        getattr(make, kind)(f"{name}_{kind.lower()}", "Help.", **more) for kind in names)
    labelled = getattr(make, names[0])(f"{name}_labelled", "Help.", ["method", "code"], **more)
    kept = labelled.labels("GET", "200")
    return {
        "inc": counter.inc,
        "inc, a child that is kept": kept.inc,
        "inc, by labels each time": lambda: labelled.labels("GET", "200").inc(),
        "set": lambda: gauge.set(3.5),
        "gauge inc": gauge.inc,
        "observe, histogram": lambda: histogram.observe(0.3),
        "observe, summary": lambda: summary.observe(0.3),
    }


def nanoseconds(call):
    begin = time.perf_counter_ns()
    for _ in range(CALLS):
        call()
    return (time.perf_counter_ns() - begin) / CALLS


def main():
    import sidemeter
    import sidemeter.prometheus as drop_in
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent()
        os.environ["SIDEMETER_SOCKET"] = agent.socket_path
        plain = operations(theirs, "plain")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        values.ValueClass = values.MultiProcessValue()  # as the reference does at its import, by the variable
        assert metrics.values.ValueClass is values.ValueClass
        contenders = [operations(sidemeter, "ours"), operations(drop_in, "drop_in"), plain, operations(theirs, "many")]
        print(f"{'nanoseconds a call':26} {'client':>7} {'drop-in':>8} {'plain':>7} {'multi':>7}   drop-in/plain  drop-in/multi")
        for what in plain:
            best = [float("inf")] * len(contenders)
            for _ in range(ROUNDS):  # in turns, so that all have the same weather
                best = [min(so_far, nanoseconds(one[what])) for so_far, one in zip(best, contenders)]
            client, ours, one, many = best
            print(f"{what:26} {client:7.0f} {ours:8.0f} {one:7.0f} {many:7.0f}   {ours / one:13.2f}  {ours / many:13.2f}")
        assert sidemeter.flush_and_wait(10)
        sidemeter.close()
        agent.end()


main()
