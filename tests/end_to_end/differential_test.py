"""The same random operations to the reference and to the agent: the same bytes, in every format, and
the same samples by the reference's own parsers. reference.py lists the repairs."""

import os
import random
import unittest
import urllib.parse

import reference
from agent_process import AgentCase

SEQUENCES = int(os.environ.get("SIDEMETER_SEQUENCES", "600"))
BATCH = 4  # sequences of one agent
ENOUGH_FAULTS = 5

ACCEPTS = ["", reference.OPEN] + [
    f"{kind};version=1.0.0;escaping={scheme}"
    for kind in ("text/plain", reference.OPEN) for scheme in reference.SCHEMES]


@unittest.skipIf(reference.missing, reference.missing)
class Differential(AgentCase):
    def test_random_sequences_expose_the_same_bytes_and_samples(self):
        parsed, faults = 0, []
        for first in range(0, SEQUENCES, BATCH):
            try:
                parsed += self.run_batch(range(first, min(first + BATCH, SEQUENCES)))
            except AssertionError as fault:
                faults.append(str(fault))
            if len(faults) == ENOUGH_FAULTS:
                break
        print(f"\ndifferential: {SEQUENCES} sequences, {parsed} expositions parsed by the reference")
        self.assertEqual("", "\n".join(faults))

    def run_batch(self, numbers):
        import operations
        import record_writer
        import prometheus_client

        agent = self.start("--no-self-metrics")
        registry = prometheus_client.CollectorRegistry()
        for number in numbers:
            chance = random.Random(number)
            with agent.session() as session:
                writer = record_writer.Writer(chance, session)
                families = operations.run_sequence(chance, writer, registry, number)
                reply = session.sync()
            self.assertIn(" rejected=0", reply, f"sequence {number}")
            accepts = ACCEPTS[:2] + chance.sample(ACCEPTS[2:], 2)
            for accept in accepts:
                self.same_bytes(agent, registry, number, accept)
            names = {family.sample_name() for family in families} | {"nothing"}
            self.same_bytes(agent, registry, number, chance.choice(ACCEPTS), sorted(names))
        parsed = sum(self.same_samples(agent, registry, accept) for accept in ACCEPTS)
        self.stop(agent)
        return parsed

    def same_bytes(self, agent, registry, number, accept, names=()):
        query = urllib.parse.urlencode([("name[]", name) for name in names])
        reply = agent.get("/metrics?" + query, **({"accept": accept} if accept else {}))
        kind, wanted = reference.expose(registry, accept, names)
        self.assertEqual(kind, reply.field("Content-Type"))
        got = reply.body
        if wanted == got:
            return
        for mine, theirs in zip(got.decode().split("\n"), wanted.decode().split("\n")):
            self.assertEqual(theirs, mine, f"sequence {number}, {accept!r}, {names}")
        self.assertEqual(wanted.decode(), got.decode(), f"sequence {number}, {accept!r}, {names}")

    def same_samples(self, agent, registry, accept):
        """1 where the reference can read its own exposition, and reads the same in the agent's."""
        kind, text = reference.expose(registry, accept)
        try:
            wanted = reference.parse(kind, text)
        except Exception:  # its own fault: then bytes were compared, and nothing can be read
            return 0
        reply = agent.get(**({"accept": accept} if accept else {}))
        self.assertEqual(wanted, reference.parse(reply.field("Content-Type"), reply.body))
        return 1

    def test_the_comparison_can_fail(self):
        import prometheus_client
        agent = self.start("--no-self-metrics")
        agent.push("# HELP a A.", "c a 2")
        registry = prometheus_client.CollectorRegistry()
        counter = prometheus_client.Counter("a", "A.", registry=registry)
        counter.inc(2)
        self.same_bytes(agent, registry, 0, "")
        counter.inc(1)
        with self.assertRaises(AssertionError):
            self.same_bytes(agent, registry, 0, "")


if __name__ == "__main__":
    unittest.main()
