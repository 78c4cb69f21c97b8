"""Behaviour 15 to 22: the exposition, byte for byte."""

import math
import random
import re
import struct
import threading
import time
import unittest

import samples
from agent_process import AgentCase

OM = "application/openmetrics-text"
UTF8 = OM + ";version=1.0.0;escaping=allow-utf-8"
TEXT_UTF8 = "text/plain;version=1.0.0;escaping=allow-utf-8"


def number_text(value):
    """A number as the reference's floatToGoString writes it, from its rule: the shortest digits that
    read back the same, and an exponent for positive numbers from seven digits on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if value > 0 and "e" not in text and len(text.split(".")[0]) > 6:
        whole, fraction = text.split(".")
        digits = (whole + fraction).rstrip("0")
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{mantissa}e+{len(whole) - 1:02d}"
    return text


class Exposition(AgentCase):
    def expose(self, *records, accept="", flags=()):
        agent = self.start("--no-self-metrics", *flags)
        reply = agent.push(*records)
        self.assertIn(" rejected=0", reply)
        return agent.text(accept)

    def test_behaviour_15_families_and_series_keep_their_order(self):
        text = self.expose("g z 1", "# TYPE m gauge", "c a 1", 'g m{n="9"} 1', 'g m{n="1"} 1',
                           'g m{n="5"} 1', "g z 2", 'g m{n="1"} 3', 'x m{n="9"}', 'g m{n="9"} 4')
        self.assertEqual('# TYPE z gauge\nz 2.0\n'
                         '# TYPE m gauge\nm{n="1"} 3.0\nm{n="5"} 1.0\nm{n="9"} 4.0\n'
                         '# TYPE a_total counter\na_total 1.0\n', text)

    def test_behaviour_15_labels_are_sorted_by_name(self):
        text = self.expose('h h{z="1",a="2",m="3",B="4",le2="5"} 1', 'g g{b="1",a="2"} 1',
                           'g g{a="2",b="1"} 5')
        self.assertIn('h_bucket{B="4",a="2",le="0.005",le2="5",m="3",z="1"} 0.0\n', text)
        self.assertIn('h_sum{B="4",a="2",le2="5",m="3",z="1"} 1.0\n', text)
        self.assertTrue(text.endswith('g{a="2",b="1"} 5.0\n'))

    def test_behaviour_15_help_only_where_declared_then_type_then_unit(self):
        records = ("# HELP a_seconds Time.", "# TYPE a_seconds gauge", "# UNIT a_seconds seconds",
                   "g a_seconds 1", "g b 2", "# HELP c First.", "# HELP c Last.", "g c 3")
        self.assertEqual("# HELP a_seconds Time.\n# TYPE a_seconds gauge\na_seconds 1.0\n"
                         "# TYPE b gauge\nb 2.0\n# HELP c Last.\n# TYPE c gauge\nc 3.0\n",
                         self.expose(*records))
        self.assertEqual("# HELP a_seconds Time.\n# TYPE a_seconds gauge\n"
                         "# UNIT a_seconds seconds\na_seconds 1.0\n"
                         "# TYPE b gauge\nb 2.0\n# HELP c Last.\n# TYPE c gauge\nc 3.0\n# EOF\n",
                         self.expose(*records, accept=OM))

    def test_behaviour_16_histogram_buckets_ascend_and_add_up(self):
        self.assertEqual(
            '# TYPE h histogram\nh_bucket{le="0.5"} 1.0\nh_bucket{le="1.0"} 3.0\n'
            'h_bucket{le="2.5"} 3.0\nh_bucket{le="+Inf"} 4.0\nh_count 4.0\nh_sum 12.3\n',
            self.expose("# BUCKETS h 0.5 1 2.5", "h h 0.5 1 0.8", "h h 10"))

    def test_behaviour_16_no_sum_where_the_first_bound_is_negative(self):
        for accept, end in (("", ""), (OM, "# EOF\n")):
            self.assertEqual(
                '# TYPE h histogram\nh_bucket{le="-1.0"} 1.0\nh_bucket{le="0.0"} 1.0\n'
                f'h_bucket{{le="+Inf"}} 2.0\nh_count 2.0\n{end}',
                self.expose("# BUCKETS h -1 0", "h h -3 1", accept=accept))
        self.assertIn("h_sum", self.expose("# BUCKETS h 0 1", "h h -3"))

    def test_behaviour_16_summary_has_count_and_sum(self):
        self.assertEqual('# TYPE s summary\ns_count{q="1"} 3.0\ns_sum{q="1"} 6.5\n',
                         self.expose('s s{q="1"} 1 2 3.5'))

    def test_behaviour_17_escapes(self):
        records = ('# HELP g A \\\\ back\\nslash and "quotes".', "# TYPE g gauge",
                   'g g{l="a\\\\b\\nc\\"d é"} 1')
        sample = 'g{l="a\\\\b\\nc\\"d é"} 1.0\n'
        self.assertEqual('# HELP g A \\\\ back\\nslash and "quotes".\n# TYPE g gauge\n' + sample,
                         self.expose(*records))
        self.assertEqual('# HELP g A \\\\ back\\nslash and \\"quotes\\".\n# TYPE g gauge\n' + sample
                         + "# EOF\n", self.expose(*records, accept=OM))

    NUMBERS = {
        "0": "0.0", "-0": "-0.0", "1": "1.0", "-1": "-1.0", "0.1": "0.1", "1e5": "100000.0",
        "999999": "999999.0", "1000000": "1e+06", "1234567": "1.234567e+06",
        "123456.7": "123456.7", "1234567.25": "1.23456725e+06", "-12345678.5": "-12345678.5",
        "-1e15": "-1000000000000000.0", "-1e16": "-1e+16", "1e15": "1e+15", "1e16": "1e+16",
        "1e17": "1e+17", "1.5e16": "1.5e+16", "123456789012345678": "1.2345678901234568e+17",
        "1e-4": "0.0001", "1e-5": "1e-05", "1.5e-7": "1.5e-07", "1e-300": "1e-300",
        "1e300": "1e+300", "5e-324": "5e-324", "1.7976931348623157e308": "1.7976931348623157e+308",
        "9007199254740993": "9.007199254740992e+15", "1700000000.123": "1.700000000123e+09",
        "0.30000000000000004": "0.30000000000000004", "NaN": "NaN", "nan": "NaN", "+Inf": "+Inf",
        "-Inf": "-Inf", "Inf": "+Inf", "infinity": "+Inf", "-inf": "-Inf", "1.": "1.0", ".5": "0.5",
        "+3": "3.0", "1E3": "1000.0", "007": "7.0",
    }

    def test_behaviour_18_numbers(self):
        agent = self.start("--no-self-metrics")
        agent.push(*[f'g g{{n="{i}"}} {given}' for i, given in enumerate(self.NUMBERS)])
        got = agent.scrape()
        for i, (given, wanted) in enumerate(self.NUMBERS.items()):
            with self.subTest(given):
                self.assertEqual(wanted, got.get(f'g{{n="{i}"}}'))

    def test_behaviour_18_numbers_of_every_size_read_back_the_same(self):
        chance = random.Random(18)
        values = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(3000)]
        values += [chance.choice((1, -1)) * round(chance.uniform(0.1, 10) ** chance.randint(-9, 19),
                                                  chance.randint(0, 6)) for _ in range(3000)]
        values += [sign * 10.0 ** power + more for sign in (1, -1) for power in range(-20, 24)
                   for more in (0, 1, 0.5)]
        agent = self.start("--no-self-metrics")
        agent.push(*[f'g g{{n="{i}"}} {value!r}' for i, value in enumerate(values)])
        got = list(agent.scrape().values())
        self.assertEqual([number_text(float(value)) for value in values], got)

    def test_behaviour_18_le_by_the_same_rule(self):
        text = self.expose("# BUCKETS h -12345678.5 1e-9 0.1 1 250 1e6 1234567 1e16", "h h 2")
        self.assertEqual(["-12345678.5", "1e-09", "0.1", "1.0", "250.0", "1e+06", "1.234567e+06",
                          "1e+16", "+Inf"], re.findall(r'le="([^"]+)"', text))

    FAMILIES = ("# HELP c C.", "# TYPE c counter", 'c c 2 # {trace_id="a"} 2 1700000000.5',
                "# HELP b B.", "# TYPE b info", 'i b{v="1"}',
                "# HELP e E.", "# TYPE e stateset", "# STATES e off on", "e e on",
                "# HELP u U.", "# TYPE u unknown", "# HELP h H.", "# BUCKETS h 1",
                'h h 0.5 # {trace_id="b"} 0.5')

    def test_behaviour_19_text_names_the_types_it_knows(self):
        text = self.expose(*self.FAMILIES)
        for lines in ("# HELP c_total C.\n# TYPE c_total counter\nc_total 2.0\n",
                      '# HELP b_info B.\n# TYPE b_info gauge\nb_info{v="1"} 1.0\n',
                      '# HELP e E.\n# TYPE e gauge\ne{e="off"} 0.0\ne{e="on"} 1.0\n',
                      "# HELP u U.\n# TYPE u untyped\n",
                      '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1.0"} 1.0\n'):
            self.assertIn(lines, text)
        self.assertNotIn("EOF", text)
        self.assertNotIn("trace_id", text)

    def test_behaviour_19_openmetrics_has_bare_names_exemplars_and_an_end(self):
        text = self.expose(*self.FAMILIES, accept=OM)
        for lines in ('# HELP c C.\n# TYPE c counter\n'
                      'c_total 2.0 # {trace_id="a"} 2.0 1700000000.5\n',
                      '# HELP b B.\n# TYPE b info\nb_info{v="1"} 1.0\n',
                      '# HELP e E.\n# TYPE e stateset\ne{e="off"} 0.0\ne{e="on"} 1.0\n',
                      "# HELP u U.\n# TYPE u unknown\n",
                      '# TYPE h histogram\nh_bucket{le="1.0"} 1.0 # {trace_id="b"} 0.5\n'
                      'h_bucket{le="+Inf"} 1.0\n'):
            self.assertIn(lines, text)
        self.assertTrue(text.endswith("\n# EOF\n"))
        self.assertEqual(1, text.count("# EOF"))

    CREATED = ("# HELP c C.", "# TYPE c counter", 'c c{a="1"} 1', 'c c{a="2"} 1', "s s 1",
               "# BUCKETS h 1", "h h 2", "g g 1")

    def test_behaviour_20_created_is_off(self):
        for accept in ("", OM):
            self.assertNotIn("_created", self.expose(*self.CREATED, accept=accept))

    def created(self, accept):
        before = time.time()
        text = self.expose(*self.CREATED, accept=accept, flags=("--created-samples",))
        after = time.time()

        def checked(found):
            self.assertTrue(before - 1 <= float(found[1]) <= after + 1, found[0])
            return found[0].replace(found[1], "NOW")
        return re.sub(r"^[a-z]_created(?:\{\S*\})? (\S+)$", checked, text, flags=re.M)

    def test_behaviour_20_created_samples_are_inline_in_openmetrics(self):
        self.assertEqual(
            '# HELP c C.\n# TYPE c counter\nc_total{a="1"} 1.0\nc_created{a="1"} NOW\n'
            'c_total{a="2"} 1.0\nc_created{a="2"} NOW\n'
            '# TYPE s summary\ns_count 1.0\ns_sum 1.0\ns_created NOW\n'
            '# TYPE h histogram\nh_bucket{le="1.0"} 0.0\nh_bucket{le="+Inf"} 1.0\nh_count 1.0\n'
            'h_sum 2.0\nh_created NOW\n# TYPE g gauge\ng 1.0\n# EOF\n', self.created(OM))

    def test_behaviour_20_created_samples_are_own_gauges_in_text(self):
        self.assertEqual(
            '# HELP c_total C.\n# TYPE c_total counter\nc_total{a="1"} 1.0\nc_total{a="2"} 1.0\n'
            '# HELP c_created C.\n# TYPE c_created gauge\nc_created{a="1"} NOW\n'
            'c_created{a="2"} NOW\n'
            '# TYPE s summary\ns_count 1.0\ns_sum 1.0\n# TYPE s_created gauge\ns_created NOW\n'
            '# TYPE h histogram\nh_bucket{le="1.0"} 0.0\nh_bucket{le="+Inf"} 1.0\nh_count 1.0\n'
            'h_sum 2.0\n# TYPE h_created gauge\nh_created NOW\n# TYPE g gauge\ng 1.0\n',
            self.created(""))

    def test_behaviour_21_utf8_names_are_quoted(self):
        records = ('# HELP "my.metric" Mine.', '# TYPE "my.metric" gauge',
                   'g {"my.metric","l.x"="v",ok="w"} 1', 'g {"my.metric"} 2',
                   'c {"größe \\"a\\" \\\\"} 3')
        self.assertEqual(
            '# HELP "my.metric" Mine.\n# TYPE "my.metric" gauge\n'
            '{"my.metric","l.x"="v",ok="w"} 1.0\n{"my.metric"} 2.0\n'
            '# TYPE "größe \\"a\\" \\\\" counter\n{"größe \\"a\\" \\\\_total"} 3.0\n# EOF\n',
            self.expose(*records, accept=UTF8))
        self.assertEqual(
            '# HELP "my.metric" Mine.\n# TYPE "my.metric" gauge\n'
            '{"my.metric","l.x"="v",ok="w"} 1.0\n{"my.metric"} 2.0\n'
            '# TYPE "größe \\"a\\" \\\\_total" counter\n{"größe \\"a\\" \\\\_total"} 3.0\n',
            self.expose(*records, accept=TEXT_UTF8))

    def test_behaviour_22_two_scrapes_without_an_update_are_equal(self):
        agent = self.start("--no-self-metrics")
        agent.push(*self.FAMILIES, *[f'h many{{n="{n}"}} {n}' for n in range(3000)])
        for accept in ("", OM, UTF8, TEXT_UTF8):
            self.assertEqual(agent.get(accept=accept).body, agent.get(accept=accept).body)

    def test_behaviour_22_no_series_twice_whatever_it_was_called(self):
        agent = self.start()
        agent.push('c jobs{a="1",b="2"} 1', 'c jobs_total{b="2",a="1"} 1', 'c jobs{a="1",b="2",} 1',
                   'c  {"jobs",a="1","b"="2"} 1', '{"counter":"jobs","labels":{"b":"2","a":"1"}}',
                   "c plain 1", "c plain{} 1", "c plain_total 1", 'i b{v="1"}', 'i b_info{v="1"}')
        for accept in ("", OM, UTF8):
            samples.read(agent.text(accept))
        got = agent.scrape()
        self.assertEqual(("5.0", "3.0"), (got['jobs_total{a="1",b="2"}'], got["plain_total"]))
        self.assertEqual("1.0", got['b_info{v="1"}'])

    def test_behaviour_22_a_histogram_is_never_torn(self):
        agent = self.start("--no-self-metrics")
        agent.push("# BUCKETS h 1 2")
        stop = threading.Event()

        def observe():
            with agent.session() as session:
                while not stop.is_set():
                    session.send(*[f'h h{{n="{n}"}} 1*3' for n in range(500)])

        pusher = threading.Thread(target=observe)
        pusher.start()
        try:
            for accept in ["", OM] * 30:
                got = samples.read(agent.text(accept))
                for series in [s for s in got if s.startswith("h_count")]:
                    labels = series[len("h_count{"):-1]
                    low, high, all_, sum_ = (got[name] for name in (
                        f'h_bucket{{le="1.0",{labels}}}', f'h_bucket{{le="2.0",{labels}}}',
                        f'h_bucket{{le="+Inf",{labels}}}', f"h_sum{{{labels}}}"))
                    self.assertEqual({got[series]}, {low, high, all_, sum_})
        finally:
            stop.set()
            pusher.join()


if __name__ == "__main__":
    unittest.main()
