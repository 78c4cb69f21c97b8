"""Behaviour 31: silence blocks nobody, and its connections do not stay."""

import os
import socket
import time

from agent_process import until
from tls_agent import TlsCase, plain_socket

DEADLINE_SECONDS = 5
HELLO = bytes.fromhex("1603010200010001fc0303")  # a ClientHello's beginning


class Stall(TlsCase):
    def setUp(self):
        self.agent = self.start_tls(*self.site.mutual_flags())
        self.connections = []
        self.addCleanup(lambda: [connected.close() for connected in self.connections])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.agent.pid}/fd"))

    def connect(self, count):
        new = [plain_socket(self.agent) for _ in range(count)]
        self.connections += new
        return new

    def in_flight(self):
        return float(self.agent.value("sidemeter_tls_handshakes_in_flight"))

    def scrapes_in_time(self):
        begin = time.monotonic()
        self.agent.scrape()
        self.assertLess(time.monotonic() - begin, 2)

    def test_200_stalled_handshakes(self):
        self.agent.scrape()
        before = self.descriptors()
        begin = time.monotonic()
        self.connect(100)  # say nothing
        for connected in self.connect(50):  # stop in the middle
            connected.sendall(HELLO)
        for connected in self.connect(50):  # stop after a byte
            connected.sendall(HELLO[:1])
        slow = self.connections[100:150]
        until(lambda: self.in_flight() == 200, "200 handshakes are under way")

        # One trickles on: that buys no time.
        ended = set()
        while len(ended) < len(self.connections):
            self.scrapes_in_time()
            for connected in slow:
                if connected not in ended:
                    try:
                        connected.sendall(b"\0")
                    except OSError:
                        pass
            for connected in self.connections:
                connected.setblocking(False)
                try:
                    if connected not in ended and not connected.recv(1000):
                        ended.add(connected)
                except BlockingIOError:
                    pass
                except ConnectionError:
                    ended.add(connected)
            self.assertLess(time.monotonic() - begin, 2 * DEADLINE_SECONDS)
            time.sleep(0.05)
        # The sweep comes four times a second.
        self.assertGreater(time.monotonic() - begin, DEADLINE_SECONDS - 1)
        self.assertEqual({"timeout": 200}, self.agent.refusals())
        until(lambda: self.descriptors() <= before, "descriptors are back to where they were")

    def test_past_the_cap_the_oldest_makes_room(self):
        agent = self.start_tls(*self.site.mutual_flags(), "--tls-max-handshakes", "10",
                               "--tls-handshake-timeout", "600")
        self.agent = agent
        stalled = self.connect(30)
        until(lambda: agent.refusals().get("timeout", 0) >= 20, "the oldest are cut")
        self.assertLessEqual(self.in_flight(), 10)
        stalled[-1].setblocking(False)
        with self.assertRaises(BlockingIOError):  # the newest still waits
            stalled[-1].recv(1)

    def test_a_client_that_leaves_within_the_handshake(self):
        for connected in self.connect(5):
            connected.sendall(HELLO)
            connected.shutdown(socket.SHUT_WR)
        until(lambda: self.agent.refusals() == {"client_left": 5}, "they are counted")
        self.assertEqual(0, self.in_flight())
