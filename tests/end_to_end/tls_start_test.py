"""Behaviour 26 and 28: what TLS that cannot be is told at start, by serve and by check-config alike."""

import json
import os
import pathlib
import shutil
import tempfile

from agent_process import run_program
from certificates import openssl
from tls_agent import TlsCase


class Start(TlsCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sidemeter-start-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.certificate, self.key = self.site.server.certificate, self.site.server.key
        self.ca = self.site.ca.file

    def file(self, name, text=""):
        path = os.path.join(self.folder, name)
        pathlib.Path(path).write_text(text, "utf-8")
        return path

    def complaint(self, status, *flags):
        """What both commands say, each with this exit status."""
        socket = os.path.join(self.folder, "s.sock")
        served = run_program("serve", "--socket", socket, "--listen", "127.0.0.1:0", *flags)
        checked = run_program("check-config", *flags)
        self.assertEqual((status, status), (served.returncode, checked.returncode), served.stderr)
        self.assertEqual(served.stderr.splitlines()[-1], checked.stderr.splitlines()[-1])
        self.assertFalse(os.path.exists(socket))
        self.assertTrue(checked.stderr.startswith("sidemeter: "))
        return checked.stderr.removeprefix("sidemeter: ").rstrip("\n")

    def test_one_without_the_other(self):
        said = "TLS needs a certificate and its key: expected --tls-cert and --tls-key, got only "
        self.assertEqual(said + "--tls-cert", self.complaint(2, "--tls-cert", self.certificate))
        self.assertEqual(said + "--tls-key", self.complaint(2, "--tls-key", self.key))

    def test_client_authentication_without_tls(self):
        said = "clients can only be authenticated with TLS: expected --tls-cert and --tls-key"
        for flags in [("--client-auth", "require"), ("--client-ca-file", self.ca),
                      ("--client-allowed-san", "a"), ("--client-crl-file", "x")]:
            self.assertEqual(said, self.complaint(2, *flags))

    def server_complaint(self, certificate, key):
        said = self.complaint(1, "--tls-cert", certificate, "--tls-key", key)
        begin = (f"Cannot load server certificate file '{certificate}' or its private key file "
                 f"'{key}': ")
        self.assertTrue(said.startswith(begin), said)
        return said[len(begin):]

    def test_the_servers_files(self):
        absent, empty = os.path.join(self.folder, "absent"), self.file("empty")
        garbage = self.file("garbage", "garbage")
        self.assertEqual(f"{absent}: No such file or directory", self.server_complaint(absent, self.key))
        self.assertEqual(f"{absent}: No such file or directory",
                         self.server_complaint(self.certificate, absent))
        self.assertEqual(f"{empty}: the file is empty", self.server_complaint(empty, self.key))
        self.assertEqual(f"{empty}: the file is empty", self.server_complaint(self.certificate, empty))
        self.assertTrue(self.server_complaint(garbage, self.key).startswith(f"{garbage}: no certificate: "))
        self.assertTrue(
            self.server_complaint(self.certificate, garbage).startswith(f"{garbage}: no private key: "))
        self.assertEqual(f"{self.folder}: Is a directory", self.server_complaint(self.folder, self.key))
        other = self.site.client.key
        self.assertEqual(f"{other}: the key does not match the certificate",
                         self.server_complaint(self.certificate, other))

    def client_ca_complaint(self, *flags):
        return self.complaint(1, *self.site.server_flags(), "--client-auth", "require", *flags)

    def test_the_authorities(self):
        absent, empty = os.path.join(self.folder, "absent"), self.file("empty")
        begin = "Cannot load CA certificate chain from file "
        self.assertEqual(f"{begin}'{absent}' or directory None: {absent}: No such file or directory",
                         self.client_ca_complaint("--client-ca-file", absent))
        self.assertEqual(f"{begin}'{empty}' or directory None: {empty}: the file is empty",
                         self.client_ca_complaint("--client-ca-file", empty))
        nothing = os.path.join(self.folder, "nothing")
        os.mkdir(nothing)
        self.assertEqual(f"{begin}None or directory '{nothing}': no certificate was found",
                         self.client_ca_complaint("--client-ca-path", nothing))
        self.assertEqual(f"{begin}None or directory '{absent}': {absent}: No such file or directory",
                         self.client_ca_complaint("--client-ca-path", absent))
        half = self.file("half.pem", self.site.ca.text() + self.site.ca.text()[:300] +
                         "\n-----END CERTIFICATE-----\n")
        self.assertEqual(f"{begin}'{half}' or directory None: {half}: 1 of its certificates cannot be read",
                         self.client_ca_complaint("--client-ca-file", half))

    def test_the_revocation_list(self):
        absent = os.path.join(self.folder, "absent.crl")
        self.assertEqual(
            f"Cannot load certificate revocation list file '{absent}': {absent}: No such file or directory",
            self.client_ca_complaint("--client-ca-file", self.ca, "--client-crl-file", absent))

    def test_an_encrypted_key(self):
        locked = os.path.join(self.folder, "locked.key")
        openssl("pkey", "-traditional", "-aes256", "-passout", "pass:secret", "-in", self.key, "-out", locked)
        self.assertTrue(self.server_complaint(self.certificate, locked).startswith(f"{locked}: no private key: "))
        password = self.file("password", "secret\n")
        agent = self.start("--tls-cert", self.certificate, "--tls-key", locked, "--tls-key-password-file",
                           password)
        self.assertIn('msg="TLS is on"', agent.log())

    def test_a_configuration_as_exporters_have_it(self):
        config = self.file("sidemeter.json", json.dumps({"tls_server_config": {
            "cert_file": self.certificate, "key_file": self.key,
            "client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": self.ca,
            "client_allowed_sans": ["prometheus.example"], "min_version": "TLS12",
            "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]}}))
        self.assertEqual("configuration is valid\n", run_program("check-config", "--config", config).stdout)
        agent = self.start_tls("--config", config)
        self.assertTrue(agent.scrape())
        with agent.connect_tls(self.site.context(self.site.client, "1.2", "1.2")) as connected:
            self.assertEqual("ECDHE-ECDSA-AES128-GCM-SHA256", connected.cipher()[0])
