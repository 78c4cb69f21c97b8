"""Three processes with the drop-in and with the reference in its multi-process mode: the same aggregates after each call."""

import importlib.util
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import samples
from agent_process import AgentCase

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORKER = pathlib.Path(__file__).with_name("pool_worker.py")
MODES = ["all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent"]
missing = None if importlib.util.find_spec("prometheus_client") else "prometheus_client 0.26.0 is not installed, and PyPI not reached"


class Worker:
    def __init__(self, socket_path, folder):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={**os.environ, "PYTHONPATH": str(ROOT / "client/python"), "PROMETHEUS_MULTIPROC_DIR": folder,
                 "SIDEMETER_SOCKET": socket_path})
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n"

    def do(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        answer = self.process.stdout.readline()
        assert answer == "done\n", answer

    def end(self, how):
        if how == "kill":
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@unittest.skipIf(missing, missing)
class MultiProcess(AgentCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.agent = self.start("--no-self-metrics")

    def worker(self):
        worker = Worker(self.agent.socket_path, self.folder.name)
        self.addCleanup(lambda: worker.process.poll() is None and worker.end("kill"))
        return worker

    def theirs(self):
        from prometheus_client import CollectorRegistry, exposition, multiprocess
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, self.folder.name)
        return samples.read(exposition.generate_latest(registry).decode())

    def test_random_calls_of_three_processes_give_the_same_aggregates(self):
        from prometheus_client import multiprocess
        chance = random.Random(7)
        workers = [self.worker() for _ in range(3)]
        for step in range(240):
            call = [chance.choice(("set", "inc", "dec", "count", "observe"))]
            if call[0] in ("set", "inc", "dec"):
                mode = chance.choice(MODES)
                call = ["set" if mode.endswith("mostrecent") else call[0], mode]
            chance.choice(workers).do(*call, chance.choice("ab"), chance.randint(0, 40) / 4)
            self.assertEqual(self.theirs(), self.agent.scrape(), call)
            if step % 80 == 79:
                leaver = workers.pop(0)
                leaver.end(chance.choice(("exit", "kill")))
                multiprocess.mark_process_dead(leaver.pid, self.folder.name)
                self.assertEqual(self.theirs(), self.agent.scrape())
                workers.append(self.worker())

    def test_a_mode_that_is_not_given(self):
        program = "import sidemeter.prometheus as p; p.Gauge('g', 'Help.').set(2); print(p.flush_and_wait(10))"
        for folder, wanted in ((None, "g"), (self.folder.name, 'g{pid="')):
            agent = self.start("--no-self-metrics")
            variables = {**os.environ, "PYTHONPATH": str(ROOT / "client/python"), "SIDEMETER_SOCKET": agent.socket_path}
            variables.update({"PROMETHEUS_MULTIPROC_DIR": folder} if folder else {})
            done = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, timeout=60)
            self.assertEqual("True\n", done.stdout, done.stderr)
            series, = agent.scrape()
            self.assertTrue(series.startswith(wanted) and ("pid" in series) == bool(folder), series)
