"""Bad input at the ingest socket: after each the agent lives, answers, has counted every refusal by
its reason, and the next good record counts exactly once. Runs against a sanitized program too."""

import random
import socket
import unittest

import wire
from agent_process import AgentCase, until

GOOD = b'c jobs{queue="mail"} 1 # {trace_id="abc"} 1 1700000000.0\n'
GOOD_JSON = b'{"counter":"jobs","labels":{"queue":"mail"},"add":1}\n'

INVALID_UTF8 = {  # Unicode 15, table 3-7
    "a byte that never occurs": b"\xff",
    "a continuation alone": b"\x80",
    "an overlong NUL": b"\xc0\x80",
    "an overlong slash": b"\xe0\x80\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "past U+10FFFF": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "a sequence that breaks off": b"\xe2\x82",
    "Latin-1": b"caf\xe9",
}


class BadInput(AgentCase):
    def setUp(self):
        self.agent = self.start()

    def send(self, data):
        """Sends bytes in a session of its own, then closes it."""
        with self.agent.connect() as connected:
            connected.sendall(data)

    def survives(self, **rejected):
        """That so many records were refused, by reason, and a good one counts once."""
        until(lambda: self.agent.rejected() == rejected or not self.agent.alive(),
              f"{rejected} are counted; {self.agent.rejected()} were", 10)
        self.lives()

    def lives(self):
        before = float(self.agent.value("survivors_total") or 0)
        self.assertEqual("ok t1 accepted=1 rejected=0", self.agent.push("c survivors"))
        self.assertEqual(before + 1, float(self.agent.value("survivors_total")))
        self.assertTrue(self.agent.alive())

    def value(self):
        return float(self.agent.value('jobs_total{queue="mail"}') or 0)

    def test_random_bytes(self):
        chance = random.Random(1)
        refused = 0
        for _ in range(200):
            noise = chance.randbytes(chance.randint(1, 5000))
            with self.agent.session() as session:
                session.socket.sendall(noise + b"\n")
                _, rejected = session.counts()
                self.assertLessEqual(rejected, noise.count(b"\n") + 1)
                refused += rejected
        self.assertGreater(refused, 200)
        self.assertEqual(refused, sum(self.agent.rejected().values()))
        self.lives()

    def test_random_words_of_the_protocol(self):
        chance = random.Random(2)
        words = ["c", "g", "h", "s", "m", "i", "e", "x", "clear", "#", "# TYPE", "# BUCKETS", "@7",
                 "@", "@7 c", "jobs", 'jobs{a="1"}', "{", "}", '"', "\\", ",", "=", "1", "-1", "NaN",
                 "1*3", "+=1", "counter", "histogram", "[", "]", '{"counter":"jobs"}', "null", "\0",
                 "\r", " ", "\t", "é", '{"a.b",x="y"}', "# {t=\"1\"} 1", "sum", "1e999", "_total"]
        for _ in range(100):
            lines = ["".join(chance.choice(words) + chance.choice(("", " ")) for _ in
                             range(chance.randint(1, 8))) for _ in range(100)]
            with self.agent.session() as session:
                session.send(*lines)
                accepted, rejected = session.counts()
                self.assertLessEqual(accepted + rejected, 200)
        self.assertGreater(sum(self.agent.rejected().values()), 1000)
        self.lives()

    def test_every_prefix_of_a_record_then_close_is_truncated(self):
        cuts = 0
        for record in (GOOD, GOOD_JSON, b"# TYPE jobs counter\n", b"@7 c jobs\n", b"sync 1\n"):
            for length in range(1, len(record)):
                self.send(record[:length])
                cuts += 1
        self.survives(truncated=cuts)
        self.assertIsNone(self.agent.value('jobs_total{queue="mail"}'))
        self.send(GOOD)
        until(lambda: self.value() == 1, "the whole record counts")

    def test_every_prefix_after_good_records(self):
        for length in range(1, len(GOOD)):
            self.send(GOOD * 3 + GOOD[:length])
        self.survives(truncated=len(GOOD) - 1)
        self.assertEqual(3 * (len(GOOD) - 1), self.value())

    def test_a_record_cut_into_single_bytes_counts_once(self):
        with self.agent.session() as session:
            for byte in GOOD + GOOD_JSON:
                session.socket.sendall(bytes([byte]))
            self.assertEqual((2, 0), session.counts())
        self.assertEqual(2, self.value())

    def test_nul_anywhere(self):
        for record in (GOOD, GOOD_JSON, b"# TYPE jobs counter\n", b"h hist 1 2\n", b"clear jobs\n"):
            for at in range(len(record)):
                # An unknown word after # is a comment.
                refused = 0 if record.startswith(b"# ") and 1 <= at <= 6 else 1
                with self.subTest(record=record, at=at), self.agent.session() as session:
                    session.socket.sendall(record[:at] + b"\0" + record[at:])
                    self.assertEqual((0, refused), session.counts())
        self.lives()

    def test_16_mib_without_lf(self):
        self.lives()
        before = self.agent.status_kib("VmRSS")
        with self.agent.session() as session:
            for _ in range(16):
                session.socket.sendall(b"c" * (1 << 20))
            self.assertLess(self.agent.status_kib("VmRSS"), before + 4096)
            session.send("")  # its LF
            self.assertEqual((0, 1), session.counts())
            session.socket.sendall(GOOD)
            self.assertEqual((1, 0), session.counts())
        self.send(b"x" * (16 << 20))
        self.survives(line_too_long=1, truncated=1)
        self.assertEqual(1, self.value())

    def test_deep_json(self):
        for text in ("[" * 60_000, "[" * 30_000 + "]" * 30_000, '{"counter":' * 5_000,
                     '{"counter":"x","labels":' * 2_500 + "{}" + "}" * 2_500,
                     '[' * 100 + '{"counter":"jobs"}' + ']' * 100,
                     '{"counter":"x","labels":' + "[" * 30_000 + "]" * 30_000 + "}"):
            with self.subTest(text[:40]), self.agent.session() as session:
                session.send(text)
                self.assertEqual((0, 1), session.counts())
        self.survives(bad_json=6)

    def test_json_that_is_none_or_not_ours(self):
        for text in ("{", "[", "{}", "[1]", '["c jobs 1"]', "[null]", '{"counter":1}',
                     '{"counter":"jobs","add":1,}', '{"counter":"jobs","ad":1}',
                     '{"counter":"jobs","add":"1"}', '{"counter":"jobs","add":NaN}',
                     '{"counter":"jobs","add":null}', '{"counter":"jobs","labels":{"a":1}}',
                     '{"counter":"jobs","labels":[]}', '{"counter":"jobs"} x',
                     '{"counter":"jobs","counter":"jobs"}', '{"counter":"jobs","gauge":"x","set":1}',
                     '{"counter":"jobs","add":1}{"counter":"jobs","add":1}', "{'counter':'jobs'}",
                     '{"add":1}', '[{"counter":"jobs"}', '[{"counter":"jobs"}]]',
                     '{"counter":"\\ud800"}'):
            with self.subTest(text), self.agent.session() as session:
                session.send(text)
                self.assertEqual((0, 1), session.counts())
        self.assertLessEqual(set(self.agent.rejected()), {"bad_json", "bad_utf8", "bad_name"})
        self.assertIsNone(self.agent.value("jobs_total"))
        self.lives()

    def test_invalid_utf8(self):
        forms = (b'c jobs{queue="%s"} 1', b'c {"%s"} 1', b"# HELP jobs %s", b'c {"jobs","%s"="1"} 1',
                 b'c jobs 1 # {t="%s"} 1', b"e job %s", b'{"counter":"%s"}',
                 b'{"counter":"jobs","labels":{"queue":"%s"}}', b'{"declare":"jobs","help":"%s"}')
        for name, bad in INVALID_UTF8.items():
            for form in forms:
                with self.subTest(name, form=form), self.agent.session() as session:
                    session.send(form % bad)
                    self.assertEqual((0, 1), session.counts())
        rejected = self.agent.rejected()
        self.assertEqual({"bad_utf8": len(INVALID_UTF8) * len(forms)}, rejected)
        self.lives()

    def test_400_clients_stuck_in_mid_line(self):
        stuck = [self.agent.connect() for _ in range(400)]
        for connected in stuck:
            connected.sendall(b'c jobs{queue="mai')
        self.lives()
        self.assertEqual({}, self.agent.rejected())
        for connected in stuck[:200]:
            connected.sendall(b'l"} 1\n')
        until(lambda: self.value() == 200, "the 200 that went on are counted")
        for connected in stuck:
            connected.close()
        self.survives(truncated=200)
        self.assertEqual(200, self.value())

    def test_1000_records_and_an_instant_close(self):
        for _ in range(10):
            self.send(GOOD * 1000)
        until(lambda: self.value() == 10_000, "all are counted")
        self.survives()
        self.assertEqual(10_000, self.value())

    def test_1000_records_and_an_instant_close_with_replies_unread(self):
        for _ in range(10):
            self.send(b"hello v=1\nsync a\n" + (GOOD + b"sync b\n") * 1000)
        until(lambda: self.value() == 10_000, "all are counted")
        self.survives()

    def test_1000_records_before_the_peer_shuts_both_ways(self):
        with self.agent.connect() as connected:
            connected.sendall(GOOD * 1000)
            connected.shutdown(socket.SHUT_RDWR)
            until(lambda: self.value() == 1000, "all are counted")
        self.survives()

    def test_replies_that_nobody_reads_are_bounded(self):
        with self.agent.connect() as connected:
            connected.settimeout(5)
            with self.assertRaises((BrokenPipeError, ConnectionResetError)):
                for _ in range(10_000):
                    connected.sendall(b"sync " + b"x" * 60 + b"\n" * 1 + b"sync y\n" * 100)
        until(lambda: self.agent.value('sidemeter_sessions_closed_total{reason="reply_overflow"}')
              == "1.0", "the session is closed and counted")
        self.lives()

    def test_bad_records_between_good_ones_do_not_end_the_session(self):
        bad = [b"", b"   ", b"# a comment", b"#", b"q jobs 1", b"c", b"c jobs x", b"g jobs",
               b"@99", b"@x", b"@7 c", b"jobs 1", b"C jobs 1", b"c jobs 1 2", b"c 1jobs 1",
               b'c jobs{a="1} 1', b'c jobs{a=1} 1', b'c jobs{a="1"', b'c jobs{a="\\x"} 1',
               b'c jobs{1a="1"} 1', b"{", b"\xff", b"c jobs -1", b"x" * 70_000]
        with self.agent.session() as session:
            for record in bad:
                session.send(record, GOOD.strip())
            self.assertEqual((len(bad), len(bad) - 4), session.counts())
        self.assertEqual(len(bad), self.value())
        self.lives()

    def test_random_bytes_at_the_scrape_socket(self):
        chance = random.Random(3)
        pieces = [b"GET ", b"/ ", b"HTTP/1.1", b"\r\n", b"\n", b"Host: x\r\n", b"\0", b"\r\n\r\n",
                  b"Content-Length: 5\r\n", b"\xff\xfe", b" ", b":", b"A" * 300]
        for i in range(300):
            noise = chance.randbytes(chance.randint(1, 3000)) if i % 2 else b"".join(
                chance.choice(pieces) for _ in range(chance.randint(1, 30)))
            with wire.connect(self.agent.address) as connected:
                try:
                    connected.sendall(noise)
                    connected.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                reply = wire.read_to_end(connected)
                self.assertTrue(reply == b"" or reply.startswith(b"HTTP/1.1 "), reply[:100])
        self.survives()


if __name__ == "__main__":
    unittest.main()
