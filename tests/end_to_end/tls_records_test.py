"""Records and segments: however the bytes come, the same is answered; and how a conversation ends."""

import ssl

import wire
from agent_process import until
from tls_agent import REQUEST, VERSIONS, TlsCase, plain_socket


class Memory:
    """Python's ssl without a socket: the test carries the bytes."""

    def __init__(self, agent, context):
        self.socket = plain_socket(agent)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, piece=None):
        data = self.outgoing.read()
        for at in range(0, len(data), piece or max(len(data), 1)):
            self.socket.sendall(data[at:at + (piece or len(data))])

    def receive(self):
        data = self.socket.recv(65536)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def handshake(self, piece=None):
        """Up to its last flight, which is not sent."""
        while True:
            try:
                return self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.send(piece)
                self.receive()

    def read(self):
        """All plain text to close_notify: an end without it raises SSLEOFError."""
        text = b""
        while True:
            try:
                more = self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.receive()
                continue
            except ssl.SSLZeroReturnError:
                return text
            if not more:
                return text
            text += more


class Records(TlsCase):
    def setUp(self):
        self.agent = self.start_tls(*self.site.mutual_flags())

    def memory(self, version):
        return Memory(self.agent, self.site.context(self.site.client, version, version))

    def test_one_byte_at_a_time(self):
        for version in VERSIONS:
            with self.subTest(version=version), self.memory(version) as client:
                client.handshake(piece=1)
                client.tls.write(REQUEST)
                client.send(piece=1)
                self.assertTrue(client.read().startswith(b"HTTP/1.1 200 "))

    def test_the_last_flight_and_a_request_in_one_segment(self):
        # In TLS 1.2 a client's Finished is not its handshake's end: only in 1.3 may a request follow at once.
        for version in VERSIONS[1:]:
            with self.memory(version) as client:
                client.handshake()
                client.tls.write(REQUEST)
                client.send()
                self.assertTrue(client.read().startswith(b"HTTP/1.1 200 "))
        with self.memory("1.2") as client:
            client.handshake()
            client.tls.write(REQUEST + REQUEST)
            client.send()
            self.assertTrue(client.read().startswith(b"HTTP/1.1 200 "))

    def test_many_requests_in_one_record(self):
        again = REQUEST.replace(b"Connection: close\r\n", b"")
        with self.memory("1.2") as client:
            client.handshake()
            client.tls.write(again * 99 + REQUEST)
            client.send()
            self.assertEqual(100, client.read().count(b"HTTP/1.1 200 OK\r\n"))

    def test_a_slow_reader_gets_all(self):
        with self.agent.session() as session:
            session.send(*(f"g series{{n=\"{n}\"}} {n}" for n in range(20_000)))
            session.sync()
        for version in VERSIONS:
            with self.memory(version) as client:
                client.handshake()
                client.tls.write(REQUEST.replace(b"/favicon.ico", b"/metrics"))
                client.send()
                for turn in range(200):  # in between the agent answers others
                    client.incoming.write(client.socket.recv(1024))
                    if turn % 50 == 0:
                        self.assertTrue(self.agent.scrape())
                self.assertIn(b'series{n="19999"} 19999.0\n', client.read())

    def test_close_notify_comes_before_the_end(self):
        for version in VERSIONS:
            with self.subTest(version=version), self.memory(version) as client:
                client.handshake()
                client.tls.write(REQUEST)
                client.send()
                client.read()  # raises where there is none
                self.assertEqual(b"", client.socket.recv(1))

    def test_close_notify_comes_at_the_end_of_an_idle_connection_and_of_the_agent(self):
        agent = self.start_tls(*self.site.mutual_flags(), "--http-idle-timeout", "0.3")
        for ended in [agent, self.agent]:
            with Memory(ended, self.site.context(self.site.client)) as client:
                client.handshake()
                client.tls.write(REQUEST.replace(b"Connection: close\r\n", b""))
                client.send()
                if ended is self.agent:
                    until(lambda: ended.value("sidemeter_scrape_connections") == "2.0", "it is open")
                    ended.process.terminate()
                self.assertTrue(client.read().startswith(b"HTTP/1.1 200 "))
        self.agent.wait()

    def test_close_notify_of_the_client_is_answered(self):
        with self.memory("1.2") as client:
            client.handshake()
            client.send()
            while True:
                try:
                    client.tls.unwrap()
                    break
                except ssl.SSLWantReadError:
                    client.send()
                    client.receive()

    def test_garbage_after_the_handshake_ends_it(self):
        with self.memory("1.2") as client:
            client.handshake()
            client.send()
            client.socket.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            with self.assertRaises(ssl.SSLError):
                client.read()
        self.assertTrue(self.agent.scrape())

    def test_a_trickling_record_has_a_deadline(self):
        agent = self.start_tls(*self.site.mutual_flags(), "--http-head-timeout", "0.3")
        with Memory(agent, self.site.context(self.site.client)) as client:
            client.handshake()
            client.send()
            client.socket.sendall(b"\x17")
            self.assertTrue(client.read().startswith(b"HTTP/1.1 408 "))


class PlainHttp(TlsCase):
    def test_it_gets_a_reply_that_can_be_read(self):
        agent = self.start_tls(*self.site.mutual_flags())
        for request in [b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n" + b"x" * 100_000]:
            with wire.HttpConnection(agent.address) as connection:
                connection.send(request)
                reply = connection.response()
                self.assertEqual(400, reply.status)
                self.assertIn(b"HTTPS", reply.body)
                self.assertEqual(b"", connection.rest())
        self.assertEqual({"plain_http": 2}, agent.refusals())

    def test_tls_sent_to_plain_http_is_refused(self):
        agent = self.start()
        with self.assertRaises(ssl.SSLError), \
                self.site.context().wrap_socket(plain_socket(agent), server_hostname="localhost"):
            pass
        self.assertTrue(agent.scrape())
