"""The ingest socket's file: mode, group, who may push, and what it replaces or never touches."""

import grp
import os
import signal
import socket
import stat
import subprocess
import unittest

from agent_process import BINARY, AgentCase, environment, run_program, until

NOBODY = 65534
is_root = os.geteuid() == 0


def as_user(uid, gid, action):
    """What `action()` answers in a child that is another user; None where it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            os.write(writer, repr(action()).encode())
            os._exit(0)
        except BaseException:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return text if status == 0 else None


class SocketFile(AgentCase):
    def mode(self, agent):
        return stat.S_IMODE(os.stat(agent.socket_path).st_mode)

    def test_its_mode_is_0660_whatever_the_umask(self):
        for umask in (0o000, 0o022, 0o077, 0o777):
            before = os.umask(umask)
            try:
                agent = self.start_with_umask()
            finally:
                os.umask(before)
            self.assertEqual(0o660, self.mode(agent))

    def start_with_umask(self):
        umask = os.umask(0o022)  # of this process, for the folder and the log; the child gets its own
        return self.start(preexec_fn=lambda: os.umask(umask))

    def test_socket_mode(self):
        for mode in ("0600", "0666", "666", "0777"):
            self.assertEqual(int(mode, 8), self.mode(self.start("--socket-mode", mode)))
        for mode in ("0999", "1000", "rw", "-1", "0x1ff", ""):
            with self.subTest(mode):
                done = run_program("serve", "--socket-mode", mode)
                self.assertEqual(2, done.returncode)
                self.assertIn("--socket-mode", done.stderr)

    @unittest.skipUnless(is_root, "only root may give a file to any group")
    def test_socket_group(self):
        group = grp.getgrall()[-1]
        for given in (group.gr_name, str(group.gr_gid)):
            agent = self.start("--socket-group", given)
            self.assertEqual((os.geteuid(), group.gr_gid),
                             (os.stat(agent.socket_path).st_uid, os.stat(agent.socket_path).st_gid))
        done = run_program("serve", "--socket-group", "no-such-group-here")
        self.assertEqual(2, done.returncode)
        self.assertIn("no-such-group-here", done.stderr)

    @unittest.skipUnless(is_root, "only root can be another user")
    def test_the_mode_keeps_others_out(self):
        agent = self.start()
        self.assertIsNone(as_user(NOBODY, NOBODY, agent.connect))

    @unittest.skipUnless(is_root, "only root can be another user")
    def test_allow_uid_and_allow_gid(self):
        def push(agent):
            return lambda: agent.push("c jobs 1")

        for flags, who, admitted in (
                (("--allow-uid", "0"), (NOBODY, NOBODY), False),
                (("--allow-uid", str(NOBODY)), (NOBODY, NOBODY), True),
                (("--allow-uid", "0", "--allow-uid", str(NOBODY)), (NOBODY, 1), True),
                (("--allow-gid", "12345"), (NOBODY, NOBODY), False),
                (("--allow-gid", "12345"), (NOBODY, 12345), True),
                (("--allow-uid", "0", "--allow-gid", "12345"), (NOBODY, 12345), True),
                (("--allow-uid", "1", "--allow-gid", "1"), (0, 0), False)):
            with self.subTest(flags=flags, who=who):
                agent = self.start("--socket-mode", "0666", *flags)
                answer = as_user(*who, push(agent))
                self.assertEqual("'ok t1 accepted=1 rejected=0'" if admitted else None,
                                 answer if answer != "''" else None)
                self.assertEqual("1.0" if admitted else None, agent.value("jobs_total"))
                self.assertEqual("0.0" if admitted else "1.0", agent.value(
                    'sidemeter_sessions_refused_total{reason="credentials"}'))
                if not admitted:
                    self.assertRegex(agent.log(), f"level=warning .*uid={who[0]} gid={who[1]}")

    def test_it_is_removed_at_exit(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            agent = self.start()
            agent.signal(number)
            self.assertEqual(0, agent.wait())
            self.assertEqual(["log"], os.listdir(agent.folder))

    def test_a_stale_one_is_replaced(self):
        first = self.start()
        first.push("c jobs 1")
        first.signal(signal.SIGKILL)
        first.wait()
        self.assertTrue(os.path.exists(first.socket_path))
        second = self.start(socket_path=first.socket_path)
        self.assertEqual("ok t1 accepted=1 rejected=0", second.push("c jobs 1"))

    def test_a_live_one_never_is(self):
        first = self.start()
        inode = os.stat(first.socket_path).st_ino
        done = run_program("serve", "--socket", first.socket_path, "--listen", "127.0.0.1:0")
        self.assertEqual(1, done.returncode)
        self.assertIn(first.socket_path, done.stderr)
        self.assertEqual(inode, os.stat(first.socket_path).st_ino)
        self.assertEqual("ok t1 accepted=1 rejected=0", first.push("c jobs 1"))

    def test_a_live_one_of_another_program_never_is(self):
        agent = self.start()
        path = os.path.join(agent.folder, "other")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen(0)
            with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
                for waiting in (one, two):  # its backlog is full, and it still lives
                    waiting.setblocking(False)
                    try:
                        waiting.connect(path)
                    except BlockingIOError:
                        pass
                done = run_program("serve", "--socket", path, "--listen", "127.0.0.1:0")
        self.assertEqual(1, done.returncode)
        self.assertTrue(os.path.exists(path))

    def test_what_is_no_socket_is_never_touched(self):
        agent = self.start()
        for name, make in {"file": lambda p: open(p, "w").write("precious"), "folder": os.mkdir,
                           "link": lambda p: os.symlink("nowhere", p),
                           "pipe": os.mkfifo}.items():
            with self.subTest(name):
                path = os.path.join(agent.folder, name)
                make(path)
                before = os.lstat(path)
                done = run_program("serve", "--socket", path, "--listen", "127.0.0.1:0")
                self.assertEqual(1, done.returncode)
                self.assertIn(path, done.stderr)
                self.assertEqual((before.st_ino, before.st_mode, before.st_size),
                                 (os.lstat(path).st_ino, os.lstat(path).st_mode,
                                  os.lstat(path).st_size))

    def test_only_its_own_file_is_removed_at_exit(self):
        first = self.start()
        os.rename(first.socket_path, first.socket_path + ".moved")
        second = self.start(socket_path=first.socket_path)
        first.signal(signal.SIGTERM)
        self.assertEqual(0, first.wait())
        self.assertEqual("ok t1 accepted=1 rejected=0", second.push("c jobs 1"))

    def test_no_other_file_is_left_in_the_folder(self):
        agent = self.start()
        self.assertEqual({"log", "s.sock"}, set(os.listdir(agent.folder)))

    def test_a_folder_that_is_not_there_or_a_path_too_long_is_told(self):
        for path, status in (("/nonexistent/folder/s.sock", 1), ("/tmp/" + "x" * 200, 2)):
            with self.subTest(path):
                done = run_program("serve", "--socket", path, "--listen", "127.0.0.1:0")
                self.assertEqual(status, done.returncode)
                self.assertEqual(1, len([line for line in done.stderr.splitlines()
                                         if line.startswith("sidemeter: ")]))

    def test_two_agents_that_start_at_once_do_not_both_listen(self):
        stale = self.start()
        stale.signal(signal.SIGKILL)
        stale.wait()
        for _ in range(10):
            racers = [subprocess.Popen([BINARY, "serve", "--socket", stale.socket_path, "--listen",
                                        "127.0.0.1:0"], stderr=subprocess.DEVNULL,
                                       env=environment()) for _ in range(2)]
            for racer in racers:
                self.addCleanup(racer.kill)
            until(lambda: any(racer.poll() is not None for racer in racers), "one gives up")
            winners = [racer for racer in racers if racer.poll() is None]
            self.assertEqual(1, len(winners))
            self.assertEqual(0, run_program("health", "--socket", stale.socket_path).returncode)
            winners[0].kill()
            winners[0].wait()


if __name__ == "__main__":
    unittest.main()
