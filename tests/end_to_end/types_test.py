"""Behaviour 23 to 25: what each type takes and refuses. A refused record changes nothing."""

import re
import unittest

import samples
from agent_process import AgentCase

OM = "application/openmetrics-text"


class Types(AgentCase):
    def setUp(self):
        self.agent = self.start()

    def unchanged(self, refused, reasons, accept=""):
        """That the record is refused with one of these words and leaves the exposition as it is."""
        before = self.own(accept)
        reason = self.refusal(self.agent, refused)
        self.assertIn(reason, reasons, refused)
        self.assertEqual(before, self.own(accept), refused)

    def own(self, accept=""):
        return [line for line in self.agent.text(accept).split("\n") if "sidemeter_" not in line]

    def test_behaviour_23_counter_increments_are_finite_and_not_negative(self):
        self.agent.push("c jobs 5")
        for value, reasons in {"-1": ["negative_counter"], "-0.001": ["negative_counter"],
                               "-1e300": ["negative_counter"],
                               "NaN": ["bad_value"], "+Inf": ["bad_value"], "1e999": ["bad_value"],
                               "-Inf": ["bad_value", "negative_counter"], "x": ["bad_value"],
                               "0x10": ["bad_value"], "1_000": ["bad_value"], "1,5": ["bad_value"],
                               "--1": ["bad_value"], "1e": ["bad_value"], "nan(1)": ["bad_value"],
                               }.items():
            with self.subTest(value):
                self.unchanged(f"c jobs {value}", reasons)
                self.unchanged(f"c new {value}", reasons)
        self.agent.push("c jobs 0", "c jobs", "c jobs 0.5")
        self.assertEqual("6.5", self.agent.value("jobs_total"))

    def test_behaviour_23_histogram_and_summary_refuse_nan(self):
        self.agent.push("h h 1", "s s 1")
        for record in ("h h NaN", "h h 1 NaN", "h h NaN 1", "s s NaN", "s s 1 2 NaN", "h new NaN",
                       "s new NaN", "h h NaN*2", "m h NaN 1" + " 0" * 14, "m s NaN 1"):
            with self.subTest(record):
                self.unchanged(record, ["bad_value"])
        self.agent.push("h h +Inf", "s s -Inf")
        got = self.agent.scrape()
        self.assertEqual(("2.0", "+Inf", "-Inf"), (got["h_count"], got["h_sum"], got["s_sum"]))

    def test_behaviour_23_default_buckets(self):
        self.agent.push("h h 1")
        bounds = [b for s in self.agent.scrape() for b in re.findall(r'^h_bucket\{le="(.*)"\}$', s)]
        self.assertEqual("0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1.0 2.5 5.0 7.5 10.0 +Inf",
                         " ".join(bounds))

    def test_behaviour_23_declared_bounds_rise_strictly_and_inf_is_added(self):
        for bounds in ("1 1", "2 1", "1 2 2 3", "NaN", "1 NaN", "1 +Inf +Inf", "+Inf 1", "1 x"):
            with self.subTest(bounds):
                self.unchanged(f"# BUCKETS h {bounds}", ["bad_value"])
        self.agent.push("# BUCKETS h 1 2", "# BUCKETS g 1 2 +Inf", "h h 1", "h g 1")
        text = "\n".join(self.own())
        self.assertEqual(1, text.count('h_bucket{le="+Inf"}'))
        self.assertEqual(1, text.count('g_bucket{le="+Inf"}'))

    def test_behaviour_23_merged_counts_are_not_cumulative(self):
        self.agent.push("# BUCKETS h 1 2", "h h 0.5", "m h 10.25 1 2 3", "s s 1", "m s 8 4")
        got = self.agent.scrape()
        self.assertEqual(["2.0", "4.0", "7.0", "7.0", "10.75", "5.0", "9.0"],
                         [got[name] for name in (
                             'h_bucket{le="1.0"}', 'h_bucket{le="2.0"}', 'h_bucket{le="+Inf"}',
                             "h_count", "h_sum", "s_count", "s_sum")])
        for record in ("m h 1 1 2", "m h 1 1 2 3 4", "m h 1 -1 2 3", "m h 1 0.5 2 3", "m h 1",
                       "m s 1 -1", "m s 1 0.5", "m s 1", "m s 1 2 3"):
            with self.subTest(record):
                self.unchanged(record, ["bad_value", "bad_syntax"])

    def test_behaviour_23_a_count_repeats_an_observation(self):
        self.agent.push("# BUCKETS h 1 2", "h h 0.5*1000 1.5*2 3")
        got = self.agent.scrape()
        self.assertEqual(["1000.0", "1002.0", "1003.0", "506.0"],
                         [got[name] for name in ('h_bucket{le="1.0"}', 'h_bucket{le="2.0"}',
                                                 "h_count", "h_sum")])
        for operand in ("1*0", "1*-1", "1*1.5", "1*", "*2", "1*NaN", "1*2*3"):
            with self.subTest(operand):
                self.unchanged(f"h h {operand}", ["bad_value", "bad_syntax"])

    def test_behaviour_24_an_exemplar_has_at_most_128_characters(self):
        fits = 'a="' + "é" * 100 + '",bc="' + "x" * 25 + '"'  # 1 + 100 + 2 + 25
        too_long = 'a="' + "é" * 100 + '",bc="' + "x" * 26 + '"'
        self.agent.push("# BUCKETS h 1", "c jobs 1", "h h 1")
        for record in ("c jobs 1", "h h 0.5"):
            with self.subTest(record):
                reply = self.agent.push(f"{record} # {{{fits}}} 1")
                self.assertEqual("ok t1 accepted=1 rejected=0", reply)
                self.unchanged(f"{record} # {{{too_long}}} 1", ["bad_label", "label_limit"], OM)
        found = {series: exemplar for series, _, exemplar in samples.lines(self.agent.text(OM))}
        self.assertEqual(f"{{{fits}}} 1.0", found["jobs_total"])
        self.assertEqual(f"{{{fits}}} 1.0", found['h_bucket{le="1.0"}'])
        self.assertEqual(("2.0", "2.0"), (self.agent.value("jobs_total"), self.agent.value("h_count")))

    def test_behaviour_24_exemplars_stand_only_where_openmetrics_allows(self):
        self.agent.push("g g 1", "s s 1", "h h 1")
        for record in ("g g 1", "s s 1", "h h 1 2"):
            with self.subTest(record):
                self.unchanged(record + ' # {a="b"} 1', ["bad_syntax", "bad_value"], OM)

    def test_behaviour_25_a_stateset_knows_its_states(self):
        self.agent.push("# TYPE e stateset", "# STATES e a b", "e e a", "e e b")
        self.assertEqual(("0.0", "1.0"), (self.agent.value('e{e="a"}'), self.agent.value('e{e="b"}')))
        self.unchanged("e e c", ["unknown_state"])
        self.unchanged("e e A", ["unknown_state"])
        self.assertEqual("unknown_state", self.refusal(self.agent, "e nobody a"))
        self.unchanged('e e{e="a"} a', ["bad_label"])
        self.unchanged("# STATES e a b c", ["declaration_conflict"])
        self.unchanged("# STATES d a a", ["bad_value"])

    def test_behaviour_25_labels_of_an_info_do_not_overlap(self):
        self.agent.push('i b{v="1"}')
        self.unchanged('i b{v="1",v="2"}', ["bad_label"])
        self.unchanged('g g{v="1",v="1"} 1', ["bad_label"])

    def test_behaviour_25_info_and_stateset_have_no_unit(self):
        self.agent.push("# TYPE b info", "# TYPE e stateset", "# STATES e a")
        for record in ("# UNIT b bytes", "# UNIT e seconds"):
            self.unchanged(record, ["declaration_conflict", "bad_value"])
        self.agent.push("# UNIT x_bytes bytes")
        self.unchanged("# TYPE x_bytes info", ["declaration_conflict", "bad_value"])

    def test_behaviour_25_a_unit_is_the_suffix_or_is_appended(self):
        self.agent.push("# TYPE a_seconds gauge", "# UNIT a_seconds seconds", "g a_seconds 1",
                        '{"declare":"b","type":"counter","unit":"bytes","help":"B."}')
        text = self.agent.text(OM)
        self.assertIn("# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1.0\n", text)
        self.assertIn("# HELP b_bytes B.\n# TYPE b_bytes counter\n# UNIT b_bytes bytes\n", text)
        self.agent.push("c b_bytes 2")
        self.assertEqual("2.0", self.agent.value("b_bytes_total"))

    def test_reserved_and_double_labels_are_refused(self):
        for record in ('h h{le="1"} 1', 's s{quantile="1"} 1', 'g g{__a="1"} 1', 'g g{a="1",a="1"} 1',
                       'h h{a="1",le="1"} 1', 'c c{__name__="x"} 1'):
            with self.subTest(record):
                self.unchanged(record, ["bad_label"])
        self.agent.push('c c{le="1"} 1', 'g g{quantile="1"} 1')
        self.assertEqual("1.0", self.agent.value('c_total{le="1"}'))

    def test_sample_names_of_families_do_not_collide(self):
        self.agent.push("h x 1", "c y 1", "g z_count 1", "g w_total 1", 'i v{a="1"}')
        for record in ("c x_count 1", "g x_count 1", "g x_sum 1", "g x_bucket 1", "g y_total 1",
                       "s z 1", "h z 1", "c w 1", "g v_info 1"):
            with self.subTest(record):
                self.unchanged(record, ["name_collision", "type_conflict"])

    def test_a_family_keeps_its_type(self):
        self.agent.push("c c 1", "g g 1", "h h 1", "s s 1", 'i i{a="1"}')
        for record in ("g c 1", "c g 1", "h g 1", "s h 1", "h s 1", "e i a", "# TYPE g counter",
                       "# TYPE c gauge"):
            with self.subTest(record):
                self.unchanged(record, ["type_conflict", "declaration_conflict", "name_collision"])


if __name__ == "__main__":
    unittest.main()
