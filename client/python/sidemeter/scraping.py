"""What answers scrapes in prometheus_client, and has no meaning here: the agent does. For sidemeter.prometheus."""

import threading

CONTENT_TYPE_PLAIN_0_0_4 = CONTENT_TYPE_LATEST = "text/plain; version=0.0.4; charset=utf-8"
CONTENT_TYPE_PLAIN_1_0_0 = "text/plain; version=1.0.0; charset=utf-8"
ELSEWHERE = b"# The metrics of this process are at its Sidemeter agent.\n"


def generate_latest(registry=None, escaping="underscores"):
    """No samples: they are at the agent. A comment says so."""
    return ELSEWHERE


def make_wsgi_app(registry=None, disable_compression=False):
    """An application that answers with generate_latest(): no samples."""
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [ELSEWHERE]
    return application


def make_asgi_app(registry=None, disable_compression=False):
    """An application that answers with generate_latest(): no samples."""
    async def application(scope, receive, send):
        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ELSEWHERE})
    return application


class _NoServer:
    def shutdown(self):
        pass

    server_close = shutdown


def start_http_server(port, addr="0.0.0.0", registry=None, **tls):
    """Listens nowhere. Gives a server that can be shut down, and a thread that has ended."""
    thread = threading.Thread(target=int, daemon=True)
    thread.start()
    return _NoServer(), thread


start_wsgi_server = start_http_server


def write_to_textfile(path, registry=None, escaping="allow-utf-8", tmpdir=None):
    """Writes nothing."""


def delete_from_gateway(gateway, job, grouping_key=None, timeout=30, handler=None):
    """Deletes nothing: what a process pushed stays, as after its end."""


def instance_ip_grouping_key():
    """Empty: the agent stands on the machine of its processes."""
    return {}


def enable_created_metrics():
    """Nothing: the agent's option --created-samples does so for all."""


disable_created_metrics = enable_created_metrics


class _NoCollector:
    """Collects nothing."""

    def __init__(self, *arguments, **keywords):
        pass

    def collect(self):
        return []


ProcessCollector = PlatformCollector = GCCollector = _NoCollector
PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR = ProcessCollector(), PlatformCollector(), GCCollector()


class multiprocess:
    """In the place of the module of this name: no file is left by a process, and the agent knows by its socket that it lives."""
    MultiProcessCollector = _NoCollector

    @staticmethod
    def mark_process_dead(pid, path=None):
        """Nothing: the live values of a dead process are gone already."""
