"""basic_auth_users, and the address of probes."""

import base64
import concurrent.futures
import json
import os
import random
import shutil
import statistics
import string
import subprocess
import tempfile
import time
import unittest

import wire
from agent_process import AgentCase, run_program


def bcrypt(password, cost):
    """By perl, which every Debian has: Python's crypt is gone with 3.13."""
    alphabet = string.ascii_letters + string.digits
    salt = f"$2y${cost:02}$" + "".join(random.choices(alphabet, k=21)) + "e"
    return subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password, salt], check=True,
                          capture_output=True, text=True).stdout


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Passwords(AgentCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="sidemeter-users-")
        self.addCleanup(shutil.rmtree, folder)
        self.config = os.path.join(folder, "sidemeter.json")

    def serve(self, users):
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({"basic_auth_users": users}, file)
        return self.start("--config", self.config)

    def status(self, agent, **fields):
        return agent.get("/metrics", **fields).status

    def test_who_knows_the_password_is_answered(self):
        agent = self.serve({"an": bcrypt("secret", 5), "bob": bcrypt("other", 5)})
        for _ in range(2):  # checked, then remembered
            self.assertEqual(200, self.status(agent, authorization=basic("an", "secret")))
            self.assertEqual(200, self.status(agent, authorization=basic("bob", "other")))
            for user, password in [("an", "other"), ("bob", "secret"), ("an", ""), ("", ""), ("eve", "secret")]:
                self.assertEqual(401, self.status(agent, authorization=basic(user, password)))
        reply = agent.get("/metrics")
        self.assertEqual(401, reply.status)
        self.assertTrue(reply.field("WWW-Authenticate").startswith("Basic "))
        self.assertTrue(reply.body.startswith(b"# HTTP 401 Unauthorized: "))

    def test_keep_alive_and_pipelining_go_on_past_the_gate(self):
        agent = self.serve({"an": bcrypt("secret", 5)})
        with agent.http() as connection:
            for _ in range(5):
                connection.request(Authorization=basic("an", "secret"))
            connection.request()
            self.assertEqual([200] * 5 + [401], [connection.response().status for _ in range(6)])

    def test_scrapes_go_on_while_passwords_are_checked(self):
        agent = self.serve({"an": bcrypt("secret", 12)})
        self.assertEqual(200, self.status(agent, authorization=basic("an", "secret")))
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            wrong = [pool.submit(self.status, agent, authorization=basic("an", f"wrong {n}"))
                     for n in range(12)]
            scrapes = 0
            while not all(one.done() for one in wrong):
                self.assertEqual(200, self.status(agent, authorization=basic("an", "secret")))
                scrapes += 1
        self.assertEqual({401}, {one.result() for one in wrong})
        # On the loop each check would hold up a scrape.
        self.assertGreater(scrapes, 2 * len(wrong))

    def test_the_time_of_a_refusal_tells_no_name(self):
        agent = self.serve({"an": bcrypt("secret", 9)})

        def seconds(user):
            begin = time.perf_counter()
            self.assertEqual(401, self.status(agent, authorization=basic(user, f"{user} {begin}")))
            return time.perf_counter() - begin

        pairs = [(seconds("an"), seconds("eve")) for _ in range(15)]
        known, unknown = (statistics.median(one) for one in zip(*pairs))
        # Without the check of nobody's hash the ratio would be 20 and more.
        self.assertLess(max(known / unknown, unknown / known), 2)

    def test_a_password_in_place_of_a_hash_is_refused(self):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write('{"basic_auth_users":\n  {"an": "secret"}}')
        done = run_program("check-config", "--config", self.config)
        self.assertEqual(2, done.returncode)
        self.assertEqual(f"sidemeter: {self.config}:2: basic_auth_users.an: expected a bcrypt hash, as "
                         "htpasswd -nB writes it\n", done.stderr)


class Health(AgentCase):
    def start_with_probes(self, *flags):
        agent = self.start("--health-listen", "127.0.0.1:0", *flags)
        return agent, agent.log().split('msg="listening for probes" address=')[1].split()[0]

    def ask(self, address, target, method="GET"):
        with wire.HttpConnection(address) as connection:
            connection.request(method, target)
            return connection.response(to_head=method == "HEAD")

    def test_probes_are_answered_and_nothing_else(self):
        agent, address = self.start_with_probes()
        self.assertEqual(200, self.ask(address, "/-/healthy").status)
        self.assertEqual(200, self.ask(address, "/-/ready").status)
        self.assertEqual(200, self.ask(address, "/-/ready", "HEAD").status)
        for target in ["/metrics", "/", "/-/reload", "/favicon.ico"]:
            self.assertEqual(404, self.ask(address, target).status)
        self.assertEqual(405, self.ask(address, "/-/ready", "POST").status)

    def test_on_the_metrics_address_they_are_metrics(self):
        agent, _ = self.start_with_probes()
        for target in ["/-/healthy", "/-/ready"]:
            self.assertIn(b"sidemeter_build_info", agent.get(target).body)


if __name__ == "__main__":
    unittest.main()
