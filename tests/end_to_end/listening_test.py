"""Behaviour 9 and 10: where the agent listens, and how it ends."""

import os
import signal
import socket
import time
import unittest

import samples
import wire
from agent_process import AgentCase, run_program, until

has_ipv6 = socket.has_ipv6 and os.path.exists("/proc/net/if_inet6")


class Listening(AgentCase):
    def test_behaviour_09_several_addresses_on_both_families(self):
        listen = ["127.0.0.1:0", "127.0.0.2:0"] + (["[::1]:0"] if has_ipv6 else [])
        agent = self.start(listen=listen)
        agent.push("c jobs 1")
        self.assertEqual(len(listen), len(agent.addresses))
        for wanted, address in zip(listen, agent.addresses):
            host, port = address.rsplit(":", 1)
            self.assertEqual(wanted.rsplit(":", 1)[0], host)
            self.assertNotEqual("0", port)
            with wire.HttpConnection(address) as connection:
                connection.request()
                self.assertIn(b"jobs_total 1.0\n", connection.response().body)

    def test_behaviour_09_an_address_that_is_taken_is_a_start_up_error(self):
        agent = self.start()
        done = run_program("serve", "--socket", agent.socket_path + "2", "--listen", agent.address)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn(agent.address, done.stderr)
        self.assertFalse(os.path.exists(agent.socket_path + "2"))

    def test_behaviour_09_only_literals_with_a_port_are_addresses(self):
        for address in ("localhost:0", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                        "[::1]", "127.1:80", "256.0.0.1:80", ":80", "127.0.0.1:-1", ""):
            with self.subTest(address):
                done = run_program("serve", "--socket", "/nonexistent/s", "--listen", address)
                self.assertEqual(2, done.returncode, done.stderr)
                self.assertIn("--listen", done.stderr)


class Ending(AgentCase):
    def fill(self, agent, count=30_000):
        """Enough series that their exposition does not fit in the buffers of a socket."""
        agent.push(*[f'c jobs{{n="{n}",long="{"x" * 400}"}} 1' for n in range(count)])

    def test_behaviour_10_sigterm_and_sigint_end_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            agent = self.start()
            agent.push("c jobs 1")
            with agent.http() as idle, agent.session():
                idle.request()
                idle.response()
                agent.signal(number)
                self.assertEqual(0, agent.wait())
                self.assertEqual(b"", idle.rest())

    def test_behaviour_10_sigterm_in_mid_scrape_lets_the_reply_run_to_its_end(self):
        agent = self.start()
        self.fill(agent)
        with wire.HttpConnection(agent.address, receive_buffer=4096) as slow:
            slow.request()
            self.assertEqual(200, slow.head().status)
            agent.signal(signal.SIGTERM)
            until(lambda: "stopping" in agent.log(), "the agent has heard")
            until(lambda: self.refuses(agent), "nobody is taken any more")
            body = slow._chunks().decode()
            self.assertEqual(b"", slow.rest())
        self.assertEqual(30_000, sum("jobs_total{" in line for line in samples.read(body)))
        self.assertEqual(0, agent.wait())

    def refuses(self, agent):
        try:
            with wire.connect(agent.address):
                return False
        except ConnectionRefusedError:
            return True

    def test_behaviour_10_requests_in_flight_are_answered(self):
        agent = self.start("--no-self-metrics")
        agent.push("c jobs 1")
        with agent.http() as connection:
            connection.request("GET", "/favicon.ico")
            connection.response()
            agent.signal(signal.SIGSTOP)
            connection.request()
            agent.signal(signal.SIGTERM)
            agent.signal(signal.SIGCONT)
            self.assertIn(b"jobs_total 1.0\n", connection.response().body)
        self.assertEqual(0, agent.wait())

    def test_behaviour_10_records_that_the_ingest_sockets_hold_are_applied(self):
        agent = self.start()
        with agent.session() as session, agent.session() as late:
            self.assertEqual((0, 0), session.counts())
            agent.signal(signal.SIGSTOP)
            session.send(*["c jobs 1"] * 1000, "sync last")
            agent.signal(signal.SIGTERM)
            agent.signal(signal.SIGCONT)
            self.assertEqual("ok last accepted=1000 rejected=0", session.reply())
            self.assertEqual("", session.reply())
            self.assertEqual("", late.reply())
        self.assertEqual(0, agent.wait())

    def test_behaviour_10_who_connected_before_the_signal_is_heard(self):
        agent = self.start("--no-self-metrics")
        agent.signal(signal.SIGSTOP)
        with agent.session() as session, agent.session() as gone, agent.http() as connection:
            gone.send(*["c jobs 1"] * 15_000)
            gone.close()
            session.send("c jobs 1", "sync last")
            connection.request("GET", "/favicon.ico")
            agent.signal(signal.SIGTERM)
            agent.signal(signal.SIGCONT)
            self.assertEqual("ok last accepted=1 rejected=0", session.reply())
            self.assertEqual(200, connection.response().status)
        self.assertEqual(0, agent.wait())

    def test_behaviour_10_1000_records_then_close_then_sigterm_are_in_the_last_scrape(self):
        agent = self.start("--no-self-metrics")
        with agent.http() as scraper:
            scraper.request("GET", "/favicon.ico")
            scraper.response()
            with agent.session() as session:
                session.send(*["c jobs 1"] * 1000)
            until(lambda: agent.value("jobs_total") == "1000.0", "all are applied")
            scraper.request()
            agent.signal(signal.SIGTERM)
            self.assertIn(b"jobs_total 1000.0\n", scraper.response().body)
        self.assertEqual(0, agent.wait())

    def test_behaviour_10_an_unfinished_record_does_not_hold_the_end(self):
        agent = self.start("--shutdown-timeout", "3600")
        with agent.session() as session, agent.http() as connection:
            session.socket.sendall(b"c jobs")
            connection.send("GET / HT")
            agent.signal(signal.SIGTERM)
            self.assertEqual(0, agent.wait())

    def test_behaviour_10_a_stuck_reader_is_cut_at_the_shutdown_timeout(self):
        agent = self.start("--shutdown-timeout", "0.3")
        self.fill(agent)
        with wire.HttpConnection(agent.address, receive_buffer=4096) as stuck:
            stuck.request()
            stuck.head()
            agent.signal(signal.SIGTERM)
            self.assertEqual(0, agent.wait())

    def test_behaviour_10_a_second_signal_ends_at_once(self):
        agent = self.start("--shutdown-timeout", "3600")
        self.fill(agent)
        with wire.HttpConnection(agent.address, receive_buffer=4096) as stuck:
            stuck.request()
            stuck.head()
            agent.signal(signal.SIGTERM)
            until(lambda: "stopping" in agent.log(), "the agent has heard")
            time.sleep(0.5)
            self.assertTrue(agent.alive(), "it waits for the reader")
            agent.signal(signal.SIGTERM)
            agent.wait()

    def test_behaviour_10_the_socket_file_is_gone(self):
        agent = self.start()
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait())
        self.assertFalse(os.path.exists(agent.socket_path))


if __name__ == "__main__":
    unittest.main()
