"""Pushes metrics to a Sidemeter agent: this one file, Python 3.8 or later, nothing else.

    requests = sidemeter.counter("http_requests_total", "Requests.", ["code"])
    seconds = sidemeter.histogram("request_seconds", "Time to answer.", buckets=[0.1, 1, 10])

    with seconds.time():
        requests.labels("200").inc()

An event is an addition in memory. What has added up is sent every 250 ms by a daemon thread, and at exit. Nothing waits for the
agent but `flush_and_wait()` and, for 100 ms at most, `close()`. A definition that is wrong raises ValueError; an event that is
wrong changes nothing and is counted in `client.dropped`. Threads and `os.fork()` need no care. The socket is $SIDEMETER_SOCKET,
else DEFAULT_SOCKET; what is written to it is told in proto/PROTOCOL.md.
"""

import atexit
import contextlib
import json
import os
import re
import socket
import sys
import threading
import time
from bisect import bisect_left
from collections import deque

VERSION = "0.1.0"
DEFAULT_SOCKET = "/run/sidemeter/sidemeter.sock"
DEFAULT_BUCKETS = (.005, .01, .025, .05, .075, .1, .25, .5, .75, 1.0, 2.5, 5.0, 7.5, 10.0)
MODES = ("last", "sum", "min", "max", "mostrecent", "all", "livesum", "livemin", "livemax", "livemostrecent", "liveall")
HANDLES = 4096  # of a session; later series are sent by their text
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.1, 5.0
MAX_NAME_BYTES, MAX_HELP_BYTES, MAX_LABELS, MAX_BUCKETS, MAX_STATES = 512, 4096, 32, 128, 128  # as the agent's
INFINITY = float("inf")


def want(fulfilled, words):
    if not fulfilled:
        raise ValueError(words)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Family:
    """A definition, and its series by their label values."""
    metric_name = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
    label_name = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")

    def __init__(self, client, kind, declaration, labelnames, reserved):
        self.client, self.kind, self.declaration, self.labelnames = client, kind, declaration, tuple(labelnames)
        self.name, self.bounds, self.series = declaration["declare"], declaration.get("buckets", ()), {}
        want(self.metric_name.fullmatch(self.name) and len(self.name.encode()) <= MAX_NAME_BYTES,
             f"a metric name matches {self.metric_name.pattern}, in {MAX_NAME_BYTES} bytes, got {self.name!r}")
        self.check_labels(self.labelnames)
        want(not set(reserved) & set(self.labelnames), f"a label of the metric's own: {', '.join(reserved)}")

    def check_labels(self, names):
        for name in names:
            want(self.label_name.fullmatch(name), f"a label name matches {self.label_name.pattern}, got {name!r}")
        want(len(set(names)) == len(names) <= MAX_LABELS, f"labels are at most {MAX_LABELS}, none twice, got {names}")

    def text(self, labels):
        return self.name + ("{" + ",".join([name + "=" + quoted(value) for name, value in labels]) + "}" if labels else "")

    def find(self, key):
        """The series of these label values; where they are wrong, or there is no room, one that drops its events."""
        with self.client._lock:
            found = self.series.get(key) or self.kind(self, key)
            if key is not None and key not in self.series and self.client._places > 0:
                self.client._places -= 1
                self.series[key] = found
            return found


class Series:
    """What all metrics have. One that its family does not list, since it still wants labels or had no room, drops its events."""

    def __init__(self, family, key):
        self._client, self._lock, self._family, self._key = family.client, family.client._lock, family, key
        self._own = family.declaration.get("mode", "last") != "last"
        self._text = family.text(list(zip(family.labelnames, key or ())))
        self._start_over()

    def _start_over(self):
        self._pending, self._whole, self._queued = None, False, False  # what has happened since it was last sent
        self._known = None  # what a new session is told again, since the agent may have forgotten it

    def labels(self, *values, **named):
        """The series of these values, in the order of the definition or by name. To keep it saves the look-up."""
        names = self._family.labelnames
        try:
            key = tuple(map(str, values + tuple(map(named.pop, names)) if named else values))
        except Exception:  # of a name that is none, or of a __str__
            return self._family.find(None)
        return self._family.find(key if len(key) == len(names) and not named else None)

    def remove(self):
        """Removes the series at the agent, with what all processes gave it. `labels()` then makes it anew."""
        with self._lock:
            if not self._stands():
                return self._client._drop()
            if self._key:
                del self._family.series[self._key]
            self._pending = self._known = None
            self._client._removals[self._text] = 1 if self._key else 0
            self._client._start_thread()

    def _stands(self):
        return self._family.series.get(self._key) is self

    def _queue(self):
        """The first event since it was last sent."""
        if not self._stands():
            self._pending = None
            return self._client._drop()
        self._queued = True
        self._client._queue.append(self)
        self._client._start_thread()

    def _send(self):
        pending, self._pending, self._queued = self._pending, None, False
        if pending is not None and self._stands():
            self._write(pending)

    def _write(self, pending):
        whole, self._whole = self._whole, False
        self._client._put(("" if whole else self.plus) + repr(float(pending)), self)

    def _repeat(self):
        if self._known is not None:
            self._pending, self._whole = self._known, True
            self._queued or self._queue()


