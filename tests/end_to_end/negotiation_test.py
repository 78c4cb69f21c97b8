"""Behaviour 11 to 14: which samples, in which format, and how they travel."""

import gzip
import subprocess
import unittest
import zlib

import samples
import wire
from agent_process import AgentCase

TEXT_004 = "text/plain; version=0.0.4; charset=utf-8"
TEXT_100 = "text/plain; version=1.0.0; charset=utf-8; escaping="
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OM = "application/openmetrics-text"
PROMETHEUS = (f"{OM};version=1.0.0,{OM};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
              "*/*;q=0.1")
PROMETHEUS_3 = (f"{OM};version=1.0.0;escaping=allow-utf-8;q=0.5,{OM};version=0.0.1;q=0.4,"
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,"
                "*/*;q=0.1")
BROWSER = ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,"
           "application/signed-exchange;v=b3;q=0.7")

# Accept -> Content-Type
CHOICES = {
    "": TEXT_004,
    "*/*": TEXT_004,
    "text/*": TEXT_004,
    "text/plain": TEXT_004,
    "text/plain;version=0.0.4": TEXT_004,
    "TEXT/Plain; Version=0.0.4": TEXT_004,
    "text/html": TEXT_004,
    "application/json": TEXT_004,
    BROWSER: TEXT_004,
    "nonsense": TEXT_004,
    ",,;;,=,": TEXT_004,
    "/": TEXT_004,
    "*": TEXT_004,
    ";q=1": TEXT_004,
    "text/plain;version=1.0.0": TEXT_100 + "underscores",
    "text/plain; version=1.0.0; escaping=allow-utf-8": TEXT_100 + "allow-utf-8",
    "text/plain; version=1.0.0; escaping=dots": TEXT_100 + "dots",
    "text/plain; version=1.0.0; escaping=values": TEXT_100 + "values",
    "text/plain; version=1.0.0; escaping=underscores": TEXT_100 + "underscores",
    "text/plain; version=1.0.0; escaping=leet": TEXT_100 + "underscores",
    "text/plain; version=1.0.0; escaping=": TEXT_100 + "underscores",
    'text/plain; version="1.0.0"; escaping="dots"': TEXT_100 + "dots",
    "text/plain;escaping=values;version=1.0.0": TEXT_100 + "values",
    "text/plain;version=0.0.4;escaping=values": TEXT_004,
    OM: OPEN,
    f"{OM};version=0.0.1": OPEN,
    f"{OM};version=0.0.1;escaping=dots": OPEN,
    f"{OM};version=1.0.0": OPEN + "; escaping=underscores",
    f'{OM};version="1.0.0"': OPEN + "; escaping=underscores",
    OM.upper() + ";VERSION=1.0.0;ESCAPING=dots": OPEN + "; escaping=dots",
    f"{OM} ; version=1.0.0 ; escaping=allow-utf-8": OPEN + "; escaping=allow-utf-8",
    f"{OM};version=1.0.0;escaping=values": OPEN + "; escaping=values",
    f"{OM}; version=1.0.0; charset=utf-8": OPEN + "; escaping=underscores",
    PROMETHEUS: OPEN + "; escaping=underscores",
    PROMETHEUS_3: OPEN + "; escaping=allow-utf-8",
    # by quality, not by order
    f"text/plain;q=0.5,{OM};q=0.9": OPEN,
    f"text/plain;q=0.9,{OM};q=0.5": TEXT_004,
    f"{OM};q=0.1,text/plain;version=1.0.0;q=0.11": TEXT_100 + "underscores",
    f"*/*;q=0.9,{OM}": OPEN,
    f"{OM};q=0.001,text/html": OPEN,
    f"text/plain;Q=0.2,{OM};Q=0.3": OPEN,
    # ties by order
    f"text/plain,{OM}": TEXT_004,
    f"{OM},text/plain": OPEN,
    f"{OM};q=0.5,text/plain;q=0.5": OPEN,
    f"text/plain;version=1.0.0,{OM}": TEXT_100 + "underscores",
    # q=0 excludes
    f"{OM};q=0": TEXT_004,
    f"{OM};q=0.000,text/plain;version=1.0.0": TEXT_100 + "underscores",
    f"text/plain;q=0,{OM}": OPEN,
    f"*/*;q=0,{OM}": OPEN,
    "*/*;q=0": TEXT_004,
    # a bad element is skipped
    f"garbage,{OM}": OPEN,
    f"{OM};q=abc,text/plain;version=1.0.0": TEXT_100 + "underscores",
    f"{OM};q=2,text/plain;version=1.0.0": TEXT_100 + "underscores",
    f"{OM};version=x.y,text/plain;version=1.0.0": TEXT_100 + "underscores",
    f"text/plain;version=9999999999999999999999.0.0,{OM}": OPEN,
    f"a/b;c=\"d,{OM},e\",text/plain;version=1.0.0": TEXT_100 + "underscores",
    f'a/b;c="d\\",e",{OM}': OPEN,
    # a version that is not offered is not the one that is
    f"{OM};version=0.0.2,text/plain;version=0.0.4;q=0.1": TEXT_004,
    f"text/plain;version=0.0.3,{OM};q=0.5": OPEN,
}


