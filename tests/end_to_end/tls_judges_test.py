"""The judges of TLS: a Prometheus server with and without a certificate, sslscan, and testssl."""

import json
import os
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

import prometheus_test
from agent_process import until
from certificates import SERVER
from tls_agent import VERSIONS, TlsCase

KEY_EXCHANGES = {"prime256v1", "secp384r1", "x25519"}


@unittest.skipIf(prometheus_test.missing, prometheus_test.missing)
class Prometheus(TlsCase):
    def test_up_with_a_certificate_and_not_without(self):
        agent = self.start_tls(*self.site.mutual_flags())
        tls = {"ca_file": self.site.ca.file, "server_name": "localhost"}
        own = {"cert_file": self.site.client.certificate, "key_file": self.site.client.key}
        server = prometheus_test.Server(
            {"mutual": agent.address, "bare": agent.address, "plain": agent.address},
            mutual={"scheme": "https", "tls_config": tls | own}, bare={"scheme": "https", "tls_config": tls})
        self.addCleanup(server.end)
        for job, up in {"mutual": 1, "bare": 0, "plain": 0}.items():
            until(lambda: server.value(f'up{{job="{job}"}}') == up, f"up is {up} in {job}", 30)
        self.assertEqual({"no_certificate", "plain_http"}, set(agent.refusals()))
        # One connection, kept: the others shook hands for their every scrape, in vain.
        until(lambda: float(agent.value('sidemeter_scrapes_total{code="200"}')) > 5, "some scrapes")
        before = float(agent.value("sidemeter_tls_handshake_duration_seconds_count"))
        scrapes = server.value('count_over_time(up{job="mutual"}[1h])')
        until(lambda: server.value('count_over_time(up{job="mutual"}[1h])') >= scrapes + 3, "more scrapes")
        ours = float(agent.value("sidemeter_tls_handshake_duration_seconds_count")) - before
        self.assertEqual(1, ours)  # that of this test's own last look


@unittest.skipUnless(shutil.which("sslscan"), "sslscan is not installed")
class SslScan(TlsCase):
    def scan(self, server):
        agent = self.start_tls("--tls-cert", server.certificate, "--tls-key", server.key)
        out = os.path.join(self.site.folder, "scan.xml")
        subprocess.run(["sslscan", "--no-colour", f"--xml={out}", "--sni-name=localhost", agent.address],
                       check=True, capture_output=True)
        return xml.etree.ElementTree.parse(out).getroot().find("ssltest")

    def test_nothing_weak(self):
        rsa = self.site.ca.issue("rsa", key="rsa:2048", usage=SERVER, sans="DNS:localhost")
        self.assertEqual(KEY_EXCHANGES, self.check(self.scan(rsa)))
        # A client that does not know P-256 cannot check this one's signature (RFC 8422, 5.1).
        self.assertIn("prime256v1", self.check(self.scan(self.site.server)))

    def check(self, found):
        """That it found nothing weak; the groups that it found."""
        enabled = {f"{one.get('type').upper()}v{one.get('version')}" for one in found.iter("protocol")
                   if one.get("enabled") == "1"}
        self.assertEqual({f"TLSv{version}" for version in VERSIONS}, enabled)
        ciphers = {one.get("cipher") for one in found.iter("cipher")}
        self.assertGreaterEqual(len(ciphers), 3)
        for cipher in ciphers:
            self.assertRegex(cipher, r"^(ECDHE-.*-(GCM-|CHACHA20-)|TLS_(AES_\d+_GCM|CHACHA20)_)")
        groups = {one.get("name").split(" ")[0].lower() for one in found.iter("group")}
        aliases = {"secp256r1": "prime256v1"}
        self.assertEqual({"0"}, {one.get("supported") for one in found.iter("renegotiation")})
        self.assertLessEqual({one.get("supported") for one in found.iter("compression")}, {"0"})
        self.assertEqual({"0"}, {one.get("vulnerable") for one in found.iter("heartbleed")})
        groups = {aliases.get(group, group) for group in groups}
        self.assertLessEqual(groups, KEY_EXCHANGES)
        return groups


@unittest.skipUnless(shutil.which("testssl"), "testssl is not installed")
class TestSsl(TlsCase):
    def test_it_rates_nothing_above_low(self):
        agent = self.start_tls(*self.site.server_flags())
        out = os.path.join(self.site.folder, "testssl.json")
        subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1",
                        "--nodns", "none", "-p", "-s", "-f", "-U", "--jsonfile", out,
                        f"localhost:{agent.port}"], capture_output=True, timeout=600)
        with open(out, encoding="utf-8") as file:
            findings = json.load(file)
        self.assertGreater(len(findings), 20)
        # Of gzip: BREACH needs a secret in the body and a request that is repeated in it, and an exposition
        # has neither. The other is about testssl's own openssl.
        told = [f"{one['id']}: {one['severity']}: {one['finding']}" for one in findings
                if one["severity"] not in {"OK", "INFO", "LOW"}
                and one["id"] not in {"BREACH", "engine_problem"}]
        self.assertEqual([], told)


if __name__ == "__main__":
    unittest.main()
