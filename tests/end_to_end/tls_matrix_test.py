"""Behaviour 26 to 30 and 33: who is let in and who is not, each counted under its own reason.

Every case by three clients and in every version; after each the good client still gets its scrape.
"""

import copy
import os
import shutil
import ssl
import time
import unittest

import wire
from agent_process import until
from certificates import Authority, SERVER, openssl, self_signed
from tls_agent import CLIENTS, REQUEST, VERSIONS, TlsCase, plain_socket

ADMITTED = None


class Matrix(TlsCase):
    def examine(self, agent, cases):
        """cases: {name: (pair, reason or ADMITTED)}"""
        before = agent.refusals()
        for name, (pair, reason) in cases.items():
            for version in VERSIONS:
                for client, connects in CLIENTS.items():
                    with self.subTest(case=name, version=version, client=client):
                        admitted = connects(agent, self.site, pair, version)
                        self.assertEqual(reason is ADMITTED, admitted)
                        wanted = dict(before)
                        if reason is not ADMITTED:
                            wanted[reason] = wanted.get(reason, 0) + 1
                        try:
                            until(lambda: agent.refusals() == wanted, reason, seconds=5)
                        finally:
                            before = agent.refusals()

    def test_chains(self):
        site, ca, folder = self.site, self.site.ca, self.site.folder
        impostor = Authority(folder, "impostor")  # of the same subject
        middle = Authority(folder, "middle", subject="Intermediate", issuer=ca)
        below = middle.issue("below")
        revoked = ca.issue("revoked")
        ca.revoke(revoked)
        agent = self.start_tls(*site.mutual_flags(), "--client-crl-file", ca.crl())
        self.examine(agent, {
            "P-256": (site.client, ADMITTED),
            "P-384": (ca.issue("p384", key="P-384"), ADMITTED),
            "RSA 2048": (ca.issue("rsa2048", key="rsa:2048"), ADMITTED),
            "without extended usage": (ca.issue("any_usage", usage=None), ADMITTED),
            "none": (None, "no_certificate"),
            "another authority of the same subject": (impostor.issue("impostor"), "unknown_ca"),
            "self-signed": (self_signed(folder, "alone"), "unknown_ca"),
            "expired": (ca.issue("expired", begins=-9, ends=-1), "expired"),
            "not yet valid": (ca.issue("future", begins=3, ends=9), "not_yet_valid"),
            "revoked": (revoked, "revoked"),
            "chain with the intermediate": (below.with_chain(middle), ADMITTED),
            "chain without the intermediate": (below, "unknown_ca"),
            "a server's": (ca.issue("servers", usage=SERVER), "bad_usage"),
            "for key agreement only": (ca.issue("agreement", key_usage="keyAgreement"), "bad_usage"),
            "RSA 1024": (ca.issue("rsa1024", key="rsa:1024"), "weak_key"),
            "SHA-1": (ca.issue("sha1", digest="sha1"), "weak_signature"),
        })

    def test_names(self):
        ca = self.site.ca
        agent = self.start_tls(*self.site.mutual_flags(), *(
            flag for name in ["prometheus.example", "10.1.2.3", "2001:db8::1", "ops@example.org",
                              "spiffe://example/prometheus"]
            for flag in ("--client-allowed-san", name)))
        nul = "DER:30:18:82:16:" + ":".join(f"{byte:02x}" for byte in b"prometheus.example\0.ev")

        def named(name, sans):
            return ca.issue(name, sans=sans)

        self.examine(agent, {
            "DNS": (named("dns", "DNS:prometheus.example"), ADMITTED),
            "DNS without case": (named("case", "DNS:Prometheus.EXAMPLE"), ADMITTED),
            "the second of two": (named("second", "DNS:other,DNS:prometheus.example"), ADMITTED),
            "IPv4": (named("ipv4", "IP:10.1.2.3"), ADMITTED),
            "IPv6": (named("ipv6", "IP:2001:db8:0::1"), ADMITTED),
            "e-mail": (named("email", "email:ops@example.org"), ADMITTED),
            "URI": (named("uri", "URI:spiffe://example/prometheus"), ADMITTED),
            "another DNS": (named("other", "DNS:other.example"), "name_not_allowed"),
            "a prefix": (named("prefix", "DNS:prometheus.exampl"), "name_not_allowed"),
            "longer": (named("longer", "DNS:prometheus.example.org"), "name_not_allowed"),
            "a wildcard": (named("wildcard", "DNS:*.example"), "name_not_allowed"),
            "a NUL inside": (named("nul", nul), "name_not_allowed"),
            "another IP": (named("ip", "IP:10.1.2.4"), "name_not_allowed"),
            "an IP as DNS": (named("ip_dns", "DNS:10.1.2.3"), "name_not_allowed"),
            "another e-mail": (named("mail", "email:dev@example.org"), "name_not_allowed"),
            "another URI": (named("path", "URI:spiffe://example/prometheus/x"), "name_not_allowed"),
            "only a common name": (ca.issue("prometheus.example"), "name_not_allowed"),
        })

    def test_a_revocation_list_that_is_out_of_date(self):
        ca = Authority(self.site.folder, "forgetful", subject="Forgetful")
        crl = ca.crl("-crlsec", "1")
        time.sleep(2)
        agent = self.start(*self.site.server_flags(), "--client-auth", "require", "--client-ca-file",
                           ca.file, "--client-crl-file", crl)
        self.assertIn("the revocation list is out of date", agent.log())
        client = ca.issue("client")
        context = self.site.context(client, "1.2", "1.2")
        with self.assertRaises(ssl.SSLError), \
                context.wrap_socket(plain_socket(agent), server_hostname="localhost") as connected:
            connected.sendall(REQUEST)
            connected.recv(1)
        until(lambda: "reason=bad_crl" in agent.log(), "the refusal is logged")

    def test_asked_for_but_not_required(self):
        site = self.site
        agent = self.start_tls(*site.server_flags(), "--client-auth", "request", "--client-ca-file",
                               site.ca.file)
        self.examine(agent, {
            "none": (None, ADMITTED), "good": (site.client, ADMITTED),
            "self-signed": (self_signed(site.folder, "alone2"), "unknown_ca")})

    def test_a_server_of_each_kind_of_key(self):
        for kind in ["rsa:2048", "P-384"]:
            server = self.site.ca.issue(f"server-{kind[:3]}", key=kind, usage=SERVER, sans="DNS:localhost")
            agent = self.start_tls("--tls-cert", server.certificate, "--tls-key", server.key)
            for version in VERSIONS:
                for client, connects in CLIENTS.items():
                    with self.subTest(kind=kind, version=version, client=client):
                        self.assertTrue(connects(agent, self.site, None, version))


