"""HTTP/1.x as bytes: sends exactly what it is given, and reads replies strictly (RFC 9112)."""

import re
import socket

PATIENCE_SECONDS = 60


class Response:
    def __init__(self, version, status, reason, fields, body):
        self.version = version  # "HTTP/1.1"
        self.status = status
        self.reason = reason
        self.fields = fields  # [(name, value)]
        self.body = body

    def field(self, name):
        """The value of a field that occurs at most once; None where it does not."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} occurs {len(values)} times"
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def tokens(self, name):
        """The words of a list field, in lower case."""
        joined = ",".join(self.all(name)).lower()
        return {word.strip() for word in joined.split(",")} - {""}

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:200]!r}>"


def connect(address, receive_buffer=None):
    """A socket to "127.0.0.1:80" or "[::1]:80"."""
    host, port = address.rsplit(":", 1)
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    connected = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connected.settimeout(PATIENCE_SECONDS)
    connected.connect((host.strip("[]"), int(port)))
    return connected


def read_to_end(connected):
    """All bytes until the other side ends."""
    pieces = []
    while True:
        try:
            piece = connected.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)


class HttpConnection:
    def __init__(self, address, receive_buffer=None):
        self.socket = connect(address, receive_buffer)
        self._received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def request(self, method="GET", target="/metrics", version="HTTP/1.1", **fields):
        fields.setdefault("Host", "localhost")
        lines = [f"{method} {target} {version}"] + [f"{k}: {v}" for k, v in fields.items()]
        self.send("\r\n".join(lines) + "\r\n\r\n")

    def _more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        self._received += piece
        return bool(piece)

    def _take(self, length):
        while len(self._received) < length:
            assert self._more(), f"the body ends {length - len(self._received)} bytes too early"
        taken, self._received = self._received[:length], self._received[length:]
        return taken

    def _line(self):
        while b"\r\n" not in self._received:
            assert self._more(), f"ended within a line: {self._received[:200]!r}"
        line, self._received = self._received.split(b"\r\n", 1)
        return line

    def head(self):
        """Status line and fields of the next reply; the body has not been read."""
        found = re.fullmatch(rb"(HTTP/1\.[01]) ([1-5]\d\d) ([ -~]*)", self._line())
        assert found, "the reply begins with a status line"
        fields = []
        while line := self._line():
            field = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([ -~]*)", line)
            assert field, f"a field of the reply: {line!r}"
            fields.append((field[1].decode(), field[2].decode()))
        return Response(found[1].decode(), int(found[2]), found[3].decode(), fields, b"")

    def response(self, to_head=False):
        """The next whole reply. A reply to HEAD has no body, whatever its fields say."""
        reply = self.head()
        chunked = reply.field("Transfer-Encoding") == "chunked"
        length = reply.field("Content-Length")
        assert not (chunked and length is not None), "chunked and Content-Length"
        if to_head:
            return reply
        if chunked:
            reply.body = self._chunks()
        elif length is not None:
            reply.body = self._take(int(length))
        else:
            assert "close" in reply.tokens("Connection") or reply.version == "HTTP/1.0", \
                f"nothing tells where the body ends: {reply}"
            while self._more():
                pass
            reply.body, self._received = self._received, b""
        return reply

    def _chunks(self):
        pieces = []
        while size := int(self._line(), 16):
            pieces.append(self._take(size))
            assert self._line() == b"", "a chunk ends in CR LF"
        assert self._line() == b"", "the last chunk has no trailer"
        return b"".join(pieces)

    def rest(self):
        """What still comes until the other side closes."""
        while self._more():
            pass
        rest, self._received = self._received, b""
        return rest


def exchange(address, data):
    """Sends bytes and reads until the other side closes."""
    with connect(address) as connected:
        try:
            connected.sendall(data if isinstance(data, bytes) else data.encode())
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent: what it said can still be read
        return read_to_end(connected)