class Counter(Series):
    """What only rises."""
    type, verb, plus = "counter", "c", ""

    def inc(self, amount=1):
        """Adds `amount`, finite and not below 0."""
        try:
            with self._lock:
                if not 0 <= amount < INFINITY:
                    return self._client._drop()
                self._pending = (self._pending or 0.0) + amount
                self._queued or self._queue()
        except Exception:  # it is no number
            self._client._drop()


class Gauge(Series):
    """What rises and falls. In every mode but `last` the value is this process's own, and begins at 0."""
    type, verb, plus = "gauge", "g", "+="

    def set(self, value):
        try:
            with self._lock:
                self._pending = self._known = float(value)
                self._whole = True
                self._queued or self._queue()
        except Exception:
            self._client._drop()

    def inc(self, amount=1, sign=1):
        try:
            with self._lock:
                amount = sign * float(amount)
                self._pending = (self._pending or 0.0) + amount
                if self._own or self._known is not None:
                    self._known = (self._known or 0.0) + amount
                self._queued or self._queue()
        except Exception:
            self._client._drop()

    def dec(self, amount=1):
        self.inc(amount, -1)


class Summary(Series):
    """Observations, counted and added up."""
    type, verb = "summary", "m"

    def observe(self, value):
        """Counts `value`, in the family's unit. NaN is dropped."""
        try:
            with self._lock:
                bounds = self._family.bounds
                pending = self._pending or [0.0] + [0] * (len(bounds) + 1)  # a sum, and the count of each bucket
                total = pending[0] + float(value)
                if total != total:  # NaN, or infinite both ways
                    return self._client._drop()
                pending[1 + bisect_left(bounds, value)] += 1
                pending[0] = total
                self._pending = pending
                self._queued or self._queue()
        except Exception:
            self._client._drop()

    @contextlib.contextmanager
    def time(self):
        """Observes the seconds that a block takes; as a decorator, each call of a function."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.observe(time.perf_counter() - start)

    def _write(self, pending):
        self._client._put(f"{float(pending[0])!r} {' '.join(map(str, pending[1:]))}", self)


class Histogram(Summary):
    """Observations, counted by bucket and added up."""
    type = "histogram"


class Info(Series):
    """Labels as content. New content takes the place of what this process showed before."""
    type = "info"

    def info(self, content):
        """Shows the labels of `content`, a dict of texts."""
        try:
            labels = list(zip(self._family.labelnames, self._key)) + [(name, str(content[name])) for name in content]
            self._family.check_labels([name for name, _ in labels])
            with self._lock:
                self._pending = self._family.text(labels)
                self._queued or self._queue()
        except Exception:
            self._client._drop()

    def _write(self, pending):
        if self._known not in (None, pending):
            self._client._put("x " + self._known)
        self._client._put("i " + pending)
        self._text = self._known = pending


class Stateset(Series):
    """Which one of its states is so."""
    type = "stateset"

    def state(self, state):
        with self._lock:
            if state not in self._family.declaration["states"]:
                return self._client._drop()
            self._pending = self._known = state
            self._queued or self._queue()

    def _write(self, pending):  # without a handle, which some states would bind anew
        self._client._put(f"e {self._text} {pending}")


class Client:
    """A connection to an agent, and the table of what is to be sent. `dropped` counts events that were wrong or had no room."""

    def __init__(self, socket_path=None, name="sidemeter-python", interval=0.25, max_buffer=64 * 1024, max_series=10_000):
        """`interval` in seconds, `max_buffer` in bytes. A process needs one client: `sidemeter.client`."""
        self._socket_path, self._interval, self._max_buffer = socket_path, interval, max_buffer
        self._name = re.sub(r"[^\w.-]", "_", name)
        self._lock = threading.RLock()  # of the table; reentrant, since signal handlers and finalizers may count too
        self._session, self._families, self._places = 0, {}, max_series + 1  # one place is for what was dropped
        self._begin()
        self._drops = self._define(Counter, "sidemeter_client_dropped_total", "Events that clients dropped: wrong, or no room.",
                                   ["client"]).labels(self._name)
        os.register_at_fork(before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._after_fork)
        atexit.register(self.close)

    def _begin(self):
        """Nothing has happened, nothing is connected."""
        self.dropped, self._queue, self._removals, self._undeclared = 0, deque(), {}, deque(self._families.values())
        self._records, self._size, self._taken = [], 0, 0  # [(bytes, what another session needs)]; all bytes; those the kernel has
        self._unsent, self._handles, self._free = deque(), {}, []  # what the last session left; by the series' texts
        self._socket, self._retry_at, self._retry_seconds = None, 0.0, FIRST_RETRY_SECONDS
        self._reply, self._answered = b"", 0  # what was read of one, and the last token of a sync, which rise
        self._thread, self._ended = None, threading.Event()
        self._sending, self._busy = threading.RLock(), False  # of the socket and the records

    def counter(self, name, help=None, labelnames=(), unit=""):
        return self._define(Counter, name, help, labelnames, unit)

    def gauge(self, name, help=None, labelnames=(), unit="", mode="last"):
        """`mode`, one of MODES: what the values of many processes make together (PROTOCOL.md, "Gauge modes")."""
        want(mode in MODES, f"a mode is one of {', '.join(MODES)}, got {mode!r}")
        return self._define(Gauge, name, help, labelnames, unit, ["pid"] if mode.endswith("all") else [], mode=mode)

    def histogram(self, name, help=None, labelnames=(), unit="", buckets=DEFAULT_BUCKETS):
        """`buckets`: upper bounds that rise strictly. +Inf is always there."""
        bounds = [bound for bound in map(float, buckets) if bound != INFINITY]
        want(0 < len(bounds) <= MAX_BUCKETS and all(a < b for a, b in zip([-INFINITY] + bounds, bounds + [INFINITY]))
             and list(map(float, buckets)) in (bounds, bounds + [INFINITY]),
             f"buckets are 1 to {MAX_BUCKETS} finite bounds that rise strictly, got {buckets!r}")
        return self._define(Histogram, name, help, labelnames, unit, ["le"], buckets=bounds)

    def summary(self, name, help=None, labelnames=(), unit=""):
        return self._define(Summary, name, help, labelnames, unit, ["quantile"])

    def info(self, name, help=None, labelnames=()):
        return self._define(Info, name, help, labelnames)

    def stateset(self, name, help=None, labelnames=(), states=()):
        want(0 < len(set(states)) == len(states) <= MAX_STATES and all(re.fullmatch(r"\S(.*\S)?", state) for state in states),
             f"states are 1 to {MAX_STATES} different words, got {states!r}")
        return self._define(Stateset, name, help, labelnames, "", [name], states=list(states))

    def _define(self, kind, name, help, labelnames, unit="", reserved=(), family=Family, **details):
        """The metric of this name; defining the same again is free."""
        want(not (self._families and name.startswith("sidemeter_")), f"sidemeter_… are the agent's own metrics, got {name!r}")
        want(re.fullmatch(r"[a-zA-Z0-9_]*", unit), f"a unit matches [a-zA-Z0-9_]+, got {unit!r}")
        want(len((help or "").encode("utf-8", "replace")) <= MAX_HELP_BYTES, f"help has at most {MAX_HELP_BYTES} bytes, got {help!r}")
        declaration = {"declare": name, "type": kind.type, "help": help, "unit": unit or None, **details}
        declaration = {key: value for key, value in declaration.items() if value is not None}
        new = family(self, kind, declaration, labelnames, reserved)
        with self._lock:
            known = self._families.setdefault(name, new)
            if known is new:
                self._undeclared.append(new)
            want((known.kind, known.declaration, known.labelnames) == (kind, declaration, new.labelnames),
                 f"{name} is defined already, as {known.declaration} with the labels {known.labelnames}")
            return known.find(None if labelnames else ())

    def flush(self):
        """Gives the kernel what has added up. True when it took everything: no death of this process can lose that."""
        with self._sending:
            busy, self._busy = self._busy, True  # busy: a signal's handler, in the middle of another flush
            try:
                session = None
                while not busy and self._connect() and self._give():
                    if session != self._session:
                        session, most = self._session, len(self._queue)  # what comes later is for the next flush
                    if most <= 0 and not (self._undeclared or self._unsent or self._removals):
                        return True
                    most -= self._write(most)
                return False
            finally:
                self._busy = busy

    def flush_and_wait(self, timeout=1.0):
        """Flushes, and waits at most `timeout` seconds until the agent has applied it: True when the next scrape shows it."""
        end, asked_in = time.monotonic() + timeout, None
        self._retry_at = 0.0
        while True:
            self._retry_seconds = FIRST_RETRY_SECONDS
            with self._sending:
                if self.flush() and asked_in != self._session:
                    token, asked_in = time.monotonic_ns(), self._session
                    self._put(f"sync {token}", again=False)
                    self._give()
                if asked_in == self._session and self._answered >= token:
                    return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.001)

    def close(self, timeout=0.1):
        """Flushes and waits, for at most `timeout` seconds, and ends session and thread. A later event begins new ones."""
        self._ended.set()
        self._thread and self.flush_and_wait(timeout)  # else nothing has ever happened
        with self._sending:
            self._socket and self._lose()
            self._thread, self._ended = None, threading.Event()

    def _drop(self):
        with self._lock:
            self.dropped += 1
            self._drops.inc()

    def _start_thread(self):
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._ended,), name="sidemeter", daemon=True)
            with contextlib.suppress(RuntimeError):  # the interpreter ends, and will close()
                self._thread.start()

    def _run(self, ended):
        while not ended.wait(self._interval):
            self.flush()

    def _write(self, most):
        """Writes records of at most so many series, until the buffer is full. Answers with the number of series."""
        count = 0
        while self._size < self._max_buffer:
            with self._lock:  # for each record anew: an event waits for one only
                if self._undeclared:
                    self._put(json.dumps(self._undeclared.popleft().declaration, ensure_ascii=False), again=False)
                elif self._unsent:
                    self._put(*self._unsent.popleft())
                elif self._removals:  # before the series, which may be new ones of the same labels
                    text, places = self._removals.popitem()
                    self._places += places  # not before, so that removals have a limit
                    self._put("x " + text)
                    self._free += [self._handles.pop(text)] if text in self._handles else []
                elif count < most:
                    count += 1
                    self._queue.popleft()._send()
                else:
                    break
        return count

    def _put(self, text, series=None, again=True):
        """Writes a record, or of a series what follows its text. `again`: should the session be lost, the next one needs it."""
        #   @7 c jobs_total{queue="mail"}    once a session
        #   @7 12
        if series:
            if series._text not in self._handles and self._free:
                self._handles[series._text] = self._free.pop()
                self._put(f"@{self._handles[series._text]} {series.verb} {series._text}", again=False)
            handle = self._handles.get(series._text)
            line = f"{series.verb} {series._text} {text}" if handle is None else f"@{handle} {text}"
        line = (line if series else text).encode("utf-8", "replace") + b"\n"
        self._records.append((line, (text, series) if again else None))
        self._size += len(line)

    def _give(self):
        """Gives the kernel the records; True when it took all."""
        left = memoryview(b"".join([line for line, _ in self._records]))[self._taken:]
        while left:
            try:
                taken = self._socket.send(left, getattr(socket, "MSG_NOSIGNAL", 0))
            except OSError as fault:
                if not isinstance(fault, BlockingIOError):
                    self._lose()
                return False
            self._taken, left = self._taken + taken, left[taken:]
        self._records, self._size, self._taken = [], 0, 0
        return True

    def _lose(self):
        """The session is over. What the kernel has taken counts as sent, but for the record that was cut."""
        self._socket.close()
        self._socket, begin = None, self._size
        for line, again in reversed(self._records):
            if begin <= self._taken:
                break
            begin -= len(line)
            self._unsent.extendleft([again] if again else [])
        self._records, self._size, self._taken = [], 0, 0

    def _connect(self):
        """True when there is a session. A new one begins with its hello, and repeats what the agent may have forgotten."""
        if self._socket and self._read_replies():
            return True
        now = time.monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, LAST_RETRY_SECONDS)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.connect(self._socket_path or os.environ.get("SIDEMETER_SOCKET") or DEFAULT_SOCKET)
        except OSError:
            connection.close()
            return False
        with self._lock:
            self._socket, self._reply, self._retry_seconds = connection, b"", FIRST_RETRY_SECONDS
            self._session += 1
            self._handles, self._free = {}, list(range(HANDLES - 1, -1, -1))
            self._undeclared = deque(self._families.values())
            self._put(f"hello v=1 pid={os.getpid()} client={self._name}/{VERSION}", again=False)
            for family in self._families.values():
                for series in family.series.values():
                    series._repeat()
        return True

    def _read_replies(self):
        """False when the session is over."""
        try:
            read = self._socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            read = b""
        *replies, self._reply = (self._reply + read).split(b"\n")
        for reply in replies:
            if reply.startswith(b"ok "):
                self._answered = int(reply.split(b" ")[1])
        if not read:
            self._lose()
        return bool(read)

    def _after_fork(self):
        """In a child: nothing of the parent's is sent, and its session goes on without it."""
        self._socket and self._socket.close()
        for family in self._families.values():
            for series in family.series.values():
                series._start_over()
        self._places += sum(self._removals.values())
        self._begin()
        self._lock.release()
        pool = sys.modules.get("multiprocessing.util")  # whose processes end without atexit
        pool and pool.register_after_fork(self, lambda client: pool.Finalize(None, client.close, exitpriority=-100))


client = Client()
counter, gauge, histogram, summary, info, stateset = (
    client.counter, client.gauge, client.histogram, client.summary, client.info, client.stateset)
flush, flush_and_wait, close = client.flush, client.flush_and_wait, client.close
