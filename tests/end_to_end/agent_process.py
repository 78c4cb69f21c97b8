"""A real agent for a test: on a free port of loopback, with its socket in a folder of its own.

    agent = self.start("--max-series", "5")
    agent.push("c jobs_total 1")
    self.assertEqual("1.0", agent.value("jobs_total"))

The program is $SIDEMETER_BINARY, or build/release/sidemeter. Every agent must end with status 0 when
the test is over: a crash or a sanitizer's report fails the test that caused it.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import samples
import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SIDEMETER_BINARY") or str(ROOT / "build/release/sidemeter")

# How long a test waits for what must come. Long: passing it is a failure, not a measure.
PATIENCE_SECONDS = 60


def until(condition, what, seconds=PATIENCE_SECONDS):
    """Waits for `condition()` to be true and answers with what it gave."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"did not come in {seconds} s: {what}")
        time.sleep(0.01)


def environment(**more):
    """This process's variables without SIDEMETER_…, and those given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SIDEMETER_")}
    return kept | more


class Agent:
    """A running `sidemeter serve`. `socket_path` and `listen` may be chosen; other flags follow."""

    def __init__(self, *flags, socket_path=None, listen=("127.0.0.1:0",), variables=None, **popen):
        self.folder = tempfile.mkdtemp(prefix="sidemeter-")
        os.chmod(self.folder, 0o755)
        self.socket_path = socket_path or os.path.join(self.folder, "s.sock")
        self.log_path = os.path.join(self.folder, "log")
        command = [BINARY, "serve", "--socket", self.socket_path, *flags]
        for address in listen:
            command += ["--listen", address]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment(**(variables or {})), **popen)
        self.pid = self.process.pid
        self.ended = False
        self.addresses = []
        self._await_start(len(listen))

    def _await_start(self, listeners):
        def started():
            if self.process.poll() is not None:
                raise AssertionError(f"exit {self.process.returncode} at start:\n{self.log()}")
            self.addresses = re.findall(
                r'listening for scrapes".*?address"?[=:]"?([0-9.:\[\]a-f]+:\d+)', self.log())
            return len(self.addresses) >= listeners and os.path.exists(self.socket_path)
        until(started, "the agent listens")

    @property
    def address(self):
        return self.addresses[0]

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def url(self, target="/metrics"):
        return f"http://{self.address}{target}"

    def log(self):
        return pathlib.Path(self.log_path).read_text("utf-8", "replace")

    # --- records in ---

    def connect(self):
        """A session: a connected socket of the ingest socket."""
        session = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        session.settimeout(PATIENCE_SECONDS)
        session.connect(self.socket_path)
        return session

    def session(self):
        return IngestSession(self.connect())

    def push(self, *records):
        """Sends records in a session of its own and answers with the reply to its sync."""
        with self.session() as session:
            session.send(*records)
            return session.sync()

    # --- expositions out ---

    def http(self, address=None):
        return wire.HttpConnection(address or self.address)

    def get(self, target="/metrics", **fields):
        """One GET on a connection of its own; fields as accept_encoding="gzip"."""
        with self.http() as connection:
            connection.request("GET", target, Connection="close",
                               **{k.replace("_", "-"): v for k, v in fields.items()})
            return connection.response()

    def text(self, accept="", target="/metrics"):
        response = self.get(target, **({"accept": accept} if accept else {}))
        assert response.status == 200, response
        return response.body.decode()

    def scrape(self):
        """Every sample of a scrape: {'name{a="b"}': "1.0"}. Fails where one occurs twice."""
        return samples.read(self.text())

    def value(self, series):
        return self.scrape().get(series)

    def rejected(self):
        """The counts of refused records that are not 0, by reason."""
        counts = {}
        for series, value in self.scrape().items():
            found = re.fullmatch(r'sidemeter_rejected_records_total\{reason="(\w+)"\}', series)
            if found and float(value):
                counts[found[1]] = int(float(value))
        return counts

    # --- the process ---

    def status_kib(self, key):
        """A line of /proc/PID/status: VmRSS, RssAnon."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M)[1])

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE_SECONDS):
        """Its exit status."""
        return self.process.wait(seconds)

    def alive(self):
        return self.process.poll() is None

    def end(self):
        """Ends it if it runs, removes its folder, and answers with (exit status, log)."""
        self.ended = True
        try:
            if self.alive():
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            return self.process.returncode, self.log()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class IngestSession:
    """A client's end of the ingest socket that speaks in lines."""

    def __init__(self, connected):
        self.socket = connected
        self._replies = connected.makefile("rb")
        self._syncs = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._replies.close()
        self.socket.close()

    def send(self, *records):
        self.socket.sendall(b"".join(
            (record if isinstance(record, bytes) else record.encode()) + b"\n" for record in records))

    def reply(self):
        """The next line that the agent wrote; empty at its end."""
        return self._replies.readline().decode().rstrip("\n")

    def sync(self):
        self._syncs += 1
        self.send(f"sync t{self._syncs}")
        return self.reply()

    def counts(self):
        """(accepted, rejected) since the last sync."""
        reply = self.sync()
        found = re.match(r"ok t\d+ accepted=(\d+) rejected=(\d+)", reply)
        assert found, f"expected a reply to sync, got {reply!r}"
        return int(found[1]), int(found[2])


class AgentCase(unittest.TestCase):
    """A test case with agents; each must end with status 0."""

    maxDiff = 4000

    def start(self, *flags, **keywords):
        agent = Agent(*flags, **keywords)
        self.addCleanup(self.stop, agent)
        return agent

    def stop(self, agent):
        """Ends an agent before the test is over; each is ended when it is."""
        if agent.ended:
            return
        killed_by_test = agent.process.poll() == -signal.SIGKILL
        status, log = agent.end()
        if not killed_by_test:
            self.assertEqual(0, status, f"the agent's exit status; its log:\n{log}")

    def refusal(self, agent, *records):
        """The reason of the refusal of the last record; the others must be taken."""
        with agent.session() as session:
            session.send("hello errors=1", *records)
            self.assertTrue(session.reply().startswith("hello v=1 "))
            replies = [session.sync()]
            while replies[-1].startswith("err "):
                replies.append(session.reply())
        self.assertEqual(2, len(replies), f"one refusal for the last of {records}, got {replies}")
        _, line, reason, _ = replies[0].split(" ", 3)
        self.assertEqual(str(len(records) + 1), line)
        return reason


def run_program(*arguments, records=None, variables=None, **keywords):
    """Runs `sidemeter ARGUMENTS…` to its end; text in and out."""
    return subprocess.run([BINARY, *arguments], input=records if records is not None else "",
                          capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                          env=environment(**(variables or {})), **keywords)