class Filters(AgentCase):
    def setUp(self):
        self.agent = self.start("--no-self-metrics")
        self.agent.push(
            "# HELP b B.", "# TYPE b counter", 'c b{x="1"} 1', 'c b{x="2"} 2',
            "# TYPE a_seconds histogram", "# UNIT a_seconds seconds", "# BUCKETS a_seconds 1",
            "h a_seconds 0.5", "# TYPE z gauge", "# HELP z Z.", "g z 9", 'g {"my.gauge"} 4')

    def filtered(self, query, accept=""):
        return self.agent.text(accept, "/metrics?" + query)

    B = '# HELP b_total B.\n# TYPE b_total counter\nb_total{x="1"} 1.0\nb_total{x="2"} 2.0\n'
    Z = "# HELP z Z.\n# TYPE z gauge\nz 9.0\n"

    def test_behaviour_11_one_name(self):
        self.assertEqual(self.B, self.filtered("name[]=b_total"))
        self.assertEqual("# TYPE a_seconds histogram\na_seconds_bucket{le=\"1.0\"} 1.0\n"
                         "a_seconds_bucket{le=\"+Inf\"} 1.0\n",
                         self.filtered("name[]=a_seconds_bucket"))

    def test_behaviour_11_several_names_in_order_of_registration(self):
        self.assertEqual(self.B + self.Z, self.filtered("name[]=z&name[]=b_total"))
        self.assertEqual("# TYPE a_seconds histogram\na_seconds_count 1.0\na_seconds_sum 0.5\n",
                         self.filtered("name[]=a_seconds_sum&x=y&name[]=a_seconds_count"))

    def test_behaviour_11_percent_encoded(self):
        for query in ("name%5B%5D=z", "name%5b%5d=z", "%6eame[]=%7A", "name[]=%7a", "a&name[]=z&"):
            with self.subTest(query):
                self.assertEqual(self.Z, self.filtered(query))
        self.assertEqual("# TYPE my_gauge gauge\nmy_gauge 4.0\n", self.filtered("name[]=my.gauge"))

    def test_behaviour_11_unit_is_kept(self):
        self.assertEqual("# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_sum 0.5\n"
                         "# EOF\n", self.filtered("name[]=a_seconds_sum", OM))

    def test_behaviour_11_the_name_is_that_of_the_sample_exactly(self):
        for name in ("b", "a_seconds", "Z", "z_", "z%20", "nothing", "le"):
            with self.subTest(name):
                reply = self.agent.get("/?name[]=" + name)
                self.assertEqual((200, b""), (reply.status, reply.body))
                self.assertEqual(TEXT_004, reply.field("Content-Type"))
        self.assertEqual("# EOF\n", self.filtered("name[]=nothing", OM))

    def test_behaviour_11_a_blank_one_is_ignored(self):
        whole = self.agent.text()
        for query in ("name[]=", "name[]", "name=z", "name[]=&name[]="):
            with self.subTest(query):
                self.assertEqual(whole, self.filtered(query))
        self.assertEqual(self.Z, self.filtered("name[]=&name[]=z"))

    def test_behaviour_11_curl_asks_for_names(self):
        out = subprocess.run(["curl", "-sSgG", "--data-urlencode", "name[]=z", self.agent.url()],
                             capture_output=True, text=True, check=True).stdout
        self.assertEqual(self.Z, out)


