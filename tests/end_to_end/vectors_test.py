"""The cases of proto/vectors (their README tells the format), played over the real socket: whole, and
in pieces."""

import json
import random
import re
import socket
import unittest

import samples
import wire
from agent_process import ROOT, AgentCase

FOLDER = ROOT / "proto/vectors"
SPELLING = "text/plain; version=1.0.0; escaping=allow-utf-8"


def input_of(case):
    if "input_hex" in case:
        return bytes.fromhex(case["input_hex"])
    if "input_repeat" in case:
        return b"".join(text.encode() * times for text, times in case["input_repeat"])
    return case["input"].encode()


def pieces(data, chance):
    """The same bytes in up to 40 pieces."""
    cuts = sorted(chance.sample(range(1, len(data)), min(39, len(data) - 1))) if len(data) > 1 else []
    return [data[a:b] for a, b in zip([0] + cuts, cuts + [len(data)])]


def is_own(series):
    return series.startswith("sidemeter_")


class Vectors(AgentCase):
    def play(self, case, parts):
        agent = self.start()
        with agent.connect() as connected:
            try:
                for part in parts:
                    connected.sendall(part)
                connected.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass  # a session that the agent ended
            replies = wire.read_to_end(connected).decode().split("\n")
        self.assertEqual("", replies.pop(), "the last reply ends in LF")
        patterns = [".*".join(re.escape(piece) for piece in reply.split("…"))
                    for reply in case.get("replies", [])]
        self.assertEqual(len(patterns), len(replies), replies)
        for pattern, reply in zip(patterns, replies):
            self.assertRegex(reply, rf"\A{pattern}\Z")
        found = samples.read(agent.text(SPELLING))
        self.assertEqual(
            {series: repr(float(value)) for series, value in case["samples"].items()},
            {series: repr(float(value)) for series, value in found.items() if not is_own(series)})
        self.assertEqual(case.get("rejected", {}), agent.rejected())
        self.stop(agent)

    def check(self, path):
        chance = random.Random(path.stem)
        with open(path, encoding="utf-8") as file:
            cases = [json.loads(line) for line in file]
        self.assertTrue(cases)
        for case in cases:
            data = input_of(case)
            for way, parts in (("whole", [data]), ("in pieces", pieces(data, chance))):
                with self.subTest(case["name"], way=way):
                    self.play(case, parts)

    def test_there_are_at_least_150(self):
        lines = sum(len(path.read_bytes().splitlines()) for path in FOLDER.glob("*.jsonl"))
        self.assertGreaterEqual(lines, 150)


for file_of_cases in sorted(FOLDER.glob("*.jsonl")):
    def test(self, path=file_of_cases):
        self.check(path)
    setattr(Vectors, f"test_{file_of_cases.stem}", test)

if __name__ == "__main__":
    unittest.main()
