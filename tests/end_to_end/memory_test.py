"""What peers cost in memory: a scrape a slice, whatever its length and however slow its reader; a
session a bound of replies, whatever it asks."""

import threading
import unittest

import samples
import wire
from agent_process import AgentCase, until

SERIES = 300_000


class Memory(AgentCase):
    def test_a_slow_reader_of_300_000_series_costs_less_than_1_mib(self):
        agent = self.start("--max-series", str(SERIES))
        with agent.session() as session:
            session.send(*[f'c jobs{{host="host-{n % 1000:04}",worker="{n}"}} {n % 7}'
                           for n in range(SERIES)])
            self.assertEqual((SERIES, 0), session.counts())
        self.assertEqual(SERIES, agent.get().body.count(b"jobs_total{"))  # warms up
        before = agent.status_kib("VmRSS")

        with wire.HttpConnection(agent.address, receive_buffer=64 * 1024) as slow:
            slow.request(Connection="close")
            self.assertEqual(200, slow.head().status)
            most = agent.status_kib("VmRSS")
            # Beside it other scrapes, of all and of little, and records.
            for _ in range(2):
                self.assertEqual(SERIES, agent.get().body.count(b"jobs_total{"))
                self.assertEqual(b"", agent.get("/metrics?name[]=nothing").body)
                self.assertEqual("ok t1 accepted=1000 rejected=0", agent.push(
                    *[f'c jobs{{host="host-{n % 1000:04}",worker="{n}"}} 1' for n in range(1000)]))
                most = max(most, agent.status_kib("VmRSS"))
            body = slow._chunks()
        most = max(most, agent.status_kib("VmRSS"))
        self.assertLessEqual(most - before, 1024, "KiB resident beyond what it was")
        self.assertEqual(SERIES, len([s for s in samples.read(body.decode())
                                      if s.startswith("jobs_total{")]))

    def test_many_slow_readers_do_not_stop_the_others(self):
        agent = self.start()
        agent.push(*[f'c jobs{{n="{n}",long="{"x" * 400}"}} 1' for n in range(20_000)])
        readers = [wire.HttpConnection(agent.address, receive_buffer=4096) for _ in range(50)]
        for reader in readers:
            reader.request()
        self.assertEqual("ok t1 accepted=1 rejected=0", agent.push("c others 1"))
        self.assertEqual("1.0", agent.value("others_total"))
        for reader in readers[::2]:
            reader.socket.close()
        finished = []
        threads = [threading.Thread(target=lambda r=r: finished.append(r.response().body))
                   for r in readers[1::2]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([20_000] * 25, [body.count(b"jobs_total{") for body in finished])
        for reader in readers[1::2]:
            reader.socket.close()
        until(lambda: agent.value("sidemeter_scrape_connections") == "1.0", "all have left")

    def test_a_scrape_whose_series_go_meanwhile_stays_whole(self):
        agent = self.start("--no-self-metrics")
        names = [f'{{n="{n}",long="{"x" * 400}"}}' for n in range(20_000)]
        agent.push(*[f"c jobs{name} 1" for name in names])
        with wire.HttpConnection(agent.address, receive_buffer=4096) as slow:
            slow.request(Connection="close")
            self.assertEqual(200, slow.head().status)
            agent.push(*[f"x jobs{name}" for name in names[::2]], "c later 1", "clear nothing",
                       *[f"c jobs{name} 5" for name in names[::4]])
            text = slow._chunks().decode()
        got = samples.read(text)
        self.assertLessEqual({f'jobs_total{{long="{"x" * 400}",n="{n}"}}'
                              for n in range(1, 20_000, 2)}, set(got))
        self.assertEqual({"1.0"}, {got[s] for s in got if int(s[-7:-2].strip('"n=,')) % 2})

    def test_replies_that_nobody_reads_end_the_session_and_not_the_agent(self):
        agent = self.start("--max-reply-bytes", "4096")
        before = agent.status_kib("VmRSS")
        deaf = [agent.connect() for _ in range(20)]
        for connected in deaf:
            connected.settimeout(20)
            connected.sendall(b"hello errors=1\n")
        for connected in deaf:
            try:
                for _ in range(200):
                    connected.sendall(b"z\n" * 1000)
                self.fail("a session that reads nothing goes on")
            except (BrokenPipeError, ConnectionResetError):
                pass
        self.assertEqual("20.0", agent.value('sidemeter_sessions_closed_total{reason="reply_overflow"}'))
        self.assertLess(agent.status_kib("VmRSS") - before, 4096)
        for connected in deaf:
            connected.close()


if __name__ == "__main__":
    unittest.main()
