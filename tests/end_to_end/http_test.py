"""Behaviour 1 to 6: methods, targets, errors, and how one connection carries many requests."""

import subprocess
import unittest

import wire
from agent_process import PATIENCE_SECONDS, AgentCase

TEXT = "text/plain; version=0.0.4; charset=utf-8"
REFUSED = "text/plain; charset=utf-8"


def curl(*arguments):
    """curl's output: head and body as received."""
    done = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE_SECONDS), *arguments],
                          capture_output=True, check=True)
    return done.stdout


class Methods(AgentCase):
    def setUp(self):
        self.agent = self.start("--no-self-metrics")
        self.agent.push("# HELP jobs Jobs done.", "# TYPE jobs counter", "c jobs 3")

    EXPOSITION = b"# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 3.0\n"

    def test_behaviour_01_get_on_any_path_is_the_metrics(self):
        for target in ("/", "/metrics", "/metrics?x=1&y=", "/a/b%20c/../d", "//",
                       "/-/healthy", "/-/ready", "/favicon.ico/x", "/?name=jobs",
                       "http://example.com/metrics", "http://example.com", "HTTP://[::1]:9/x?y"):
            with self.subTest(target=target):
                reply = self.agent.get(target)
                self.assertEqual((200, self.EXPOSITION), (reply.status, reply.body))
                self.assertEqual(TEXT, reply.field("Content-Type"))

    def test_behaviour_01_curl_reads_the_metrics(self):
        self.assertEqual(self.EXPOSITION, curl(self.agent.url("/metrics")))
        self.assertEqual(self.EXPOSITION, curl("--http1.0", self.agent.url("/any/path")))
        self.assertEqual(self.EXPOSITION, curl("--compressed", self.agent.url("/")))

    def test_behaviour_02_favicon_is_empty(self):
        for target in ("/favicon.ico", "/favicon.ico?v=2", "http://example.com/favicon.ico"):
            with self.subTest(target=target):
                reply = self.agent.get(target)
                self.assertEqual((200, b"", "0"),
                                 (reply.status, reply.body, reply.field("Content-Length")))

    def test_behaviour_03_options_tells_what_is_allowed(self):
        for target in ("*", "/", "/metrics?x", "/favicon.ico", "http://example.com/"):
            with self.subTest(target=target), self.agent.http() as connection:
                connection.request("OPTIONS", target)
                reply = connection.response()
                self.assertEqual((200, b"", "OPTIONS,GET"),
                                 (reply.status, reply.body, reply.field("Allow")))
                self.assertEqual("0", reply.field("Content-Length"))

    def test_behaviour_04_other_methods_are_405(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "get", "Get", "options",
                       "GETS", "GE", "M-SEARCH", "x!#$%&'*+.^_`|~1"):
            for target in ("/metrics", "/favicon.ico"):
                with self.subTest(method=method, target=target), self.agent.http() as connection:
                    connection.request(method, target)
                    reply = connection.response()
                    self.assertEqual((405, "Method Not Allowed", "OPTIONS,GET", REFUSED),
                                     (reply.status, reply.reason, reply.field("Allow"),
                                      reply.field("Content-Type")))
                    self.assertEqual(
                        f"# HTTP 405 Method Not Allowed: {method}; use OPTIONS or GET\n".encode(),
                        reply.body)

    def test_behaviour_04_head_is_405_without_body(self):
        for target in ("/metrics", "/favicon.ico"):
            reply = wire.exchange(
                self.agent.address,
                f"HEAD {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            head, body = reply.split(b"\r\n\r\n", 1)
            self.assertTrue(head.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n"), head)
            self.assertIn(b"\r\nAllow: OPTIONS,GET", head)
            self.assertEqual(b"", body)
        self.assertIn(b" 405 ", curl("--head", self.agent.url()))

    def test_behaviour_04_after_head_the_next_reply_follows_at_once(self):
        with self.agent.http() as connection:
            connection.request("HEAD")
            connection.request("GET")
            first = connection.response(to_head=True)
            if "close" in first.tokens("Connection"):
                self.assertEqual(b"", connection.rest())
                return
            self.assertEqual(405, first.status)
            self.assertEqual(self.EXPOSITION, connection.response().body)


class Errors(AgentCase):
    def check(self, reply, status, reason):
        self.assertEqual((status, reason), (reply.status, reply.reason))
        self.assertEqual(REFUSED, reply.field("Content-Type"))
        self.assertRegex(reply.body.decode(), rf"\A# HTTP {status} {reason}: [^\n]+\n\Z")
        self.assertEqual(str(len(reply.body)), reply.field("Content-Length"))

    def refused(self, data, status, reason, *flags):
        """That the reply to `data` is this error, and that the connection then closes."""
        with self.start(*flags).http() as connection:
            connection.send(data)
            self.check(connection.response(), status, reason)
            self.assertEqual(b"", connection.rest())

    def test_behaviour_05_malformed_is_400(self):
        self.refused("GET / HTTP/1.1\r\n\r\n", 400, "Bad Request")

    def test_behaviour_05_head_not_complete_in_time_is_408(self):
        self.refused("GET / HTTP/1.1\r\nHost: x\r\n", 408, "Request Timeout",
                     "--http-head-timeout", "0.2")

    def test_behaviour_05_target_too_long_is_414(self):
        self.refused(f"GET /{'x' * 9000} HTTP/1.1\r\nHost: x\r\n\r\n", 414, "URI Too Long")

    def test_behaviour_05_expect_other_than_continue_is_417(self):
        self.refused("GET / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nConnection: close\r\n\r\n",
                     417, "Expectation Failed")

    def test_behaviour_05_expect_continue_is_answered(self):
        with self.start().http() as connection:
            connection.request("GET", Expect="100-Continue")
            self.assertEqual(200, connection.response().status)

    def test_behaviour_05_head_too_large_is_431(self):
        self.refused(f"GET / HTTP/1.1\r\nHost: x\r\nX: {'x' * 17000}\r\n\r\n", 431,
                     "Request Header Fields Too Large")

    def test_behaviour_05_other_versions_are_505(self):
        for version in ("HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"):
            with self.subTest(version):
                self.refused(f"GET / {version}\r\nHost: x\r\n\r\n", 505,
                             "HTTP Version Not Supported")

    def test_behaviour_05_a_second_connection_too_many_is_503(self):
        agent = self.start("--http-max-connections", "1")
        with agent.http() as first:
            first.request()
            self.assertEqual(200, first.response().status)
            with agent.http() as second:
                self.check(second.response(), 503, "Service Unavailable")
                self.assertEqual(b"", second.rest())
            first.request()
            self.assertEqual(200, first.response().status)


class Connections(AgentCase):
    def setUp(self):
        self.agent = self.start("--no-self-metrics")
        self.agent.push("c jobs 3")

    def test_behaviour_06_http_11_keeps_the_connection(self):
        with self.agent.http() as connection:
            for _ in range(5):
                connection.request()
                reply = connection.response()
                self.assertEqual((200, "HTTP/1.1"), (reply.status, reply.version))
                self.assertNotIn("close", reply.tokens("Connection"))

    def test_behaviour_06_curl_uses_one_connection_again(self):
        out = curl("-w", "%{num_connects}\n", "-o", "/dev/null", "-o", "/dev/null",
                   self.agent.url(), self.agent.url("/2"))
        self.assertEqual(b"1\n0\n", out)

    def test_behaviour_06_connection_close_closes(self):
        for value in ("close", "Close", "keep-alive, close"):
            with self.subTest(value), self.agent.http() as connection:
                connection.request(Connection=value)
                self.assertIn("close", connection.response().tokens("Connection"))
                self.assertEqual(b"", connection.rest())

    def test_behaviour_06_http_10_closes_unless_asked(self):
        with self.agent.http() as connection:
            connection.send("GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(200, connection.response().status)
            self.assertEqual(b"", connection.rest())
        with self.agent.http() as connection:
            for _ in range(3):
                connection.send("GET /favicon.ico HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
                reply = connection.response()
                self.assertEqual(200, reply.status)
                self.assertIn("keep-alive", reply.tokens("Connection"))

    def test_behaviour_06_pipelined_requests_are_answered_in_order(self):
        targets = ["/favicon.ico", "/", "*", "/metrics"] * 10
        with self.agent.http() as connection:
            connection.send("".join(
                f"{'OPTIONS' if target == '*' else 'GET'} {target} HTTP/1.1\r\nHost: x\r\n\r\n"
                for target in targets))
            for target in targets:
                reply = connection.response()
                self.assertEqual(200, reply.status)
                self.assertEqual("*" == target, reply.field("Allow") is not None)
                self.assertEqual(target in ("/", "/metrics"), reply.body != b"")

    def test_behaviour_06_a_head_may_come_byte_by_byte(self):
        request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"
        with self.agent.http() as connection:
            for _ in range(2):
                for byte in request:
                    connection.send(bytes([byte]))
                self.assertEqual(200, connection.response().status)

    def test_behaviour_06_an_announced_body_is_never_read_as_a_request(self):
        inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        bodies = {
            f"Content-Length: {len(inner)}": inner,
            "Content-Length: 1": inner,
            "Transfer-Encoding: chunked": f"{len(inner):x}\r\n{inner}\r\n0\r\n\r\n" + inner,
            "Transfer-Encoding: identity": inner,
        }
        for method, status in (("GET", 200), ("POST", 405), ("OPTIONS", 200)):
            for field, body in bodies.items():
                with self.subTest(method=method, field=field), self.agent.http() as connection:
                    connection.send(f"{method} / HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n{body}")
                    reply = connection.response()
                    self.assertEqual(status, reply.status)
                    self.assertIn("close", reply.tokens("Connection"))
                    self.assertEqual(b"", connection.rest())

    def test_behaviour_06_a_body_of_length_0_is_none(self):
        with self.agent.http() as connection:
            for _ in range(2):
                connection.request("GET", **{"Content-Length": "0"})
                self.assertEqual(200, connection.response().status)

    def test_behaviour_06_curl_posts_and_hears_405(self):
        out = curl("-i", "--data", "x=1", self.agent.url())
        self.assertTrue(out.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n"), out)
        self.assertIn(b"# HTTP 405 Method Not Allowed: POST; use OPTIONS or GET\n", out)


if __name__ == "__main__":
    unittest.main()
