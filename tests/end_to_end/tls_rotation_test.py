"""Behaviour 32: certificates change on disk while scrapes go on, and none of them fails."""

import os
import pathlib
import shutil
import signal
import tempfile
import threading
import time

from agent_process import until
from certificates import SERVER, Authority, serial
from tls_agent import CLIENTS, TlsAgent, TlsCase

SECONDS = 10  # until a new set must be served


class Mount:
    """A volume as a kubelet mounts it: files are links through `..data`, which is swapped."""

    def __init__(self, files):
        self.folder = tempfile.mkdtemp(prefix="sidemeter-mount-")
        self.versions = 0
        self.swap(files)
        for name in files:
            os.symlink(os.path.join("..data", name), os.path.join(self.folder, name))

    def file(self, name):
        return os.path.join(self.folder, name)

    def swap(self, files):
        self.versions += 1
        new = f"..version_{self.versions}"
        os.mkdir(self.file(new))
        for name, text in files.items():
            pathlib.Path(self.file(new), name).write_text(text, "ascii")
        old = os.readlink(self.file("..data")) if self.versions > 1 else None
        os.symlink(new, self.file("..data_tmp"))
        os.rename(self.file("..data_tmp"), self.file("..data"))
        if old:
            shutil.rmtree(self.file(old))


class Scraper(threading.Thread):
    """Twenty scrapes a second, each over a connection of its own."""

    def __init__(self, agent):
        super().__init__()
        self.agent, self.failures, self.count = agent, [], 0
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            try:
                assert self.agent.get("/metrics").status == 200
                self.count += 1
            except Exception as error:  # whatever it is, it is a scrape that failed
                self.failures.append(repr(error))

    def stop(self):
        self.done.set()
        self.join()

    def await_more(self):
        before = self.count + len(self.failures)
        until(lambda: self.count + len(self.failures) >= before + 5, "scrapes go on")


class Rotation(TlsCase):
    def setUp(self):
        self.files = self.set_of(self.site.server)
        self.mount = Mount(self.files)
        self.addCleanup(shutil.rmtree, self.mount.folder)
        self.agent = self.start_tls(
            "--tls-cert", self.mount.file("tls.crt"), "--tls-key", self.mount.file("tls.key"),
            "--client-auth", "require", "--client-ca-file", self.mount.file("ca.crt"))

    def set_of(self, server, *authorities):
        return {"tls.crt": server.text(), "tls.key": pathlib.Path(server.key).read_text("ascii"),
                "ca.crt": "".join(one.text() for one in authorities or [self.site.ca])}

    def reloads(self, result):
        return float(self.agent.value(f'sidemeter_tls_reloads_total{{result="{result}"}}'))

    def await_served(self, server):
        begin = time.monotonic()
        wanted = serial(server.text())
        until(lambda: serial(self.agent.serves_certificate()) == wanted, "the new leaf is served")
        self.assertLess(time.monotonic() - begin, SECONDS)

    def break_with(self, **files):
        """Swaps a broken set in: it is counted, and the old one kept."""
        before = self.reloads("failure")
        served = self.agent.serves_certificate()
        self.mount.swap(self.files | {name.replace("_", "."): text for name, text in files.items()})
        until(lambda: self.reloads("failure") == before + 1, "the broken set is counted")
        self.assertEqual("0.0", self.agent.value("sidemeter_tls_last_reload_successful"))
        self.assertEqual(served, self.agent.serves_certificate())

    def new_server(self, name):
        return self.site.ca.issue(name, usage=SERVER, sans="DNS:localhost")

    def test_rotation_while_scrapes_run(self):
        scraper = Scraper(self.agent)
        scraper.start()
        self.addCleanup(scraper.stop)

        second = self.new_server("second")
        self.files = self.set_of(second)
        self.mount.swap(self.files)
        self.await_served(second)
        scraper.await_more()

        for broken in [{"tls_crt": "garbage\n"}, {"tls_crt": second.text()[:200]},
                       {"tls_key": pathlib.Path(self.site.client.key).read_text("ascii")}, {"ca_crt": ""}]:
            self.break_with(**broken)
            scraper.await_more()
        self.assertEqual(4, self.agent.log().count("the last good ones stay"))

        other = Authority(self.site.folder, "next", subject="Next")
        stranger = other.issue("stranger")
        self.assertFalse(CLIENTS["python"](self.agent, self.site, stranger, "1.2"))
        third = self.new_server("third")
        self.files = self.set_of(third, self.site.ca, other)
        self.mount.swap(self.files)
        self.await_served(third)
        self.assertTrue(CLIENTS["python"](self.agent, self.site, stranger, "1.2"))
        self.assertEqual("1.0", self.agent.value("sidemeter_tls_last_reload_successful"))

        scraper.await_more()
        scraper.stop()
        self.assertEqual([], scraper.failures)

    def test_an_authority_that_is_taken_away(self):
        other = Authority(self.site.folder, "only", subject="Only")
        kept = self.agent.http()
        kept.request()
        self.assertEqual(200, kept.response().status)
        self.mount.swap(self.set_of(self.site.server, other))
        good = other.issue("good")
        until(lambda: CLIENTS["python"](self.agent, self.site, good, "1.2"), "the new authority counts")
        self.assertFalse(CLIENTS["python"](self.agent, self.site, self.site.client, "1.2"))
        kept.request()  # an open connection keeps what it began with
        self.assertEqual(200, kept.response().status)
        kept.socket.close()

    def test_a_file_that_is_replaced_in_place(self):
        third = self.new_server("inplace")
        files = self.set_of(third)
        for name in ["tls.crt", "tls.key"]:
            path = self.mount.file(os.path.join("..data", name))
            pathlib.Path(path).write_text(files[name], "ascii")
        self.await_served(third)  # nothing happened in the watched folder: it is looked at

    def test_hang_up(self):
        before = self.reloads("success")
        self.agent.signal(signal.SIGHUP)
        until(lambda: self.reloads("success") == before + 1, "SIGHUP reads them again")

    def test_revocation_comes_with_the_list(self):
        ca = Authority(self.site.folder, "revoking", subject="Revoking")
        client = ca.issue("client")
        crl = pathlib.Path(self.mount.folder, "list.crl")
        shutil.copy(ca.crl(), crl)
        agent = TlsAgent(self.site, *self.site.server_flags(), "--client-auth", "require",
                         "--client-ca-file", ca.file, "--client-crl-file", str(crl))
        self.addCleanup(self.stop, agent)
        self.assertTrue(CLIENTS["curl"](agent, self.site, client, "1.2"))
        ca.revoke(client)
        shutil.copy(ca.crl(), crl)
        until(lambda: not CLIENTS["curl"](agent, self.site, client, "1.2"), "it is revoked")
        self.assertIn("reason=revoked", agent.log())