class Accept(AgentCase):
    def setUp(self):
        self.agent = self.start("--no-self-metrics")
        self.agent.push("# TYPE jobs counter", "c jobs 1", 'g {"my.gauge"} 2')

    def test_behaviour_12_and_13_accept_chooses_the_format(self):
        for accept, wanted in CHOICES.items():
            with self.subTest(accept=accept):
                reply = self.agent.get(**({"accept": accept} if accept else {}))
                self.assertEqual((200, wanted), (reply.status, reply.field("Content-Type")))
                text = reply.body.decode()
                is_open = wanted.startswith(OM)
                self.assertEqual(is_open, text.endswith("# EOF\n"))
                scheme = wanted.rpartition("escaping=")[2]
                total = "_total" if scheme != "dots" else "__total"
                self.assertEqual("jobs" + (total if not is_open else ""), samples.families(text)[0])
                gauge = {"allow-utf-8": '{"my.gauge"}', "dots": "my_dot_gauge",
                         "values": "U__my_2e_gauge"}.get(scheme, "my_gauge")
                self.assertEqual("2.0", samples.read(text).get(gauge))

    def test_behaviour_12_accept_fields_are_one_list(self):
        reply = wire.exchange(self.agent.address,
                              "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                              f"Accept: text/plain;q=0.1\r\nAccept: {OM}\r\n\r\n")
        self.assertIn(b"Content-Type: " + OPEN.encode() + b"\r\n", reply)

    def test_behaviour_12_no_accept_breaks_a_scrape(self):
        for accept in ('"', '"\\', ";" * 500, "," * 5000, "q=" * 500, "text/plain;q=", "\t \t",
                       "text/plain;version", "text/plain;=;q==0", "caf\xe9/\xff;q=1", "a" * 8000,
                       'text/plain;version="', "text/plain;q=0.0000001", "text/plain;q=-1",
                       "text/plain;q=1e0", "text/plain;q=NaN", OM + ";version=" + "1." * 2000):
            with self.subTest(accept=accept[:40]), self.agent.http() as connection:
                connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: " +
                                accept.encode("latin-1") + b"\r\n\r\n")
                self.assertEqual(200, connection.response().status)

    def test_behaviour_13_names_are_escaped_by_one_rule(self):
        self.agent.push("# HELP a:b Rule.", "# TYPE a:b gauge", "g a:b 1",
                        '# TYPE "häß.lich" counter', 'c {"häß.lich","l.x"="v",ok_l="w"} 1')
        wanted = {
            "allow-utf-8": ['# TYPE a:b gauge', 'a:b 1.0', '# TYPE "häß.lich" counter',
                            '{"häß.lich_total","l.x"="v",ok_l="w"} 1.0'],
            "underscores": ['# TYPE a:b gauge', 'a:b 1.0', '# TYPE h___lich counter',
                            'h___lich_total{l_x="v",ok_l="w"} 1.0'],
            "dots": ['# TYPE a:b gauge', 'a:b 1.0', '# TYPE h_____dot_lich counter',
                     'h_____dot_lich__total{l_dot_x="v",ok__l="w"} 1.0'],
            "values": ['# TYPE a:b gauge', 'a:b 1.0', '# TYPE U__h_e4__df__2e_lich counter',
                       'U__h_e4__df__2e_lich__total{U__l_2e_x="v",ok_l="w"} 1.0'],
        }
        for scheme, lines in wanted.items():
            text = self.agent.text(f"{OM};version=1.0.0;escaping={scheme}")
            for line in lines:
                with self.subTest(scheme=scheme, line=line):
                    self.assertIn(line, text.split("\n"))


