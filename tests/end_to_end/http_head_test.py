"""Behaviour 7: what a request head may be. A table: each head, and the status that it must get."""

import unittest

import wire
from agent_process import AgentCase

HOST = b"Host: x\r\n"


def get(fields=HOST, line=b"GET /metrics HTTP/1.1"):
    return line + b"\r\n" + fields + b"\r\n"


MALFORMED = {
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: x\r\n\r\n",
    "bare LF after a field": b"GET / HTTP/1.1\r\nHost: x\n\r\n",
    "bare LF at the end": b"GET / HTTP/1.1\r\nHost: x\r\n\n",
    "LFs only": b"GET / HTTP/1.1\nHost: x\n\n",
    "CR alone in the target": get(line=b"GET /a\rb HTTP/1.1"),
    "CR alone in a value": get(HOST + b"X: a\rb\r\n"),
    "CR CR LF": b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
    "CR CR LF after a field": get(b"Host: x\r\r\n"),
    "two spaces before the target": get(line=b"GET  / HTTP/1.1"),
    "two spaces before the version": get(line=b"GET /  HTTP/1.1"),
    "tab before the target": get(line=b"GET\t/ HTTP/1.1"),
    "tab before the version": get(line=b"GET /\tHTTP/1.1"),
    "space at the start": get(line=b" GET / HTTP/1.1"),
    "space at the end of the request line": get(line=b"GET / HTTP/1.1 "),
    "no version": get(line=b"GET /"),
    "only a method": get(line=b"GET"),
    "a fourth word": get(line=b"GET / x HTTP/1.1"),
    "version in lower case": get(line=b"GET / http/1.1"),
    "version without digits": get(line=b"GET / HTTP/1"),
    "version with two digits": get(line=b"GET / HTTP/1.10"),
    "version with a sign": get(line=b"GET / HTTP/+1.1"),
    "another protocol": get(line=b"GET / SPDY/1.1"),
    "a method that is no token": get(line=b"G@T / HTTP/1.1"),
    "a method with a quote": get(line=b'"GET" / HTTP/1.1'),
    "an empty method": get(line=b" / HTTP/1.1"),
    "NUL in the method": get(line=b"G\0T / HTTP/1.1"),
    "NUL in the target": get(line=b"GET /\0 HTTP/1.1"),
    "DEL in the target": get(line=b"GET /\x7f HTTP/1.1"),
    "a control byte in the target": get(line=b"GET /\x01 HTTP/1.1"),
    "NUL in a value": get(HOST + b"X: a\0b\r\n"),
    "a control byte in a value": get(HOST + b"X: a\x01b\r\n"),
    "escape in a value": get(HOST + b"X: \x1b[31m\r\n"),
    "DEL in a value": get(HOST + b"X: a\x7fb\r\n"),
    "a blank before the colon": get(HOST + b"Accept : a\r\n"),
    "a tab before the colon": get(HOST + b"Accept\t: a\r\n"),
    "a blank before the name": get(HOST + b" Accept: a\r\n"),
    "a blank before the first name": get(b" Host: x\r\n"),
    "a folded value": get(HOST + b"X: a\r\n b\r\n"),
    "a value folded with a tab": get(HOST + b"X: a\r\n\tb\r\n"),
    "a folded empty line": get(HOST + b"X: a\r\n \r\n"),
    "a field without a colon": get(HOST + b"Accept\r\n"),
    "an empty name": get(HOST + b": a\r\n"),
    "a name with a parenthesis": get(HOST + b"X(: a\r\n"),
    "a name with a space": get(HOST + b"X Y: a\r\n"),
    "a name with a byte above 127": get(HOST + b"X\xe9: a\r\n"),
    "NUL in a name": get(HOST + b"X\0: a\r\n"),
    "no Host": get(b""),
    "no Host, but another field": get(b"Accept: */*\r\n"),
    "Host twice": get(HOST + HOST),
    "Host twice, differing": get(HOST + b"host: y\r\n"),
    "Host with a user": get(b"Host: u@x\r\n"),
    "Host with a path": get(b"Host: x/y\r\n"),
    "Host with a comma": get(b"Host: x,y\r\n"),
    "Host with a blank": get(b"Host: x y\r\n"),
    "Host with a scheme": get(b"Host: http://x\r\n"),
    "Host with a query": get(b"Host: x?y\r\n"),
    "Host with two ports": get(b"Host: x:1:2\r\n"),
    "Host with a port in letters": get(b"Host: x:http\r\n"),
    "Host with an open bracket": get(b"Host: [::1\r\n"),
    "Host with a backslash": get(b"Host: x\\y\r\n"),
    "two Hosts on 1.0": get(HOST + HOST, b"GET / HTTP/1.0"),
    "Content-Length with a letter": get(HOST + b"Content-Length: 5a\r\n"),
    "Content-Length with a plus": get(HOST + b"Content-Length: +5\r\n"),
    "Content-Length below 0": get(HOST + b"Content-Length: -1\r\n"),
    "Content-Length in hexadecimal": get(HOST + b"Content-Length: 0x5\r\n"),
    "Content-Length with a point": get(HOST + b"Content-Length: 5.0\r\n"),
    "Content-Length with a blank": get(HOST + b"Content-Length: 5 5\r\n"),
    "Content-Length as a list": get(HOST + b"Content-Length: 5, 6\r\n"),
    "Content-Length empty": get(HOST + b"Content-Length:\r\n"),
    "Content-Length past 64 bits": get(HOST + b"Content-Length: 99999999999999999999999\r\n"),
    "Content-Length twice": get(HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n"),
    "Content-Length 0 and 5": get(HOST + b"Content-Length: 0\r\nContent-Length: 5\r\n"),
    "both Content-Length and Transfer-Encoding":
        get(HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    "both Transfer-Encoding and Content-Length 0":
        get(HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n",
    "the preface of HTTP/2 in another case": b"PRI * http/2.0\r\n\r\nSM\r\n\r\n",
}

UNSUPPORTED = {
    "HTTP/2.0": get(line=b"GET / HTTP/2.0"),
    "HTTP/1.2": get(line=b"GET / HTTP/1.2"),
    "HTTP/0.9": get(line=b"GET / HTTP/0.9"),
    "HTTP/9.9": get(line=b"GET / HTTP/9.9"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}

FINE = {
    "no blank after the colon": get(b"Host:x\r\nAccept:*/*\r\n"),
    "blanks and tabs around a value": get(b"Host: \t x \t\r\nX:\t a b \r\n"),
    "an empty value": get(HOST + b"X:\r\nAccept: \r\n"),
    "names in any case": get(b"hOST: x\r\naCCEPT: */*\r\n"),
    "every token byte in a name": get(HOST + b"!#$%&'*+-.^_`|~09AZaz: a\r\n"),
    "a byte above 127 in a value": get(HOST + b"X: caf\xe9\r\n"),
    "a tab within a value": get(HOST + b"X: a\tb\r\n"),
    "Host with a port": get(b"Host: example.com:9469\r\n"),
    "Host with an IPv4 address": get(b"Host: 127.0.0.1:80\r\n"),
    "Host with an IPv6 address": get(b"Host: [::1]:9469\r\n"),
    "no Host on 1.0": get(b"", b"GET / HTTP/1.0"),
    "the same Content-Length twice": get(HOST + b"Content-Length: 0\r\nContent-Length: 0\r\n"),
    "a field many times": get(HOST + b"Accept: a/b\r\n" * 20),
}


class Heads(AgentCase):
    def setUp(self):
        self.agent = self.start()

    def status(self, head):
        with self.agent.http() as connection:
            connection.send(head)
            connection.socket.shutdown(1)
            return connection.response().status

    def refused_whole(self, head, status):
        """That the head gets one error, and what follows it is never parsed."""
        follower = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
        with self.agent.http() as connection:
            connection.send(head + follower)
            reply = connection.response()
            self.assertEqual(status, reply.status, reply)
            self.assertIn("close", reply.tokens("Connection"))
            self.assertRegex(reply.body.decode(), rf"\A# HTTP {status} [^:\n]+: [ -~]+\n\Z")
            self.assertEqual(b"", connection.rest())

    def test_behaviour_07_malformed_heads_are_400(self):
        for name, head in MALFORMED.items():
            with self.subTest(name):
                self.refused_whole(head, 400)

    def test_behaviour_07_other_versions_are_505(self):
        for name, head in UNSUPPORTED.items():
            with self.subTest(name):
                self.refused_whole(head, 505)

    def test_behaviour_07_unusual_heads_that_are_right_are_200(self):
        for name, head in FINE.items():
            with self.subTest(name):
                self.assertEqual(200, self.status(head))

    def test_behaviour_07_a_malformed_head_in_pieces_is_400(self):
        for name in ("bare LF at the end", "a folded value", "Host twice", "NUL in a value"):
            with self.subTest(name), self.agent.http() as connection:
                try:
                    for byte in MALFORMED[name]:
                        connection.send(bytes([byte]))
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused before all was sent
                self.assertEqual(400, connection.response().status)

    def test_behaviour_07_a_good_request_before_a_malformed_one_is_answered(self):
        good = b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n"
        with self.agent.http() as connection:
            connection.send(good + good + MALFORMED["Host twice"] + good)
            self.assertEqual([200, 200, 400], [connection.response().status for _ in range(3)])
            self.assertEqual(b"", connection.rest())

    def test_behaviour_07_every_prefix_of_a_head_then_close_is_no_answer_of_200(self):
        head = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"
        for length in range(len(head)):
            with wire.connect(self.agent.address) as connected:
                connected.sendall(head[:length])
                connected.shutdown(1)
                self.assertNotIn(b" 200 ", wire.read_to_end(connected), head[:length])
        self.assertEqual(200, self.agent.get().status)


if __name__ == "__main__":
    unittest.main()
