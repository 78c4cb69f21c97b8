"""The commands beside serve: push, health, check-config, version; and where options come from."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from agent_process import PATIENCE_SECONDS, ROOT, AgentCase, run_program, until


class Push(AgentCase):
    def setUp(self):
        self.agent = self.start()

    def push(self, *arguments, **keywords):
        return run_program("push", "--socket", self.agent.socket_path, *arguments, **keywords)

    def test_records_from_arguments(self):
        done = self.push("c jobs_total 2", 'g depth{queue="mail box"} -1.5', "# HELP depth Deep.")
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        self.assertEqual(("2.0", "-1.5"), (self.agent.value("jobs_total"),
                                           self.agent.value('depth{queue="mail box"}')))
        self.assertIn("# HELP depth Deep.\n", self.agent.text())

    def test_records_from_standard_input(self):
        done = self.push(records="c jobs 1\n" * 5000 + "\n# a comment\n" + '{"counter":"jobs"}\n')
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        self.assertEqual("5001.0", self.agent.value("jobs_total"))

    def test_a_last_line_without_lf_counts(self):
        self.assertEqual(0, self.push(records="c jobs 1\nc jobs 2").returncode)
        self.assertEqual("3.0", self.agent.value("jobs_total"))

    def test_no_records_are_fine(self):
        self.assertEqual(0, self.push(records="").returncode)

    def test_refusals_are_printed_with_their_lines_and_status_is_1(self):
        done = self.push(records="c jobs 1\nc jobs -1\nc jobs 2\nnonsense\n")
        self.assertEqual(1, done.returncode)
        self.assertEqual("", done.stdout)
        first, second = done.stderr.splitlines()
        self.assertRegex(first, r"\Aline 2: negative_counter: .*-1")
        self.assertRegex(second, r"\Aline 4: (unknown_verb|bad_syntax): .*nonsense")
        self.assertEqual("3.0", self.agent.value("jobs_total"))
        done = self.push("g g 1", "g g x")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"\Aline 2: bad_value: ")

    def test_many_refusals_do_not_block(self):
        done = self.push(records="c jobs -1\n" * 20_000)
        self.assertEqual((1, 20_000), (done.returncode, len(done.stderr.splitlines())))

    def test_without_an_agent_status_is_2(self):
        for path in ("/nonexistent/s.sock", self.agent.log_path, "/tmp/" + "x" * 200):
            with self.subTest(path):
                done = run_program("push", "--socket", path, "c jobs 1")
                self.assertEqual(2, done.returncode)
                self.assertIn(path[:60], done.stderr)
                self.assertEqual(1, len(done.stderr.splitlines()))

    def test_an_agent_that_leaves_early_is_status_2(self):
        path = os.path.join(self.agent.folder, "early")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            pushing = subprocess.Popen(
                [os.environ.get("SIDEMETER_BINARY") or str(ROOT / "build/release/sidemeter"), "push",
                 "--socket", path, "c jobs 1"], stderr=subprocess.PIPE, text=True)
            taken, _ = listener.accept()
            taken.close()
            _, errors = pushing.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual(2, pushing.returncode)
        self.assertIn(path, errors)

    def test_the_socket_may_come_from_the_environment(self):
        done = run_program("push", "c jobs 1",
                           variables={"SIDEMETER_SOCKET": self.agent.socket_path})
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual("1.0", self.agent.value("jobs_total"))

    @unittest.skipUnless(shutil.which("nc"), "nc (netcat-openbsd) is not installed")
    def test_a_shell_needs_nothing_but_nc(self):
        for _ in range(3):
            subprocess.run(f"printf 'c jobs_total 1\\n' | nc -NU '{self.agent.socket_path}'",
                           shell=True, check=True, timeout=PATIENCE_SECONDS)
        until(lambda: self.agent.value("jobs_total") == "3.0", "all three count")

    @unittest.skipUnless(shutil.which("nc"), "nc (netcat-openbsd) is not installed")
    def test_nc_shows_the_replies(self):
        out = subprocess.run(f"printf 'hello v=1\\nc jobs\\nsync 42\\n' | nc -NU "
                             f"'{self.agent.socket_path}'", shell=True, check=True,
                             capture_output=True, text=True, timeout=PATIENCE_SECONDS).stdout
        version = run_program("version").stdout.split()[1]
        self.assertEqual(f"hello v=1 agent=sidemeter/{version} max_line=65536 max_handles=16384\n"
                         "ok 42 accepted=1 rejected=0\n", out)


class Others(AgentCase):
    def test_health_is_the_exit_status(self):
        agent = self.start()
        done = run_program("health", "--socket", agent.socket_path)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        done = run_program("health", "--socket", agent.socket_path + "x")
        self.assertEqual(1, done.returncode)
        self.assertIn(agent.socket_path + "x", done.stderr)

    def test_health_of_an_agent_that_does_not_answer(self):
        agent = self.start()
        agent.signal(19)  # SIGSTOP
        done = run_program("health", "--socket", agent.socket_path, "--timeout", "0.3")
        self.assertEqual(1, done.returncode)
        agent.signal(18)
        self.assertEqual(0, run_program("health", "--socket", agent.socket_path).returncode)

    def test_version(self):
        done = run_program("version")
        self.assertEqual(0, done.returncode)
        self.assertRegex(done.stdout, r"\Asidemeter \d+\.\d+\.\d+\n\Z")
        wanted = re.search(r"project\(sidemeter VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
        self.assertEqual(wanted[1], done.stdout.split()[1])
        agent = self.start()
        self.assertEqual("1.0", agent.value(f'sidemeter_build_info{{version="{wanted[1]}"}}'))

    def test_help_names_every_command_and_flag(self):
        self.assertEqual(0, run_program("--help").returncode)
        for word in ("serve", "push", "health", "check-config", "version"):
            self.assertIn(word, run_program("--help").stdout)
        serve = run_program("serve", "--help").stdout
        for flag in """socket socket-mode socket-group allow-uid allow-gid listen config log-format
                log-level no-self-metrics created-samples max-series max-series-per-family
                max-families max-labels max-label-value-bytes max-handles max-line-bytes max-sessions
                max-reply-bytes http-max-head-bytes http-max-target-bytes http-max-fields
                http-max-connections http-max-pipelined http-head-timeout http-idle-timeout
                http-write-timeout shutdown-timeout""".split():
            self.assertRegex(serve, rf"--{flag}\b")

    def test_unknown_words_are_status_2(self):
        for arguments in ((), ("nonsense",), ("serve", "--max-serie", "3"), ("serve", "extra"),
                          ("health", "extra"), ("version", "--x"), ("serve", "--max-series")):
            with self.subTest(arguments):
                done = run_program(*arguments)
                self.assertEqual((2, ""), (done.returncode, done.stdout))
                self.assertNotEqual("", done.stderr)


class Options(AgentCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sidemeter-")
        self.addCleanup(shutil.rmtree, self.folder)

    def config(self, text):
        path = os.path.join(self.folder, "sidemeter.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def check(self, *arguments, **variables):
        return run_program("check-config", *arguments, variables=variables)

    def test_a_valid_configuration(self):
        for arguments in ((), ("--max-series", "5"), ("--listen", "[::1]:0", "--log-format", "json"),
                          ("--config", self.config({"max_series": 5, "listen": ["127.0.0.1:0"],
                                                    "log_level": "debug", "http_head_timeout": 1.5,
                                                    "created_samples": True}))):
            with self.subTest(arguments):
                done = self.check(*arguments)
                self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_bad_values_name_their_option_what_was_found_and_what_was_wanted(self):
        for flag, value in (("max-series", "x"), ("max-series", "-1"), ("max-series", "0"),
                            ("max-series", "1.5"), ("max-series", "99999999999999999999"),
                            ("http-head-timeout", "soon"), ("http-head-timeout", "-1"),
                            ("http-head-timeout", "NaN"), ("log-level", "loud"),
                            ("log-format", "xml"), ("listen", "here"), ("socket-mode", "9")):
            variable = "SIDEMETER_" + flag.upper().replace("-", "_")
            path = self.config({flag.replace("-", "_"): [value] if flag == "listen" else value})
            for done, place in ((self.check("--" + flag, value), "--" + flag),
                                (self.check(**{variable: value}), variable),
                                (self.check("--config", path), path)):
                with self.subTest(place=place, value=value):
                    self.assertEqual((2, 1), (done.returncode, len(done.stderr.splitlines())))
                    self.assertIn(place, done.stderr)
                    self.assertIn(value, done.stderr)

    def test_an_unknown_key_is_an_error_with_its_place(self):
        path = self.config('{\n  "max_series": 5,\n  "max_serie": 6\n}\n')
        done = self.check("--config", path)
        self.assertEqual(2, done.returncode)
        self.assertIn(f"{path}:3", done.stderr)
        self.assertIn("max_serie", done.stderr)
        done = run_program("serve", "--config", path)
        self.assertEqual(2, done.returncode)
        self.assertIn(f"{path}:3", done.stderr)

    def test_a_file_that_is_no_configuration(self):
        for text in ("", "{", "[]", "5", '{"max_series": 5,}', '{"max_series": null}',
                     '{"max_series": 5, "max_series": 6}', '{"max_series": [5]}',
                     '{"listen": {"a": 1}}', '{"created_samples": "yes"}', "\0", '{"config": "x"}'):
            with self.subTest(text):
                path = self.config(text)
                done = self.check("--config", path)
                self.assertEqual((2, 1), (done.returncode, len(done.stderr.splitlines())))
                self.assertIn(path, done.stderr)
        done = self.check("--config", self.folder + "/absent")
        self.assertEqual(2, done.returncode)
        self.assertIn(self.folder + "/absent", done.stderr)

    def limits(self, *flags, **variables):
        """The limits of series and of families that an agent has."""
        agent = self.start(*flags, variables=variables)
        got = agent.scrape()
        return got["sidemeter_series_limit"], got["sidemeter_families_limit"]

    def test_a_flag_goes_before_the_environment_and_that_before_the_file(self):
        path = self.config({"max_series": 11, "max_families": 12})
        self.assertEqual(("100000.0", "10000.0"), self.limits())
        self.assertEqual(("11.0", "12.0"), self.limits("--config", path))
        self.assertEqual(("11.0", "12.0"), self.limits(SIDEMETER_CONFIG=path))
        self.assertEqual(("21.0", "12.0"), self.limits("--config", path, SIDEMETER_MAX_SERIES="21"))
        self.assertEqual(("31.0", "12.0"), self.limits("--config", path, "--max-series", "31",
                                                       SIDEMETER_MAX_SERIES="21"))

    def test_every_flag_has_an_environment_variable(self):
        self.assertIn("_created", self.start(
            variables={"SIDEMETER_CREATED_SAMPLES": "true"}).text())
        self.assertEqual("", self.start(variables={"SIDEMETER_NO_SELF_METRICS": "true"}).text())
        agent = self.start(listen=(), variables={"SIDEMETER_LISTEN": "127.0.0.1:0,127.0.0.2:0"})
        until(lambda: agent.log().count("listening for scrapes") == 2, "both listen")

    def test_logs_in_logfmt_and_json(self):
        line = self.start().log().splitlines()[0]
        self.assertRegex(line, r'\Ats=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info '
                               r'msg="listening for scrapes" address=127\.0\.0\.1:\d+\Z')
        for line in self.start("--log-format", "json").log().splitlines():
            entry = json.loads(line)
            self.assertEqual("info", entry["level"])
            self.assertIn("ts", entry)
        self.assertTrue(json.loads(line)["msg"])

    def test_log_level(self):
        agent = self.start("--log-level", "error", listen=())
        self.assertEqual("", agent.log())


if __name__ == "__main__":
    unittest.main()