class Travel(AgentCase):
    def big(self):
        agent = self.start("--no-self-metrics")
        agent.push(*[f'c jobs{{n="{n}"}} {n}' for n in range(20_000)])
        return agent

    def test_behaviour_14_gzip_where_it_is_accepted(self):
        agent = self.start("--no-self-metrics")
        agent.push("c jobs 1")
        plain = agent.get().body
        for accept, zipped in {
                "gzip": True, "GZIP": True, "gzip, deflate, br": True, "x-gzip": True, "*": True,
                "gzip;q=0.001": True, "gzip;q=1.000": True, "identity;q=0.5, *;q=0.2": True,
                "br;q=1, gzip;q=0.1": True, " gzip ; q=0.5 ": True, "*;q=0, gzip": True,
                "gzip;q=0": False, "gzip;q=0.000": False, "*;q=0": False, "identity": False,
                "deflate, br": False, "gzip;q=0, *": False, "*;q=0.5, gzip;q=0": False,
                "gzipped": False, "x": False, "": False, "gzip;q=bad": False}.items():
            with self.subTest(accept=accept):
                reply = agent.get(accept_encoding=accept)
                self.assertEqual("gzip" if zipped else None, reply.field("Content-Encoding"))
                body = gzip.decompress(reply.body) if zipped else reply.body
                self.assertEqual(plain, body)
                self.assertEqual({"accept", "accept-encoding"}, reply.tokens("Vary"))
        reply = agent.get()
        self.assertEqual((None, {"accept", "accept-encoding"}),
                         (reply.field("Content-Encoding"), reply.tokens("Vary")))

    def test_behaviour_14_small_replies_carry_content_length(self):
        agent = self.start("--no-self-metrics")
        agent.push("c jobs 1")
        for encoding in ("identity", "gzip"):
            reply = agent.get(accept_encoding=encoding)
            self.assertEqual(str(len(reply.body)), reply.field("Content-Length"))
            self.assertIsNone(reply.field("Transfer-Encoding"))

    def test_behaviour_14_long_replies_are_chunked_on_11_and_closed_on_10(self):
        agent = self.big()
        with agent.http() as connection:
            for encoding in ("identity", "gzip", "identity"):  # and the connection is kept
                connection.request("GET", **{"Accept-Encoding": encoding})
                reply = connection.response()
                self.assertEqual("chunked", reply.field("Transfer-Encoding"))
                text = zlib.decompress(reply.body, 31) if encoding == "gzip" else reply.body
                self.assertEqual(20_000, len(samples.read(text.decode())))
        for encoding in ("identity", "gzip"):
            reply = wire.exchange(agent.address, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n"
                                                 f"Accept-Encoding: {encoding}\r\n\r\n")
            head, body = reply.split(b"\r\n\r\n", 1)
            self.assertNotIn(b"transfer-encoding", head.lower())
            text = zlib.decompress(body, 31) if encoding == "gzip" else body
            self.assertEqual(20_000, len(samples.read(text.decode())))

    def test_behaviour_14_curl_reads_both(self):
        agent = self.big()
        run = lambda *more: subprocess.run(["curl", "-sS", *more, agent.url()],
                                           capture_output=True, check=True).stdout
        plain = run()
        self.assertEqual(20_000, len(samples.read(plain.decode())))
        self.assertEqual(plain, run("--compressed"))
        self.assertEqual(plain, run("--http1.0"))
        self.assertEqual(plain, run("--http1.0", "--compressed"))


if __name__ == "__main__":
    unittest.main()
