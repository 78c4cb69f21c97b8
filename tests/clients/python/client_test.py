"""The client itself, where the conformance runner does not reach."""

import gc
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

from agent_process import AgentCase, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = ROOT / "client/python/sidemeter"

import sidemeter  # noqa: E402


class Sizes(unittest.TestCase):
    def test_no_source_has_more_than_500_lines(self):
        for path in SOURCES.glob("*.py"):
            self.assertLessEqual(path.read_text("utf-8").count("\n"), 500, path.name)

    def test_the_one_file_can_be_copied_in_alone_and_needs_only_the_standard_library(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(SOURCES / "__init__.py", f"{folder}/metrics.py")
            done = subprocess.run([sys.executable, "-S", "-I", "-c", f"import sys; sys.path.insert(0, {folder!r}); import metrics; "
                                   "metrics.counter('c').inc(); print(metrics.flush())"],
                                  env={"SIDEMETER_SOCKET": "/nonexistent/socket"}, capture_output=True, text=True, timeout=60)
            self.assertEqual(("False\n", ""), (done.stdout, done.stderr))


class Connection:
    """A socket whose kernel takes `room` bytes, and whose agent then dies."""

    def __init__(self, room):
        self.room, self.stream, self.alive = room, b"", True

    def setblocking(self, blocking):
        pass

    connect = setblocking

    def send(self, view, flags):
        taken = bytes(view[:self.room - len(self.stream)])
        self.stream += taken
        if not taken:
            raise BlockingIOError
        return len(taken)

    def recv(self, most):
        if self.alive:
            raise BlockingIOError
        return b""

    def close(self):
        pass


class ClientCase(AgentCase):
    def setUp(self):
        self.agent = self.start()
        self.client = self.new_client(self.agent.socket_path)

    def new_client(self, path, **more):
        client = sidemeter.Client(path, interval=60, **more)  # only the tests flush
        self.addCleanup(client.close)
        return client

    def run_program(self, program, **more):
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env={
            **os.environ, "PYTHONPATH": str(SOURCES.parent), "SIDEMETER_SOCKET": self.agent.socket_path}, **more)


class Events(ClientCase):
    def test_what_is_no_number_is_dropped_and_nothing_is_thrown(self):
        counter, gauge = self.client.counter("c"), self.client.gauge("g")
        summary, histogram = self.client.summary("s"), self.client.histogram("h")
        labelled, state, info = self.client.counter("l", labelnames=["a"]), self.client.stateset("e", states=["x"]), self.client.info("i")

        class NoText:
            __str__ = None
        wrong = (None, "x", [], {}, 1j, object())
        calls = [lambda: labelled.inc(), lambda: labelled.labels().inc(), lambda: labelled.labels("x", "y").inc(),
                 lambda: labelled.labels(b="x").inc(), lambda: labelled.labels("x", a="x").inc(), lambda: labelled.labels(NoText()).inc(),
                 lambda: state.state("y"), lambda: state.state([]), lambda: info.info({"a-b": "x"}), lambda: info.info(None),
                 lambda: counter.inc(float("inf")), lambda: counter.inc(-1)]
        for value in wrong:
            calls += [lambda value=value: counter.inc(value), lambda value=value: gauge.set(value), lambda value=value: gauge.inc(value),
                      lambda value=value: gauge.dec(value), lambda value=value: summary.observe(value),
                      lambda value=value: histogram.observe(value)]
        for number, call in enumerate(calls, 1):
            call()
            self.assertEqual(number, self.client.dropped, number)
        self.assertTrue(self.client.flush_and_wait(10))
        shown = [series for series in self.agent.scrape() if not series.startswith("sidemeter_")]
        self.assertEqual(([], {}), (shown, self.agent.rejected()))

    def test_a_signals_handler_may_count_and_flush_wherever_it_interrupts(self):
        counter = self.client.counter("c")
        handled = []

        def handle(number, frame):
            counter.inc()
            self.client.flush()
            handled.append(number)
        before = signal.signal(signal.SIGALRM, handle)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        count, end = 0, time.monotonic() + 1
        while time.monotonic() < end:
            counter.inc()
            count += 1
            if count % 100 == 0:
                self.client.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.assertGreater(len(handled), 10)
        self.assertTrue(self.client.flush_and_wait(10))
        self.assertEqual(count + len(handled), float(self.agent.value("c_total")))

    def test_a_finalizer_may_count(self):
        counter = self.client.counter("c", labelnames=["l"])

        class Cycle:
            def __init__(self):
                self.self = self

            def __del__(self):
                counter.labels("end").inc()
        for number in range(3000):
            Cycle()
            counter.labels(str(number)).inc()
        gc.collect()
        self.assertTrue(self.client.flush_and_wait(10))
        self.assertEqual("3000.0", self.agent.value('c_total{l="end"}'))

    def test_a_definition_says_what_is_wrong(self):
        self.client.counter("x", "Help.", ["a"])
        for wrong, word in ((lambda: self.client.gauge("x"), "defined already"), (lambda: self.client.counter("sidemeter_x"), "agent's own"),
                            (lambda: self.client.histogram("h", buckets=[1, float("inf"), 2]), "rise strictly"),
                            (lambda: self.client.histogram("h", buckets=[float("nan")]), "rise strictly"),
                            (lambda: self.client.histogram("h", buckets=range(129)), "128"),
                            (lambda: self.client.gauge("g", labelnames=["pid"], mode="liveall"), "pid"),
                            (lambda: self.client.counter("c", labelnames=["a", "a"]), "none twice"),
                            (lambda: self.client.counter("c", unit="a b"), "unit"), (lambda: self.client.counter("c", "x" * 4097), "4096"),
                            (lambda: self.client.counter("c" * 513), "512"), (lambda: self.client.stateset("e", states=["a", "a"]), "different"),
                            (lambda: self.client.counter("c", labelnames=[f"l{n}" for n in range(33)]), "32")):
            with self.assertRaisesRegex(ValueError, word):
                wrong()
        self.client.histogram("h128", buckets=range(128)).observe(1)
        self.client.counter("c" * 512, "x" * 4096, [f"l{n}" for n in range(32)]).labels(*range(32)).inc()
        self.assertTrue(self.client.flush_and_wait(10))
        self.assertEqual({}, self.agent.rejected())

    def test_a_removed_place_is_free_again(self):
        client = self.new_client(self.agent.socket_path, max_series=2)
        gauge = client.gauge("g", labelnames=["l"])
        for number in range(20):
            gauge.labels(number).set(number)
            gauge.labels("dropped").set(1)
            gauge.labels("stays").set(1)
            self.assertTrue(client.flush_and_wait(10))
            gauge.labels(number).remove()
            self.assertTrue(client.flush_and_wait(10))
            gauge.labels("dropped").remove()
            gauge.labels("stays").remove()
            self.assertTrue(client.flush_and_wait(10))
        self.assertEqual([], [series for series in self.agent.scrape() if series.startswith("g{")])
        self.assertEqual({}, self.agent.rejected())


