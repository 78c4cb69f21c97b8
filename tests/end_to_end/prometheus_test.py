"""The judges that matter most: promtool, and a Prometheus server that scrapes the agent."""

import contextlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
import urllib.request

from agent_process import AgentCase, until

OM = "application/openmetrics-text"
missing = None if shutil.which("prometheus") and shutil.which("promtool") else \
    "prometheus and promtool (package prometheus) are not installed"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def text_only(url):
    """A relay that asks for text 0.0.4 whatever it is asked for: this Prometheus cannot be told."""
    class Relay(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        seen = []

        def do_GET(self):
            request = urllib.request.Request(url, headers={"Accept": "text/plain;version=0.0.4"})
            with urllib.request.urlopen(request) as reply:
                body = reply.read()
                kind = reply.headers["Content-Type"]
            self.seen.append(kind)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", Relay.seen
    finally:
        server.shutdown()
        server.server_close()


class Server:
    """A Prometheus server on loopback that scrapes {job: address} each second, as `how` says."""

    def __init__(self, targets, **how):
        self.folder = tempfile.mkdtemp(prefix="sidemeter-prometheus-")
        self.port = free_port()
        jobs = [{"job_name": job, "static_configs": [{"targets": [address]}]} | how.get(job, {})
                for job, address in targets.items()]
        config = os.path.join(self.folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:  # JSON is YAML
            json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                       "scrape_configs": jobs}, file)
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def api(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url) as reply:
                return json.load(reply)["data"]
        except OSError:
            return {}

    def value(self, query):
        """{labels of interest: value} of an instant query with one result; None before that."""
        result = self.api("query", query=query).get("result", [])
        assert len(result) < 2, f"{query}: {result}"
        return float(result[0]["value"][1]) if result else None


@unittest.skipIf(missing, missing)
class Prometheus(AgentCase):
    RECORDS = ("# HELP jobs_total Jobs done.", "# TYPE jobs_total counter",
               'c jobs_total{queue="mail \\"a\\" \\\\ é"} 41.5', "# HELP depth Depth.",
               "# TYPE depth gauge", "g depth -3e-7", "# HELP wait_seconds Time waited.",
               "# UNIT wait_seconds seconds", "# BUCKETS wait_seconds 0.1 1 1e6",
               "h wait_seconds 0.05*3 2",
               'h wait_seconds 0.5 # {trace_id="abc"} 0.5 1700000000', "# HELP size Size.",
               "s size 10 20", "# HELP build Build.", 'i build{version="1.2"}',
               "# HELP job_state State.", "# STATES job_state idle busy", "e job_state busy",
               "# HELP far Far.", "# TYPE far gauge", "g far +Inf")

    def test_promtool_finds_nothing_to_complain_about(self):
        agent = self.start()
        for what in ("its own metrics", "pushed ones too"):
            done = subprocess.run(["promtool", "check", "metrics"], input=agent.text(),
                                  capture_output=True, text=True)
            self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr), what)
            agent.push("# HELP jobs_total Jobs done.", "c jobs_total 1", "# HELP depth Deep.",
                       "g depth 1", "# HELP wait_seconds Waited.", "h wait_seconds 1")

    def test_prometheus_scrapes_text_and_openmetrics(self):
        agent = self.start()
        self.assertIn(" rejected=0", agent.push(*self.RECORDS))
        with text_only(agent.url()) as (relay, seen):
            server = Server({"openmetrics": agent.address, "text": relay})
            self.addCleanup(server.end)
            for job in ("openmetrics", "text"):
                with self.subTest(job):
                    self.check(server, job)
            self.assertEqual({"text/plain; version=0.0.4; charset=utf-8"}, set(seen))
            agent.push('c jobs_total{queue="mail \\"a\\" \\\\ é"} 0.5')
            for job in ("openmetrics", "text"):
                until(lambda: server.value(f'jobs_total{{job="{job}"}}') == 42, "the next value", 30)
        metadata = server.api("metadata")
        self.assertEqual("Jobs done.", metadata["jobs_total"][0]["help"] if "jobs_total" in metadata
                         else metadata["jobs"][0]["help"])
        self.assertEqual("0.0", agent.value('sidemeter_scrapes_total{code="400"}'))

    def check(self, server, job):
        until(lambda: server.value(f'up{{job="{job}"}}') == 1, f"up is 1 in {job}", 30)
        for query, wanted in {
                f'jobs_total{{job="{job}",queue="mail \\"a\\" \\\\ é"}}': 41.5,
                f'depth{{job="{job}"}}': -3e-7,
                f'wait_seconds_bucket{{job="{job}",le="0.1"}}': 3,
                f'wait_seconds_bucket{{job="{job}",le="1e+06"}}': 5,
                f'wait_seconds_count{{job="{job}"}}': 5,
                f'wait_seconds_sum{{job="{job}"}}': 2.65,
                f'size_sum{{job="{job}"}}': 30,
                f'build_info{{job="{job}",version="1.2"}}': 1,
                f'job_state{{job="{job}",job_state="busy"}}': 1,
                f'job_state{{job="{job}",job_state="idle"}}': 0,
                f'far{{job="{job}"}}': float("inf")}.items():
            self.assertEqual(wanted, server.value(query), query)
        # The value of samples scraped equals those exposed: no series occurs twice.
        self.assertEqual(server.value(f'scrape_samples_scraped{{job="{job}"}}'),
                         server.value(f'scrape_samples_post_metric_relabeling{{job="{job}"}}'))
        targets = server.api("targets")["activeTargets"]
        self.assertEqual({""}, {target["lastError"] for target in targets
                                if target["labels"]["job"] == job})


if __name__ == "__main__":
    unittest.main()
