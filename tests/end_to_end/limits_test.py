"""What a pushing peer can use up: each limit at the limit and one past it. What is refused changes
nothing, and what stood before goes on."""

import unittest

from agent_process import AgentCase, until


class Limits(AgentCase):
    def test_series_in_all(self):
        agent = self.start("--max-series", "3")
        agent.push("c a 1", 'g b{x="1"} 1', "h c 1")
        for record in ("c d 1", 'g b{x="2"} 1', 's s 1', 'i i{a="1"}'):
            self.assertEqual("series_limit", self.refusal(agent, record))
        self.assertEqual("ok t1 accepted=3 rejected=0", agent.push("c a 1", 'g b{x="1"} 2', "h c 2"))
        self.assertEqual("3.0", agent.value("sidemeter_series"))
        self.assertEqual("3.0", agent.value("sidemeter_series_limit"))
        agent.push('x b{x="1"}', 'g b{x="2"} 7')
        self.assertEqual((None, "7.0"), (agent.value('b{x="1"}'), agent.value('b{x="2"}')))
        self.assertEqual({"series_limit": 4}, agent.rejected())

    def test_a_removed_series_makes_room_again_and_again(self):
        agent = self.start("--max-series", "2")
        agent.push("c keeps 1")
        for n in range(1000):
            self.assertEqual("ok t1 accepted=2 rejected=0", agent.push(
                f'g b{{n="{n}"}} 1', f'x b{{n="{n}"}}' if n % 2 else "clear b"))
        self.assertEqual("1.0", agent.value("sidemeter_series"))

    def test_series_of_a_family(self):
        agent = self.start("--max-series-per-family", "2")
        agent.push('c a{n="1"}', 'c a{n="2"}')
        self.assertEqual("series_limit", self.refusal(agent, 'c a{n="3"}'))
        self.assertEqual("ok t1 accepted=2 rejected=0", agent.push('c b{n="1"}', 'c a{n="1"}'))

    def test_families(self):
        agent = self.start("--max-families", "2")
        agent.push("c a", "# TYPE b gauge")
        for record in ("c c", "# TYPE c gauge", "# HELP c C.", '{"declare":"c","type":"gauge"}'):
            self.assertEqual("family_limit", self.refusal(agent, record))
        self.assertEqual("ok t1 accepted=2 rejected=0", agent.push("g b 1", 'c a{x="1"}'))

    def labels(self, count):
        return "c a{" + ",".join(f'l{n}="v"' for n in range(count)) + "}"

    def test_labels_of_a_series(self):
        for agent, limit in ((self.start(), 32), (self.start("--max-labels", "2"), 2)):
            self.assertEqual("ok t1 accepted=1 rejected=0", agent.push(self.labels(limit)))
            self.assertEqual("label_limit", self.refusal(agent, self.labels(limit + 1)))

    def test_bytes_of_a_label_value(self):
        for agent, limit in ((self.start(), 2048), (self.start("--max-label-value-bytes", "9"), 9)):
            self.assertEqual("ok t1 accepted=1 rejected=0",
                             agent.push(f'c a{{l="{"x" * limit}"}}'))
            self.assertEqual("label_limit",
                             self.refusal(agent, f'c a{{l="{"x" * (limit + 1)}"}}'))

    def test_handles_of_a_session(self):
        agent = self.start("--max-handles", "4")
        with agent.session() as session:
            session.send("hello", "@0 c a", "@3 c b", "@0", "@3 2", "@3 g c", "@3 5")
            self.assertIn(" max_handles=4", session.reply())
            self.assertEqual((6, 0), session.counts())
        self.assertEqual(["1.0", "2.0", "5.0"],
                         [agent.value(name) for name in ("a_total", "b_total", "c")])
        self.assertIn(self.refusal(agent, "@4 c a"), ("session_limit", "unknown_handle", "bad_value"))
        self.assertEqual("unknown_handle", self.refusal(agent, "@0"))

    def test_bytes_of_a_record(self):
        for agent, limit in ((self.start("--max-label-value-bytes", "100000"), 64 * 1024),
                             (self.start("--max-line-bytes", "80"), 80)):
            fits = 'c a{l="' + "x" * (limit - 9) + '"}'
            self.assertEqual(limit, len(fits))
            self.assertEqual("ok t1 accepted=1 rejected=0", agent.push(fits))
            with agent.session() as session:
                session.send(fits + " ", fits)
                self.assertEqual((1, 1), session.counts())
            self.assertEqual({"line_too_long": 1}, agent.rejected())

    def test_sessions(self):
        agent = self.start("--max-sessions", "2")
        with agent.session() as one, agent.session() as two:
            for session in (one, two):
                self.assertEqual((0, 0), session.counts())
            with agent.connect() as extra:
                self.assertEqual(b"", extra.recv(1))
            one.send("c a")
            self.assertEqual((1, 0), one.counts())
        self.assertEqual("1.0", agent.value('sidemeter_sessions_refused_total{reason="limit"}'))
        until(lambda: agent.value('sidemeter_sessions{state="open"}') == "0.0", "both have left")
        self.assertEqual("ok t1 accepted=1 rejected=0", agent.push("c a"))

    def test_a_new_agent_shows_every_reason_at_0(self):
        agent = self.start()
        shown = {series for series, value in agent.scrape().items()
                 if series.startswith("sidemeter_rejected_records_total{") and value == "0.0"}
        reasons = """bad_syntax bad_name bad_label bad_value bad_json bad_utf8 type_conflict
            declaration_conflict name_collision negative_counter unknown_handle unknown_state
            unknown_verb series_limit family_limit label_limit session_limit line_too_long truncated
            bad_version forbidden""".split()
        self.assertEqual({f'sidemeter_rejected_records_total{{reason="{r}"}}' for r in reasons}, shown)

    def test_the_limits_of_peers_are_not_those_of_the_agents_own_metrics(self):
        own = set(self.start().scrape())
        for flag in ("max-series", "max-series-per-family", "max-families", "max-labels",
                     "max-label-value-bytes", "max-name-bytes", "max-help-bytes"):
            with self.subTest(flag):
                self.assertEqual(own, set(self.start("--" + flag, "1").scrape()))

    def test_an_alias_or_a_handle_never_reaches_a_removed_series(self):
        agent = self.start()
        with agent.session() as session:
            session.send('@1 g g{a="1",b="2"}', "@1 5", 'g g{b="2",a="1"} 6', 'x g{a="1",b="2"}',
                         'g other 1', "@1 7")
            self.assertEqual((6, 0), session.counts())
            self.assertEqual(("7.0", "1.0"), (agent.value('g{a="1",b="2"}'), agent.value("other")))
            session.send("clear g", 'g g{b="2",a="1"} 8', "@1 +=1")
            self.assertEqual((3, 0), session.counts())
            self.assertEqual("9.0", agent.value('g{a="1",b="2"}'))


if __name__ == "__main__":
    unittest.main()