class Sessions(ClientCase):
    def test_a_lost_session_is_continued_from_the_record_that_was_cut(self):
        cut = [self.lose_within_a_record(amount) for amount in (2, 2.5, 1234, 1234.5, 1e9)]
        self.assertTrue(any(re.fullmatch(rb"@[0-9]+( [0-9.]*)?", record) for record in cut), f"no amount was cut, but {cut}")

    def test_a_session_may_end_behind_each_byte(self):
        room, done = 0, False
        while not done:
            connections = [Connection(room), Connection(1 << 30)]
            opened = iter(connections)
            with unittest.mock.patch.object(sidemeter.socket, "socket", lambda *_: next(opened)):
                client = self.new_client("unused")
                counter, histogram = client.counter("c", labelnames=["l"]), client.histogram("h", buckets=[1])
                counter.labels("a").inc(1)
                counter.labels("b").inc(2)
                histogram.observe(0.5)
                done = client.flush()
                counter.labels("a").inc(10)
                connections[0].alive = False
                client._retry_at = 0
                self.assertTrue(client.flush())
            found = self.sums(self.events(connections[0].stream) + self.events(connections[1].stream))
            self.assertEqual({'c{l="a"}': 11, 'c{l="b"}': 2, "h": 1}, found, connections[0].stream[-30:])
            client.close(0)
            room += 1
        self.assertGreater(room, 200)

    def lose_within_a_record(self, amount):
        """The first session ends where the kernel's buffer was full; answers with the record that was cut there."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = f"{folder.name}/s.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        listener.settimeout(10)
        client = self.new_client(path)
        counter = client.counter("c", labelnames=["l"])
        histogram = client.histogram("h", labelnames=["l"], buckets=[1])
        rounds, series, before, first = 0, 4000, b"", None
        while rounds < 100:
            rounds += 1
            for number in range(series):
                counter.labels(number).inc(amount)
            histogram.labels("x").observe(0.5)
            if not client.flush():
                break  # the kernel's buffer is full
            if first is None:  # handles are bound now: amounts only will follow
                first = listener.accept()[0]
                first.setblocking(False)
                before = self.take_what_is_there(first)
        before += self.take_what_is_there(first)
        first.close()
        client._retry_at = 0
        done = client.flush()
        second = listener.accept()[0]
        second.setblocking(False)
        after, end = b"", time.monotonic() + 30
        while not done:
            self.assertLess(time.monotonic(), end)
            after += self.take_what_is_there(second)
            done = client.flush()
        after += self.take_what_is_there(second)
        client.close(0)
        second.close()
        listener.close()
        events = self.events(before) + self.events(after)
        found = self.sums(events)
        self.assertEqual(series + 1, len(found))
        self.assertEqual(rounds, found.pop('h{l="x"}'))
        self.assertEqual({amount * rounds}, set(found.values()))
        return before.rpartition(b"\n")[2]

    @staticmethod
    def take_what_is_there(connection):
        taken = b""
        try:
            while True:
                read = connection.recv(1 << 20)
                if not read:
                    return taken
                taken += read
        except BlockingIOError:
            return taken

    @staticmethod
    def sums(events):
        found = {}
        for text, amount in events:
            found[text] = found.get(text, 0) + amount
        return found

    @staticmethod
    def events(stream):
        """[(series, amount or count)] of the whole records of a session, by the rules of PROTOCOL.md, "Handles"."""
        bound, found = {}, []
        for line in stream.decode().split("\n")[:-1]:  # a record without LF is not applied
            words = line.split(" ")
            if line.startswith("@") and len(words) == 3 and len(words[1]) == 1 and not words[1].isdigit():
                bound[words[0]] = words[1:]
            elif line.startswith(("@", "c ", "m ")):
                verb, text, *operands = (bound[words[0]] if line.startswith("@") else words[:2]) + words[1 if line.startswith("@") else 2:]
                found.append((text, float(operands[0]) if verb == "c" else sum(map(int, operands[1:]))))
        return found

    def test_nothing_is_counted_twice_whenever_sessions_end(self):
        stop = threading.Event()
        client = sidemeter.Client(self.agent.socket_path, interval=0.001)
        self.addCleanup(client.close)
        counter = client.counter("c")

        def lose():  # the agent lives: what the kernel took arrives
            while not stop.wait(0.005):
                with client._sending:
                    client._retry_at = 0
                    if client._socket:
                        client._lose()
        losing = threading.Thread(target=lose)
        losing.start()
        count, end = 0, time.monotonic() + 30
        while client._session < 20 and time.monotonic() < end:
            counter.inc()
            count += 1
        stop.set()
        losing.join()
        self.assertGreaterEqual(client._session, 20)
        self.assertTrue(client.flush_and_wait(10))
        self.assertEqual(count, float(self.agent.value("c_total")))

    def test_a_closed_client_begins_anew(self):
        counter = self.client.counter("c")
        counter.inc()
        self.client.close()
        self.assertEqual("1.0", self.agent.value("c_total"))
        counter.inc(2)
        self.assertTrue(self.client.flush_and_wait(10))
        self.assertEqual("3.0", self.agent.value("c_total"))


class Processes(ClientCase):
    def test_a_process_of_multiprocessing_sends_what_it_has_at_its_end(self):
        done = self.run_program("""
