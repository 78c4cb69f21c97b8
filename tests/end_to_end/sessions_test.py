"""Many processes and one truth: real workers that die as workers do, barriers under load, many short
sessions, and budgets that no client can break."""

import os
import re
import signal
import socket
import subprocess
import time
import unittest

import samples
from agent_process import BINARY, AgentCase, environment, run_program, until

NOBODY = 65534
OPEN_SESSIONS = 'sidemeter_sessions{state="open"}'


def fork(work):
    """A child that runs `work` and leaves without a word; its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as fault:
            os.write(2, f"{fault!r}\n".encode())
            os._exit(1)
    return pid


class Reader:
    """Asks for single samples over one connection, fast."""

    def __init__(self, agent):
        self.socket = socket.create_connection(agent.address.rsplit(":", 1))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def value(self, name):
        self.socket.sendall(f"GET /?name[]={name} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        reply = b""
        while b"\r\n\r\n" not in reply:
            reply += self.socket.recv(65536)
        head, body = reply.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
        while len(body) < length:
            body += self.socket.recv(65536)
        found = re.search(rb"^[^#{ ]+(?:\{[^}]*\})? (\S+)$", body, re.M)
        return float(found[1]) if found else None


class Deaths(AgentCase):
    TIMES = 200

    def kill(self, agent, flood):
        """A worker with live values is killed, perhaps in the middle of a flood of records. What the
        scrape that begins after that shows of its live values."""
        ready, told = os.pipe()

        def work():
            with agent.connect() as connected:
                connected.sendall(b"# MODE alive livesum\n# MODE each liveall\ng alive 1\ng each 1\n"
                                  b"sync t\n")
                assert connected.recv(100).startswith(b"ok t accepted=4 ")
                os.write(told, b"x")
                while flood:
                    connected.sendall(b'c work_total{kind="flood"} 1\n' * 5000)
                time.sleep(60)

        pid = fork(work)
        self.assertEqual(b"x", os.read(ready, 1))
        os.close(ready)
        os.close(told)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)  # the kernel has closed its socket
        shown = agent.scrape()
        return {series for series in shown if series.startswith(("alive", "each"))}

    def test_a_killed_workers_live_values_are_in_no_later_scrape(self):
        agent = self.start()
        haunted = [n for n in range(self.TIMES) if self.kill(agent, flood=n % 4 == 0)]
        self.assertEqual([], haunted)
        print(f"\n{self.TIMES} of {self.TIMES} workers were killed, and no scrape was haunted")

    def test_every_way_to_end_is_the_same(self):
        agent = self.start()
        for how in ("close", "shutdown", "exit", "kill"):
            with self.subTest(how):
                ready, told = os.pipe()

                def work():
                    connected = agent.connect()
                    connected.sendall(b"# MODE alive livemax\ng alive 1\nsync t\n")
                    connected.recv(100)
                    if how == "close":
                        connected.close()
                    if how == "shutdown":
                        connected.shutdown(socket.SHUT_WR)
                    os.write(told, b"x")
                    time.sleep(0 if how == "exit" else 60)

                pid = fork(work)
                os.read(ready, 1)
                if how == "kill":
                    os.kill(pid, signal.SIGKILL)
                if how in ("kill", "exit"):
                    os.waitpid(pid, 0)
                self.assertIsNone(agent.value("alive"))
                if how in ("close", "shutdown"):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)

    def test_what_is_no_live_value_stays(self):
        agent = self.start()
        for value in (3, 5):
            pid = fork(lambda: agent.push(
                "# MODE s sum", f"g s {value}", "# MODE m max", f"g m {value}", f"c c {value}",
                f"h h {value}", "# MODE a all", f"hello pid={value}", f"g a {value}"))
            self.assertEqual((pid, 0), os.waitpid(pid, 0))
        shown = agent.scrape()
        self.assertEqual(["8.0", "5.0", "8.0", "2.0", "3.0", "5.0"],
                         [shown[s] for s in ("s", "m", "c_total", "h_count", 'a{pid="3"}', 'a{pid="5"}')])


class Barriers(AgentCase):
    CLIENTS, TRIALS = 4, 25_000

    def test_every_scrape_begun_after_ok_holds_the_batch(self):
        agent = self.start("--no-self-metrics")

        def work(client):
            scrapes = Reader(agent)
            with agent.session() as session:
                total = 0
                for trial in range(self.TRIALS):
                    batch = 1 + (trial * 7 + client) % 5
                    session.send(*[f"c own{client}_total 1"] * batch)
                    reply = session.sync()
                    assert reply.endswith(f" accepted={batch} rejected=0"), reply
                    total += batch
                    shown = scrapes.value(f"own{client}_total")
                    assert shown == total, f"trial {trial}: {total} were applied, {shown} are shown"

        pids = [fork(lambda: work(client)) for client in range(self.CLIENTS)]
        self.assertEqual([0] * self.CLIENTS, [os.waitpid(pid, 0)[1] for pid in pids])
        print(f"\n{self.CLIENTS * self.TRIALS} barriers held, of {self.CLIENTS} clients at once")


class ShortSessions(AgentCase):
    PROCESSES, RECORDS = 4, 100

    def run_sessions(self, agent, sessions):
        def work():
            records = b"".join(b'c jobs_total{queue="q%d"} 1\n' % (n % 10) for n in range(self.RECORDS - 1))
            records += b"g running +=1\n"
            for _ in range(sessions // self.PROCESSES):
                with agent.connect() as connected:
                    connected.sendall(records)
                    connected.shutdown(socket.SHUT_WR)
                    assert connected.recv(1) == b""

        pids = [fork(work) for _ in range(self.PROCESSES)]
        self.assertEqual([0] * self.PROCESSES, [os.waitpid(pid, 0)[1] for pid in pids])
        began = time.monotonic()
        for _ in range(20):
            agent.text()
        milliseconds = (time.monotonic() - began) * 50
        return agent.status_kib("VmRSS"), milliseconds

    def test_10_000_of_100_records_each_leave_their_totals_and_nothing_else(self):
        agent = self.start()
        agent.push("# MODE running sum")
        few, few_ms = self.run_sessions(agent, 1_000)
        many, many_ms = self.run_sessions(agent, 9_000)
        print(f"\nafter  1 000 sessions: {few} KiB resident, a scrape in {few_ms:.2f} ms"
              f"\nafter 10 000 sessions: {many} KiB resident, a scrape in {many_ms:.2f} ms")
        shown = agent.scrape()
        total = sum(float(value) for series, value in shown.items() if series.startswith("jobs_total{"))
        self.assertEqual(10_000 * (self.RECORDS - 1), total)
        self.assertEqual("10000.0", shown["running"])
        self.assertEqual("0.0", shown["sidemeter_own_values"])
        self.assertLess(many - few, 512, "9 000 sessions more leave nothing behind")


class Budgets(AgentCase):
    def test_series_that_one_session_may_make(self):
        agent = self.start("--session-series-limit", "3")
        with agent.session() as greedy, agent.session() as modest:
            greedy.send(*[f'c x{{i="{i}"}}' for i in range(5)], 'c x{i="0"}')
            self.assertEqual((4, 2), greedy.counts())
            modest.send('c x{i="3"}', 'c x{i="9"}')
            self.assertEqual((2, 0), modest.counts())
        shown = agent.scrape()
        self.assertEqual("2.0", shown['sidemeter_overflow_total{family="x"}'])
        self.assertEqual("2.0", shown['sidemeter_rejected_records_total{reason="series_limit"}'])

    def test_the_refusal_is_told_to_the_sender_and_the_others_go_on(self):
        agent = self.start("--max-series", "10")
        with agent.session() as other, agent.session() as greedy:
            other.send("c other")
            greedy.send("hello errors=1", *[f'g y{{i="{i}"}} 1' for i in range(10)])
            greedy.reply()
            self.assertRegex(greedy.reply(), r"err 11 series_limit no more than 10 series in all")
            for _ in range(3):
                other.send("c other")
            self.assertEqual((4, 0), other.counts())
        self.assertEqual({"y": "1.0"}, {
            re.search('family="(.*)"', series)[1]: value for series, value in agent.scrape().items()
            if series.startswith("sidemeter_overflow_total")})

    def test_sessions_of_a_user(self):
        agent = self.start("--max-sessions-per-uid", "2")
        with agent.session() as one, agent.session() as two:
            for session in (one, two):
                self.assertEqual((0, 0), session.counts())
            with agent.connect() as third:
                self.assertEqual(b"", third.recv(1))
        self.assertEqual("1.0", agent.value('sidemeter_sessions_refused_total{reason="uid_limit"}'))
        until(lambda: agent.value(OPEN_SESSIONS) == "0.0", "both have left")
        self.assertEqual("ok t1 accepted=1 rejected=0", agent.push("c a"))

    def test_records_behind_unread_replies_count(self):
        agent = self.start("--max-reply-bytes", "4096")
        with agent.connect() as connected:
            connected.sendall(b"hello errors=1\n" + b"z\n" * 5000 + b"c x 1\n")
        until(lambda: agent.value("x_total") == "1.0", "the last record of a peer that is gone")
        self.assertEqual({"unknown_verb": 5000}, agent.rejected())


class Idle(AgentCase):
    def test_an_idle_series_is_hidden_and_comes_back_where_it_stood(self):
        agent = self.start("--series-idle-timeout", "1")
        agent.push("c jobs_total 5", "# TTL stays 0", "g stays 1")
        self.assertEqual("5.0", agent.value("jobs_total"))
        until(lambda: agent.value("jobs_total") is None, "the series is idle")
        shown = agent.scrape()
        self.assertEqual(("1.0", "1.0"), (shown["stays"], shown["sidemeter_idle_series"]))
        agent.push("c jobs_total 2")
        self.assertEqual("7.0", agent.value("jobs_total"))

    def test_what_a_dead_process_left_in_mode_all_goes_by_its_time(self):
        agent = self.start()
        with agent.session() as session:
            session.send("# MODE q all", "# TTL q 1s", "hello pid=7", "g q 1")
            session.reply()
            self.assertEqual((3, 0), session.counts())
        self.assertEqual("1.0", agent.value('q{pid="7"}'))
        until(lambda: agent.value('q{pid="7"}') is None, "the series is idle")

    def test_one_that_is_updated_is_not_hidden(self):
        agent = self.start("--series-idle-timeout", "2")
        with agent.session() as session:
            for _ in range(50):
                session.send("c jobs_total 1")
                session.sync()
                self.assertIsNotNone(agent.value("jobs_total"))
                time.sleep(0.1)


class Listings(AgentCase):
    def test_sessions_are_a_table(self):
        agent = self.start()
        with agent.session() as session:
            session.send('hello instance=web-3 client="my client" pid=4711', "c x 1", "c x -1")
            session.reply()
            session.sync()
            shown = run_program("sessions", "--socket", agent.socket_path)
        self.assertEqual((0, ""), (shown.returncode, shown.stderr))
        titles, ours, asking = shown.stdout.splitlines()
        self.assertEqual("SESSION PID UID INSTANCE CLIENT AGE RECORDS SERIES REJECTED FIRST REJECTION".split(),
                         titles.split())
        self.assertRegex(ours, rf"^ *1 +4711 +{os.getuid()}  web-3 +my client +\d+s +1 +1 +1  "
                               "negative_counter: line 3: counter increment must be >= 0, got -1$")
        self.assertIn("sidemeter/", asking)

    def test_top_shows_families_by_series_and_by_records(self):
        agent = self.start()
        with agent.session() as session:
            session.send("# MODE q livesum", "g q 1", *[f'c many{{i="{i}"}}' for i in range(30)])
            session.sync()
            for by, first in (("series", "many"), ("records", "q")):
                top = subprocess.Popen(
                    [BINARY, "top", "--socket", agent.socket_path, "--by", by, "--interval", "0.5"],
                    stdout=subprocess.PIPE, text=True, env=environment())
                while top.poll() is None:
                    session.send(*["g q +=1"] * 10)
                    session.sync()
                    time.sleep(0.02)
                with top:
                    total, titles, *rows = top.stdout.read().splitlines()
                self.assertRegex(total, r"^2 families, 31 series, \d+(\.\d)? records/s$")
                self.assertEqual(first, rows[0].split()[0])
                q = next(row.split() for row in rows if row.startswith("q "))
                self.assertEqual(["q", "gauge", "livesum", "1", "0"], q[:5])
                self.assertGreater(float(q[5]), 0)

    @unittest.skipUnless(os.getuid() == 0, "only root can become another user")
    def test_another_user_is_refused(self):
        agent = self.start("--socket-mode", "0666")
        for command in (["sessions"], ["top", "--once", "--interval", "0.1"]):
            shown = subprocess.run([BINARY, *command, "--socket", agent.socket_path], user=NOBODY,
                                   capture_output=True, text=True, env=environment())
            self.assertEqual(2, shown.returncode)
            self.assertRegex(shown.stderr, r"^sidemeter: the agent refuses: 2 forbidden only root and ")
        self.assertEqual({"forbidden": 2}, agent.rejected())

    def test_no_agent_is_exit_status_2(self):
        for command in ("sessions", "top"):
            shown = run_program(command, "--socket", "/nonexistent/socket")
            self.assertEqual(2, shown.returncode)
            self.assertIn("/nonexistent/socket: cannot reach the agent", shown.stderr)

    def test_listings_of_many_come_whole(self):
        agent = self.start("--max-reply-bytes", "4096", "--max-sessions", "400")
        sessions = [agent.session() for _ in range(300)]
        for n, session in enumerate(sessions):
            session.send(f"hello instance={'i' * 200}", f"g family{n} 1")
            session.reply()
            self.assertEqual((1, 0), session.counts())
        for command, lines in ((["sessions"], 1 + 300 + 1), (["top", "--interval", "0.1"], 2 + 300)):
            shown = run_program(*command, "--socket", agent.socket_path)
            self.assertEqual(lines, len(shown.stdout.splitlines()), shown.stderr)
        for session in sessions:
            session.close()


if __name__ == "__main__":
    unittest.main()