class Versions(TlsCase):
    def test_old_versions_are_refused(self):
        agent = self.start_tls(*self.site.mutual_flags())
        count = 0
        for version in ["1.0", "1.1"]:
            for client, connects in CLIENTS.items():
                with self.subTest(version=version, client=client):
                    self.assertFalse(connects(agent, self.site, self.site.client, version))
                    count += 1
                    until(lambda: agent.refusals() == {"no_common_version_or_cipher": count}, count)

    def test_least_and_most(self):
        if VERSIONS == ["1.2"]:
            self.skipTest("this mbedTLS has TLS 1.2 only")
        for flag, version, other in [("--tls-min-version", "1.3", "1.2"), ("--tls-max-version", "1.2", "1.3")]:
            agent = self.start_tls(*self.site.mutual_flags(), flag, version)
            agent.context = self.site.context(self.site.client, version, version)
            for client, connects in CLIENTS.items():
                with self.subTest(flag=flag, client=client):
                    self.assertTrue(connects(agent, self.site, self.site.client, version))
                    self.assertFalse(connects(agent, self.site, self.site.client, other))

    def test_weak_suites_are_refused(self):
        agent = self.start_tls(*self.site.server_flags())
        for suite in ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256"]:
            context = self.site.context(None, "1.2", "1.2")
            context.set_ciphers(suite + ":@SECLEVEL=0")
            with self.subTest(suite=suite), self.assertRaises(ssl.SSLError):
                agent.connect_tls(context)
        self.assertEqual({"no_common_version_or_cipher": 3}, agent.refusals())

    def test_a_client_that_does_not_trust_the_certificate_says_so(self):
        agent = self.start_tls(*self.site.server_flags())
        other = Authority(self.site.folder, "distrusting", subject="Other")
        stranger = copy.copy(self.site)
        stranger.ca = other
        count = 0
        for version in VERSIONS:
            for client, connects in CLIENTS.items():
                with self.subTest(version=version, client=client):
                    self.assertFalse(connects(agent, stranger, None, version))
                    count += 1
                    until(lambda: agent.refusals() == {"client_alert": count}, count, seconds=5)

    def test_no_ticket_and_no_resumption(self):
        agent = self.start_tls(*self.site.mutual_flags())
        for version in VERSIONS:
            context = self.site.context(self.site.client, version, version)
            with agent.connect_tls(context) as first:
                first.sendall(REQUEST)
                wire.read_to_end(first)
                before = first.session
            self.assertFalse(before is not None and before.has_ticket)
            with context.wrap_socket(plain_socket(agent), server_hostname="localhost",
                                     session=before) as second:
                self.assertFalse(second.session_reused)

    def test_renegotiation_is_refused(self):
        agent = self.start_tls(*self.site.server_flags())
        done = openssl("s_client", "-connect", agent.address, "-CAfile", self.site.ca.file, "-tls1_2",
                       input="")
        self.assertIn("Secure Renegotiation IS supported", done)
        # "R" on a line asks for a renegotiation.
        with self.assertRaises(AssertionError) as refused:
            openssl("s_client", "-connect", agent.address, "-CAfile", self.site.ca.file, "-tls1_2",
                    input="R\n")
        self.assertIn("no renegotiation", str(refused.exception))