import multiprocessing, sidemeter
counter = sidemeter.counter("c")
def work():
    counter.inc()
context = multiprocessing.get_context("fork")
for _ in range(5):
    process = context.Process(target=work)
    process.start()
    process.join()
    counter.inc(10)
""")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual("55.0", self.agent.value("c_total"))

    def test_a_flush_that_is_true_survives_sigkill(self):
        for _ in range(5):
            done = self.run_program("import os, signal, sidemeter; sidemeter.counter('c').inc(); assert sidemeter.flush(); "
                                    "os.kill(os.getpid(), signal.SIGKILL)")
            self.assertEqual((-signal.SIGKILL, ""), (done.returncode, done.stderr))
        until(lambda: self.agent.value("c_total") == "5.0", "five flushes")

    def test_children_that_fork_in_the_middle_of_threads_count_once(self):
        done = self.run_program("""
import os, threading, sidemeter
sidemeter.client._interval = 0.001
counter = sidemeter.counter("c")
stop = threading.Event()
def work():
    while not stop.is_set():
        counter.inc()
        mine.append(1)
mine = []
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
children = []
for _ in range(40):
    child = os.fork()
    if child == 0:
        counter.inc(1000000)
        os._exit(0 if sidemeter.flush_and_wait(10) else 1)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
stop.set()
for thread in threads: thread.join()
assert sidemeter.flush_and_wait(10)
print(len(mine))
""")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual(40_000_000 + int(done.stdout), float(self.agent.value("c_total")))

    def test_a_child_does_not_keep_its_parents_session_open(self):
        done = self.run_program("""
import os, time, sidemeter
sidemeter.gauge("g", mode="livesum").set(3)
assert sidemeter.flush_and_wait(10)
child = os.fork()
if child == 0:
    os.close(1)
    os.close(2)
    time.sleep(60)
    os._exit(0)
print(child)
""")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        found = self.agent.value("g")
        os.kill(int(done.stdout), signal.SIGKILL)  # it lived until now
        self.assertIsNone(found)

    def test_an_import_alone_opens_no_session(self):
        done = self.run_program("import sidemeter, sidemeter.prometheus; sidemeter.counter('c')")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual("0.0", self.agent.value("sidemeter_sessions_opened_total"))
