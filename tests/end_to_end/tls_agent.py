"""An agent that serves HTTPS, and clients for it: openssl s_client, curl, and Python's ssl.

    site = Site()                                    # certificates, made once for a class
    agent = self.start_tls(site, "--client-auth", "require", "--client-ca-file", site.ca.file)
    agent.scrape()                                   # by the good client
    admitted(CURL, agent, site, pair, "1.2")
"""

import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import warnings

import wire
from agent_process import PATIENCE_SECONDS, Agent, AgentCase, run_program
from certificates import SERVER, Authority

REQUEST = b"GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

# Clients must be able to present what the agent must refuse. curl loads a certificate before it
# looks at --ciphers, so it is told by OpenSSL's configuration.
ANYTHING = "DEFAULT:@SECLEVEL=0"
LENIENT = f"""openssl_conf = all
[all]
ssl_conf = modules
[modules]
system_default = lenient
[lenient]
CipherString = {ANYTHING}
"""

PYTHON_VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
                   "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Site:
    """An authority, the agent's certificate, a good client's, and a folder for more."""

    def __init__(self, server_key="P-256"):
        self.folder = tempfile.mkdtemp(prefix="sidemeter-tls-")
        self.lenient = os.path.join(self.folder, "lenient.cnf")
        with open(self.lenient, "w", encoding="ascii") as file:
            file.write(LENIENT)
        self.ca = Authority(self.folder, "ca")
        self.server = self.ca.issue("server", key=server_key, usage=SERVER, sans="DNS:localhost,IP:127.0.0.1")
        self.client = self.ca.issue("client", sans="DNS:prometheus.example")

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def server_flags(self):
        return ["--tls-cert", self.server.certificate, "--tls-key", self.server.key]

    def mutual_flags(self):
        return [*self.server_flags(), "--client-auth", "require", "--client-ca-file", self.ca.file]

    def context(self, pair=None, least="1.2", most="1.3"):
        """Python's, of a client with this certificate."""
        context = ssl.create_default_context(cafile=self.ca.file)
        context.set_ciphers(ANYTHING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = PYTHON_VERSIONS[least]
            context.maximum_version = PYTHON_VERSIONS[most]
        if pair:
            context.load_cert_chain(pair.certificate, pair.key)
        return context


class TlsHttpConnection(wire.HttpConnection):
    def __init__(self, address, context):
        super().__init__(address)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


class TlsAgent(Agent):
    """Its scrapes are by the good client."""

    def __init__(self, site, *flags, **keywords):
        self.site = site
        self.context = site.context(site.client)
        super().__init__(*flags, **keywords)

    def url(self, target="/metrics"):
        return f"https://localhost:{self.port}{target}"

    def http(self, address=None):
        return TlsHttpConnection(address or self.address, self.context)

    def connect_tls(self, context=None):
        return TlsHttpConnection(self.address, context or self.context).socket

    def serves_certificate(self):
        """The PEM of the certificate that a new connection is shown."""
        with self.connect_tls() as connected:
            return ssl.DER_cert_to_PEM_cert(connected.getpeercert(binary_form=True))

    def refusals(self):
        """The counts of refused handshakes that are not 0, by reason."""
        counts = {}
        for series, value in self.scrape().items():
            found = re.fullmatch(r'sidemeter_tls_handshakes_refused_total\{reason="(\w+)"\}', series)
            if found and float(value):
                counts[found[1]] = int(float(value))
        return counts


class TlsCase(AgentCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.addClassCleanup(cls.site.remove)

    def start_tls(self, *flags, **keywords):
        agent = TlsAgent(self.site, *flags, **keywords)
        self.addCleanup(self.stop, agent)
        return agent


# --- clients: each answers whether it got its reply ---

def by_s_client(agent, site, pair, version):
    flag = {"1.0": "-tls1", "1.1": "-tls1_1", "1.2": "-tls1_2", "1.3": "-tls1_3"}[version]
    command = ["openssl", "s_client", "-connect", agent.address, "-CAfile", site.ca.file, flag, "-quiet",
               "-cipher", ANYTHING, "-verify_return_error"]
    if pair:
        command += ["-cert", pair.certificate, "-key", pair.key, "-cert_chain", pair.certificate]
    done = subprocess.run(command, input=REQUEST, capture_output=True, timeout=PATIENCE_SECONDS)
    return done.stdout.startswith(b"HTTP/1.1 200 ")


def by_curl(agent, site, pair, version):
    command = ["curl", "-s", "--cacert", site.ca.file, f"--tlsv{version}", "--tls-max", version,
               "-o", "/dev/null", "-w", "%{http_code}", agent.url("/favicon.ico")]
    if pair:
        command += ["--cert", pair.certificate, "--key", pair.key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                          env=os.environ | {"OPENSSL_CONF": site.lenient})
    return done.returncode == 0 and done.stdout == "200"


def by_python(agent, site, pair, version):
    # A TLS 1.3 client learns of a refusal when it reads: it does not only connect.
    try:
        with agent.connect_tls(site.context(pair, version, version)) as connected:
            connected.sendall(REQUEST)
            return wire.read_to_end(connected).startswith(b"HTTP/1.1 200 ")
    except (ssl.SSLError, ConnectionError):
        return False


CLIENTS = {"openssl": by_s_client, "curl": by_curl, "python": by_python}


def speaks_tls13():
    """Whether this agent's mbedTLS does: it says so where it does not."""
    done = run_program("check-config", "--tls-min-version", "1.3")
    return "TLS 1.3 needs mbedTLS 3.6" not in done.stderr


VERSIONS = ["1.2", "1.3"] if speaks_tls13() else ["1.2"]


def plain_socket(agent):
    connected = socket.create_connection(("127.0.0.1", agent.port), PATIENCE_SECONDS)
    connected.settimeout(PATIENCE_SECONDS)
    return connected
