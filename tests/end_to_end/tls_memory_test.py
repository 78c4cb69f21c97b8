"""What connections over TLS cost in memory (ARCHITECTURE.md, "TLS")."""

from tls_agent import REQUEST, TlsCase, plain_socket

# mbedTLS has a buffer of 16 KiB for each way, and some state.
IDLE_KIB = 64


class Memory(TlsCase):
    def setUp(self):
        self.agent = self.start_tls(*self.site.mutual_flags())

    def resident_kib(self):
        self.agent.scrape()
        return self.agent.status_kib("VmRSS")

    def open_one(self):
        connected = self.agent.connect_tls()
        self.addCleanup(connected.close)
        connected.sendall(REQUEST.replace(b"Connection: close\r\n", b""))
        self.assertTrue(connected.recv(1000).startswith(b"HTTP/1.1 200 "))

    def test_an_idle_connection(self):
        for _ in range(20):
            self.open_one()
        before = self.resident_kib()
        for _ in range(100):
            self.open_one()
        self.assertLess((self.resident_kib() - before) / 100, IDLE_KIB)

    def test_a_silent_connection_costs_no_buffers(self):
        before = self.resident_kib()
        for _ in range(200):
            self.addCleanup(plain_socket(self.agent).close)
        self.assertLess((self.resident_kib() - before) / 200, 8)

    def test_a_slow_reader(self):
        with self.agent.session() as session:
            session.send(*(f"g series{{n=\"{n}\"}} {n}" for n in range(100_000)))
            session.sync()
        before = self.resident_kib()
        slow = self.agent.connect_tls()
        self.addCleanup(slow.close)
        slow.sendall(REQUEST.replace(b"/favicon.ico", b"/metrics"))
        slow.recv(1000)  # of some megabytes
        self.assertLess(self.resident_kib() - before, 2 * 1024)
