"""client/python/example_gunicorn under load, its workers killed in the middle: what is exact, and when.

    /work flushes before it answers    every request that was answered is counted; one that was not, at most once
    /lazy does not                     a worker that is killed loses at most what it counted in its last 250 ms;
                                       one that ends in good order loses nothing
    live gauges                        right in the first scrape after a death
"""

import http.client
import importlib.util
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

from agent_process import AgentCase, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORKERS = 4
INTERVAL_SECONDS = 0.25
absent = [name for name in ("gunicorn", "flask") if not importlib.util.find_spec(name)]
missing = f"{', '.join(absent)} not installed, and PyPI not reached" if absent else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def dead(pid):
    """Of a zombie too, once its other threads are gone, since they share its sockets."""
    try:
        ended = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith(("Z", "X"))
        return ended and len(os.listdir(f"/proc/{pid}/task")) <= 1
    except (FileNotFoundError, ProcessLookupError):
        return True


class Load(threading.Thread):
    """Asks again and again until it is stopped; counts what was answered and what was not."""

    def __init__(self, port, path):
        super().__init__()
        self.port, self.path = port, path
        self.answered, self.broken, self.stopped = 0, 0, threading.Event()

    def run(self):
        while not self.stopped.is_set():
            if ask(self.port, self.path) is None:
                self.broken += 1
            else:
                self.answered += 1


def ask(port, path):
    """The worker's pid, or None where no answer came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200, response.status
        return int(response.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@unittest.skipIf(missing, missing)
class Gunicorn(AgentCase):
    def setUp(self):
        self.agent = self.start()
        self.port = free_port()
        self.log = open(os.path.join(self.agent.folder, "gunicorn.log"), "w+")
        self.addCleanup(self.log.close)
        self.master = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", f"127.0.0.1:{self.port}",
             "application:application"],
            cwd=ROOT / "client/python/example_gunicorn", stdout=self.log, stderr=self.log,
            env={**os.environ, "PYTHONPATH": str(ROOT / "client/python"), "SIDEMETER_SOCKET": self.agent.socket_path})
        self.addCleanup(self.end_master)
        until(lambda: len(self.workers()) == WORKERS, "the workers show themselves", 30)

    def end_master(self):
        if self.master.poll() is None:
            self.master.terminate()
            self.master.wait(60)

    def workers(self):
        """The pids that app_workers shows as living."""
        shown = re.findall(r'^app_workers\{pid="(\d+)"\} 1\.0$', self.agent.text(), re.M)
        return {int(pid) for pid in shown}

    def children(self):
        text = pathlib.Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children").read_text()
        return {int(pid) for pid in text.split() if not dead(int(pid))}

    def counted(self, series):
        return float(self.agent.value(series) or 0)

    def kill(self, pids):
        """SIGKILL; then one scrape, which must show none of them."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: all(map(dead, pids)), "they are dead")
        self.assertEqual(set(), self.workers() & set(pids), "a dead worker is shown as living")

    def under_load(self, path, threads, seconds, between):
        loads = [Load(self.port, path) for _ in range(threads)]
        for load in loads:
            load.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            between()
        for load in loads:
            load.stopped.set()
        for load in loads:
            load.join()
        return sum(load.answered for load in loads), sum(load.broken for load in loads)

    def respawned(self):
        until(lambda: len(self.workers()) == WORKERS and self.workers() == self.children(), "four workers live again", 30)

    def test_every_answered_request_is_counted_though_workers_are_killed_under_load(self):
        chance, killed = random.Random(3), []

        def kill_some():
            time.sleep(0.4)
            some = chance.sample(sorted(self.workers()), 2)
            self.kill(some)
            killed.extend(some)
            self.respawned()
        answered, broken = self.under_load("/work", 6, 5, kill_some)
        self.assertGreaterEqual(len(killed), 4)
        self.assertGreater(answered, 100)
        self.assertLessEqual(broken, len(killed), "a worker answers one request at a time")
        counted = self.counted('app_requests_total{path="/work"}')
        self.assertTrue(answered <= counted <= answered + broken, (answered, counted, broken))
        seconds = self.counted("app_request_seconds_count")
        self.assertTrue(answered <= seconds <= answered + broken, (answered, seconds, broken))

        # While nothing is under way there is nothing to break: exact, to the last one.
        for pid in self.workers():
            for _ in range(5):
                self.assertIsNotNone(ask(self.port, "/work"))
            self.kill([pid])
        self.assertEqual(counted + 5 * WORKERS, self.counted('app_requests_total{path="/work"}'))
        self.respawned()
        self.assertEqual({}, self.agent.rejected())

    def test_without_a_flush_what_is_older_than_the_interval_is_kept(self):
        answered, broken = self.under_load("/lazy", 4, 1, lambda: time.sleep(0.1))
        self.assertEqual(0, broken)
        time.sleep(3 * INTERVAL_SECONDS)
        self.kill(self.workers())
        self.assertEqual(answered, self.counted("app_events_total"))

    def test_without_a_flush_workers_that_end_in_good_order_lose_nothing(self):
        def renew():
            time.sleep(0.5)
            before = self.children()
            self.master.send_signal(signal.SIGHUP)
            until(lambda: not before & self.children(), "other workers", 40)
        answered, broken = self.under_load("/lazy", 4, 2, renew)
        self.master.terminate()
        self.assertEqual(0, self.master.wait(60))
        counted = self.counted("app_events_total")
        self.assertGreater(answered, 50)
        self.assertTrue(answered <= counted <= answered + broken, (answered, counted, broken))
        self.assertEqual(set(), self.workers())

    def test_what_is_in_progress_is_right_after_a_death(self):
        asking = [threading.Thread(target=ask, args=(self.port, "/slow?seconds=4")) for _ in range(3)]
        for thread in asking:
            thread.start()
        until(lambda: self.counted("app_in_progress") == 3, "three in progress", 20)
        busy = self.busy_workers()
        self.kill([busy[0]])
        self.assertEqual(2, self.counted("app_in_progress"))
        self.kill([busy[1]])
        self.assertEqual(1, self.counted("app_in_progress"))
        for thread in asking:
            thread.join()
        until(lambda: self.counted("app_in_progress") == 0, "none in progress", 20)
        self.respawned()

    def busy_workers(self):
        """Those that have an accepted connection: an ESTABLISHED socket of our port among their descriptors."""
        established = set()
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "01" and int(words[1].split(":")[1], 16) == self.port:
                established.add(f"socket:[{words[9]}]")
        busy = []
        for pid in self.children():
            links = [os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
            if established & set(links):
                busy.append(pid)
        self.assertEqual(3, len(busy), "three workers answer")
        return busy