class Authorities(TlsCase):
    def admits_only_the_good(self, *flags):
        agent = self.start_tls(*self.site.server_flags(), "--client-auth", "require", *flags)
        self.assertTrue(agent.scrape())
        self.assertFalse(CLIENTS["python"](agent, self.site, None, "1.2"))
        return agent

    def folder_with(self, name):
        folder = os.path.join(self.site.folder, self.id())
        os.mkdir(folder)
        shutil.copy(self.site.ca.file, os.path.join(folder, name))
        return folder

    def test_a_folder_with_names_of_its_own(self):
        self.admits_only_the_good("--client-ca-path", self.folder_with("ours.crt"))

    def test_a_folder_with_hashed_names(self):
        folder = self.folder_with("ours.pem")
        openssl("rehash", folder)
        self.assertEqual(2, len(os.listdir(folder)))
        self.admits_only_the_good("--client-ca-path", folder)

    def test_a_file_and_a_folder(self):
        other = Authority(self.site.folder, "another", subject="Another")
        agent = self.admits_only_the_good("--client-ca-file", other.file, "--client-ca-path",
                                          self.folder_with("ours.crt"))
        self.assertTrue(CLIENTS["curl"](agent, self.site, other.issue("elsewhere"), "1.2"))

    @unittest.skipUnless(os.path.exists("/etc/ssl/certs/ca-certificates.crt"),
                         "there is no store of the system (package ca-certificates)")
    def test_the_default_store_is_warned_of(self):
        agent = self.start("--client-auth", "require", *self.site.server_flags())
        self.assertIn("any client that a public authority vouches for is let in", agent.log())
        # Ours is not in it.
        context = self.site.context(self.site.client, "1.2", "1.2")
        with self.assertRaises(ssl.SSLError), \
                context.wrap_socket(plain_socket(agent), server_hostname="localhost") as connected:
            connected.sendall(REQUEST)
            connected.recv(1)


if __name__ == "__main__":
    unittest.main()
