"""Behaviour 8: limits, each at the limit and one past it, and the deadlines."""

import time
import unittest

import wire
from agent_process import AgentCase, until


def head_of(length, line="GET /favicon.ico HTTP/1.1"):
    """A request head of exactly so many bytes, its empty line included."""
    start = f"{line}\r\nHost: x\r\nX: "
    return start + "x" * (length - len(start) - 4) + "\r\n\r\n"


def target_of(length):
    return f"GET /{'x' * (length - 1)} HTTP/1.1\r\nHost: x\r\n\r\n"


def fields_of(count):
    return "GET / HTTP/1.1\r\nHost: x\r\n" + "X: y\r\n" * (count - 1) + "\r\n"


class Sizes(AgentCase):
    def status(self, agent, request):
        with agent.http() as connection:
            connection.send(request)
            reply = connection.response()
            if reply.status != 200:
                self.assertIn("close", reply.tokens("Connection"))
                self.assertEqual(b"", connection.rest())
            return reply.status

    def test_behaviour_08_head_bytes(self):
        for agent, limit in ((self.start(), 16 * 1024),
                             (self.start("--http-max-head-bytes", "300"), 300)):
            self.assertEqual(200, self.status(agent, head_of(limit)))
            self.assertEqual(431, self.status(agent, head_of(limit + 1)))

    def test_behaviour_08_a_head_without_end_is_refused_at_the_limit(self):
        agent = self.start("--http-max-head-bytes", "300")
        with agent.http() as connection:
            connection.send("GET / HTTP/1.1\r\nX: " + "x" * 290)
            self.assertEqual(431, connection.response().status)

    def test_behaviour_08_target_bytes(self):
        for agent, limit in ((self.start(), 8 * 1024),
                             (self.start("--http-max-target-bytes", "64"), 64)):
            self.assertEqual(200, self.status(agent, target_of(limit)))
            self.assertEqual(414, self.status(agent, target_of(limit + 1)))

    def test_behaviour_08_a_target_without_end_is_refused_at_the_limit(self):
        agent = self.start("--http-max-target-bytes", "64")
        with agent.http() as connection:
            connection.send("GET /" + "x" * 64)
            self.assertEqual(414, connection.response().status)

    def test_behaviour_08_header_fields(self):
        for agent, limit in ((self.start(), 100), (self.start("--http-max-fields", "3"), 3)):
            self.assertEqual(200, self.status(agent, fields_of(limit)))
            self.assertEqual(431, self.status(agent, fields_of(limit + 1)))


class Connections(AgentCase):
    def test_behaviour_08_connections(self):
        for flags, limit in ((("--http-max-connections", "3"), 3), ((), 512)):
            agent = self.start(*flags)
            held = [agent.http() for _ in range(limit)]
            for connection in held:
                connection.request("GET", "/favicon.ico")
                self.assertEqual(200, connection.response().status)
            with agent.http() as extra:
                self.assertEqual(503, extra.response().status)
            for connection in held:
                connection.socket.close()
            until(lambda: agent.get().status == 200, "a place is free again")

    def test_behaviour_08_a_full_scrape_side_does_not_starve_ingest(self):
        agent = self.start("--http-max-connections", "1")
        with agent.http() as held:
            held.request()
            held.response()
            self.assertEqual("ok t1 accepted=1 rejected=0", agent.push("c jobs 1"))

    def test_behaviour_08_pipelined_requests_past_the_limit_wait_their_turn(self):
        agent = self.start("--no-self-metrics", "--http-max-pipelined", "2")
        with agent.http() as connection:
            connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"
                            * 100)
            for _ in range(100):
                self.assertEqual(None, connection.response().field("Allow"))
                self.assertEqual("OPTIONS,GET", connection.response().field("Allow"))


class Deadlines(AgentCase):
    def test_behaviour_08_a_head_has_one_deadline_from_its_first_byte(self):
        agent = self.start("--http-head-timeout", "0.5")
        with agent.http() as connection:
            try:
                for _ in range(200):  # a byte now and then does not put the deadline off
                    connection.send("x")
                    time.sleep(0.05)
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.assertEqual(408, connection.response().status)
            self.assertEqual(b"", connection.rest())

    def test_behaviour_08_the_deadline_counts_from_the_head_not_the_connection(self):
        agent = self.start("--http-head-timeout", "1")
        with agent.http() as connection:
            time.sleep(1.5)
            for _ in range(2):
                connection.send("GET /favicon.ico HTTP/1.1\r\n")
                time.sleep(0.6)
                connection.send("Host: x\r\n\r\n")
                self.assertEqual(200, connection.response().status)

    def test_behaviour_08_an_idle_connection_is_closed_without_a_word(self):
        agent = self.start("--http-idle-timeout", "0.3")
        with agent.http() as connection:
            self.assertEqual(b"", connection.rest())
        with agent.http() as connection:
            connection.request("GET", "/favicon.ico")
            self.assertEqual(200, connection.response().status)
            self.assertEqual(b"", connection.rest())

    def test_behaviour_08_a_reader_that_takes_nothing_is_closed(self):
        agent = self.start("--http-write-timeout", "0.5")
        agent.push(*[f'c jobs{{n="{n}",long="{"x" * 200}"}} 1' for n in range(40_000)])
        with wire.HttpConnection(agent.address, receive_buffer=4096) as connection:
            connection.request()
            until(lambda: agent.value(
                'sidemeter_scrape_connections_closed_total{reason="write_stall"}') == "1.0",
                "the reader that takes nothing is closed")
        self.assertEqual(200, agent.get("/favicon.ico").status)

    def test_behaviour_08_a_slow_reader_that_takes_a_little_is_served_whole(self):
        agent = self.start("--http-write-timeout", "1")
        agent.push(*[f'c jobs{{n="{n}",long="{"x" * 200}"}} 1' for n in range(2_000)])
        with wire.HttpConnection(agent.address, receive_buffer=4096) as connection:
            connection.request(Connection="close")
            taken = b""
            for _ in range(15):  # longer than the deadline
                time.sleep(0.2)
                taken += connection.socket.recv(4096)
            taken += wire.read_to_end(connection.socket)
        self.assertTrue(taken.endswith(b"\r\n0\r\n\r\n"))
        self.assertEqual(2_000, taken.count(b"jobs_total{"))


if __name__ == "__main__":
    unittest.main()
