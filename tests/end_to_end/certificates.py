"""Certificates made at test time by `openssl`: good ones, and bad in every way that a test wants.

    authority = Authority(folder, "ca")
    client = authority.issue("client", sans="DNS:prometheus.example")
"""

import datetime
import os
import pathlib
import subprocess

CLIENT = "clientAuth"
SERVER = "serverAuth"

CONFIG = """[ca]
default_ca = here
[here]
dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
default_crl_days = 30
[any]
commonName = supplied
[req]
distinguished_name = empty
[empty]
"""


def openssl(*arguments, **keywords):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, **keywords)
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"
    return done.stdout


def day(offset):
    """So many days from now, as ASN.1 writes it."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)
    return when.strftime("%Y%m%d%H%M%SZ")


def make_key(path, kind):
    """kind: P-256, P-384, or rsa:2048."""
    if kind.startswith("rsa:"):
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[4:]}", "-out", path)
    else:
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{kind}", "-out", path)


class Pair:
    """A certificate's file and its key's."""

    def __init__(self, certificate, key):
        self.certificate, self.key = str(certificate), str(key)

    def text(self):
        return pathlib.Path(self.certificate).read_text("ascii")

    def with_chain(self, *others):
        """The same, with other certificates after it in the file."""
        path = self.certificate.replace(".pem", "-chain.pem")
        pathlib.Path(path).write_text(self.text() + "".join(other.text() for other in others), "ascii")
        return Pair(path, self.key)


class Authority:
    def __init__(self, folder, name, subject="Test authority", key="P-256", issuer=None):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("1000\n", "ascii")
        (self.folder / "crlnumber").write_text("01\n", "ascii")
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=self.folder), "ascii")
        if issuer:
            own = issuer.issue(name, key=key, usage=None, subject=subject,
                               key_usage="keyCertSign,cRLSign", constraints="critical,CA:TRUE")
        else:
            own = Pair(self.folder / "own.pem", self.folder / "own.key")
            make_key(own.key, key)
            openssl("req", "-x509", "-key", own.key, "-out", own.certificate, "-days", 30, "-subj",
                    f"/CN={subject}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.pair, self.file = own, own.certificate

    def text(self):
        return self.pair.text()

    def issue(self, name, key="P-256", sans=None, usage=CLIENT, key_usage="digitalSignature",
              begins=-1, ends=20, digest="sha256", subject=None, constraints="critical,CA:FALSE"):
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        make_key(pair.key, key)
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        openssl("req", "-new", "-config", self.config, "-key", pair.key, "-out", request, "-subj",
                f"/CN={subject or name}")
        lines = [f"basicConstraints={constraints}", f"keyUsage=critical,{key_usage}"]
        lines += [f"extendedKeyUsage={usage}"] if usage else []
        lines += [f"subjectAltName={sans}"] if sans else []
        extensions.write_text("\n".join(lines) + "\n", "ascii")
        openssl("ca", "-batch", "-config", self.config, "-cert", self.pair.certificate, "-keyfile",
                self.pair.key, "-in", request, "-out", pair.certificate, "-notext", "-md", digest,
                "-startdate", day(begins), "-enddate", day(ends), "-extfile", extensions)
        return pair

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-cert", self.pair.certificate, "-keyfile", self.pair.key,
                "-revoke", pair.certificate)

    def crl(self, *arguments):
        """A file with the revocation list as of now."""
        path = self.folder / "crl.pem"
        openssl("ca", "-config", self.config, "-cert", self.pair.certificate, "-keyfile", self.pair.key,
                "-gencrl", "-out", path, *arguments)
        return str(path)


def self_signed(folder, name):
    pair = Pair(os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key"))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            pair.key, "-out", pair.certificate, "-days", 20, "-subj", f"/CN={name}")
    return pair


def serial(certificate):
    """The serial number of a PEM certificate, as openssl writes it."""
    return openssl("x509", "-noout", "-serial", input=certificate).strip()
