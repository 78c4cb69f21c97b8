"""A worker of multiprocess_test: does each operation that it is told on standard input to the
reference in multi-process mode and to the agent, and answers each line with one when both have it.

    set MODE LABEL VALUE | inc MODE LABEL VALUE | dec MODE LABEL VALUE

Run with the agent's socket as its argument and PROMETHEUS_MULTIPROC_DIR set.
"""

import socket
import sys

import prometheus_client

MODES = ["all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent",
         "livemostrecent"]


def main():
    agent = socket.socket(socket.AF_UNIX)
    agent.connect(sys.argv[1])
    replies = agent.makefile("r")
    gauges = {}
    for mode in MODES:
        gauges[mode] = prometheus_client.Gauge(f"g_{mode}", "A gauge.", ["l"], multiprocess_mode=mode)
        agent.sendall(f"# MODE g_{mode} {mode}\n# HELP g_{mode} A gauge.\n".encode())
    print("ready", flush=True)
    for line in sys.stdin:
        operation, mode, label, value = line.split()
        getattr(gauges[mode].labels(label), operation)(float(value))
        sign = {"set": "", "inc": "+=", "dec": "-="}[operation]
        agent.sendall(f'g g_{mode}{{l="{label}"}} {sign}{value}\nsync t\n'.encode())
        reply = replies.readline()
        print("done" if reply.startswith("ok t ") and " rejected=0\n" in reply else reply, flush=True)


if __name__ == "__main__":
    main()
