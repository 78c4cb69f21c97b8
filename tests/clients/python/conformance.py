"""Does to the client what tests/clients/run says, a line a command (../README.md)."""

import os
import pathlib
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "client/python"))

import sidemeter  # noqa: E402

metrics = {}


def parts(words):
    """The parts of a list; "-" is the empty one."""
    return [] if words == "-" else [urllib.parse.unquote(word) for word in words.split(",")]


def pairs(words):
    return dict(pair.split("=", 1) for pair in words.split(",")) if words != "-" else {}


def labels(words):
    return {name: urllib.parse.unquote(value) for name, value in pairs(words).items()}


def series(name, words):
    found = labels(words)
    return metrics[name].labels(**found) if found else metrics[name]


def define(kind, name, help, labelnames, unit, buckets, mode, states):
    arguments = {"labelnames": parts(labelnames)}
    name = urllib.parse.unquote(name)
    if help != "-":
        arguments["help"] = urllib.parse.unquote(help)
    if unit != "-":
        arguments["unit"] = unit
    if buckets != "-":
        arguments["buckets"] = [float(bound) for bound in buckets.split(",")]
    if mode != "-":
        arguments["mode"] = mode
    if kind == "stateset":
        arguments["states"] = parts(states)
    if kind == "info":
        del arguments["labelnames"]  # its labels are its content
    try:
        metrics[name] = getattr(sidemeter, kind)(name, **arguments)
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return "error"


def many(name, label, count):
    for number in range(int(count)):
        metrics[name].labels(**{label: number}).inc()


def repeat(count, name, words):
    one, longest = series(name, words), 0
    for _ in range(int(count)):
        begin = time.perf_counter_ns()
        one.inc()
        longest = max(longest, time.perf_counter_ns() - begin)
    return longest // 1000


def threads(number, count, name, words):
    def run():
        for _ in range(int(count)):
            series(name, words).inc()
    running = [threading.Thread(target=run) for _ in range(int(number))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def fork(count, name, words):
    child = os.fork()
    if child == 0:
        for _ in range(int(count)):
            series(name, words).inc()
        sys.exit(0 if sidemeter.flush_and_wait(30) else 1)
    assert os.waitpid(child, 0)[1] == 0


def timed(name, words):
    with series(name, words).time():
        pass


COMMANDS = {
    "define": define, "many": many, "repeat": repeat, "threads": threads, "fork": fork, "time": timed,
    "inc": lambda name, words, value: series(name, words).inc(float(value)),
    "dec": lambda name, words, value: series(name, words).dec(float(value)),
    "set": lambda name, words, value: series(name, words).set(float(value)),
    "observe": lambda name, words, value: series(name, words).observe(float(value)),
    "info": lambda name, words: metrics[name].info(labels(words)),
    "state": lambda name, words, state: series(name, words).state(urllib.parse.unquote(state)),
    "remove": lambda name, words: series(name, words).remove(),
    "flush": lambda: sidemeter.flush() and None,
    "wait": lambda seconds: str(sidemeter.flush_and_wait(float(seconds))).lower(),
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "dropped": lambda: sidemeter.client.dropped,
}


def main():
    for line in iter(sys.stdin.readline, ""):
        command, *words = line.rstrip("\n").split("\t")
        if command == "exit":
            return
        answer = COMMANDS[command](*words)
        print("ok" if answer is None or answer is False else answer, flush=True)


main()
