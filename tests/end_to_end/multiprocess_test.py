"""Three processes a mode, in the reference's multi-process mode and in the agent: the same
aggregates after every operation. Beyond it: after SIGKILL the agent shows no live value, where the
reference goes on showing them until somebody calls mark_process_dead()."""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import reference
import samples
from agent_process import AgentCase
from multiprocess_worker import MODES

WORKER = pathlib.Path(__file__).with_name("multiprocess_worker.py")
RECENT = ("mostrecent", "livemostrecent")  # the reference refuses inc() and dec() in these


class Worker:
    def __init__(self, agent, folder):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), agent.socket_path], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1,
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": folder})
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n"

    def do(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        answer = self.process.stdout.readline()
        assert answer == "done\n", answer

    def end(self, how):
        """"kill" is SIGKILL, "exit" an orderly end."""
        if how == "kill":
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@unittest.skipIf(reference.missing, reference.missing)
class MultiProcess(AgentCase):
    def setUp(self):
        self.begin()

    def begin(self):
        """A fresh agent and a fresh folder for the reference."""
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.agent = self.start("--no-self-metrics")
        self.workers = []

    def worker(self):
        worker = Worker(self.agent, self.folder.name)
        self.workers.append(worker)
        self.addCleanup(lambda: worker.process.poll() is None and worker.end("kill"))
        return worker

    def end(self, worker, how):
        worker.end(how)
        self.workers.remove(worker)

    def theirs(self):
        from prometheus_client import CollectorRegistry, exposition, multiprocess
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, self.folder.name)
        return samples.read(exposition.generate_latest(registry).decode())

    def mark_dead(self, worker):
        from prometheus_client import multiprocess
        multiprocess.mark_process_dead(worker.pid, self.folder.name)

    def operate(self, chance, steps):
        for _ in range(steps):
            mode = chance.choice(MODES)
            operation = "set" if mode in RECENT else chance.choice(["set", "inc", "dec"])
            chance.choice(self.workers).do(operation, mode, chance.choice("ab"),
                                           chance.randint(-40, 40) / 4)
            self.assertEqual(self.theirs(), self.agent.scrape())

    def test_random_operations_of_three_processes_give_the_same_aggregates(self):
        for seed in range(3):
            self.begin()
            chance = random.Random(seed)
            for _ in range(3):
                self.worker()
            self.operate(chance, 80)
            shown = {name.split("{")[0] for name in self.agent.scrape()}
            self.assertEqual({f"g_{mode}" for mode in MODES}, shown)

            # One ends in good order and is marked, as the reference's users must do.
            leaver = self.workers[0]
            self.end(leaver, "exit")
            self.mark_dead(leaver)
            self.assertEqual(self.theirs(), self.agent.scrape())
            self.operate(chance, 20)
            self.worker()
            self.operate(chance, 40)
            for worker in list(self.workers):
                self.end(worker, "exit")
                self.mark_dead(worker)
                self.assertEqual(self.theirs(), self.agent.scrape())

    def test_after_sigkill_live_values_are_gone_where_the_reference_haunts(self):
        one, other = self.worker(), self.worker()
        for mode in MODES:
            one.do("set", mode, "a", 5)
            other.do("set", mode, "a", 7)
        self.end(other, "kill")

        ours, theirs = self.agent.scrape(), self.theirs()
        self.assertEqual("7.0", theirs['g_livemax{l="a"}'])
        self.assertIn(f'g_liveall{{l="a",pid="{other.pid}"}}', theirs)
        self.assertEqual("5.0", ours['g_livemax{l="a"}'])
        self.assertNotIn(f'g_liveall{{l="a",pid="{other.pid}"}}', ours)
        self.mark_dead(other)
        self.assertEqual(self.theirs(), ours)
        self.assertEqual("7.0", ours['g_max{l="a"}'])


if __name__ == "__main__":
    unittest.main()
