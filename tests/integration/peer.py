"""The other end of a tunnel, by hand: sends whatever a test wants, also what no good peer would."""
import base64
import hashlib
import os
import socket
import ssl
import struct

import msgpack

SUBPROTOCOL = "connector.v1.msgpack"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
HELLO, WELCOME, JOB, RESULT, ACK, CANCEL, DRAIN, RENEW, RENEWED, ERROR, POLICY = range(1, 12)


class Closed(Exception):
    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code, self.reason = code, reason


class WebSocket:
    """RFC 6455 after the upgrade; frames are not fragmented unless asked for."""

    def __init__(self, sock, is_client):
        self.sock, self.is_client, self.inbox = sock, is_client, []

    def _read(self, n):
        data = b""
        while len(data) < n:
            try:
                part = self.sock.recv(n - len(data))
            except (ConnectionError, ssl.SSLError) as error:
                raise Closed(1006, str(error)) from error
            if not part:
                raise Closed(1006)
            data += part
        return data

    def frame(self, opcode, payload, fin=True):
        head = bytes([(0x80 if fin else 0) | opcode])
        mask_bit = 0x80 if self.is_client else 0
        if len(payload) < 126:
            head += bytes([mask_bit | len(payload)])
        elif len(payload) < 65536:
            head += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
        if self.is_client:
            mask = os.urandom(4)
            repeated = (mask * (len(payload) // 4 + 1))[:len(payload)]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")
            head += mask
        self.sock.sendall(head + payload)

    def _frame(self):
        first, second = self._read(2)
        size = second & 0x7f
        if size == 126:
            size = struct.unpack(">H", self._read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._read(8))[0]
        mask = self._read(4) if second & 0x80 else None
        payload = self._read(size)
        if mask:
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        return first & 0x80, first & 0x0f, payload

    def message(self):
        """The next whole data message; answers pings; raises Closed."""
        data = b""
        while True:
            fin, opcode, payload = self._frame()
            if opcode == 8:
                code = struct.unpack(">H", payload[:2])[0] if payload else 1005
                raise Closed(code, payload[2:].decode(errors="replace"))
            if opcode == 9:
                self.frame(10, payload)
            elif opcode != 10:
                data += payload
                if fin:
                    return data

    # --- protocol messages ---

    def send(self, *messages):
        """Each a (type, body) pair; all of them in one WebSocket message."""
        self.frame(2, b"".join(msgpack.packb([kind, body]) for kind, body in messages))

    def receive(self, kind=None):
        """The next protocol message (of that type: others are passed over); (type, body)."""
        while True:
            while self.inbox:
                got = self.inbox.pop(0)
                if kind in (None, got[0]):
                    return got
            unpacker = msgpack.Unpacker(raw=False, max_buffer_size=1 << 24)
            unpacker.feed(self.message())
            self.inbox = [tuple(m) for m in unpacker]

    def closed(self):
        """Read to the end; the close code."""
        try:
            while True:
                self.message()
        except Closed as end:
            return end.code

    def close(self):
        self.sock.close()


def _head(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(1)
        if not part:
            break
        data += part
    return data.decode("latin-1")


def client_context(ca, cert=None, key=None):
    context = ssl.create_default_context(cafile=str(ca))
    if cert:
        context.load_cert_chain(str(cert), str(key))
    return context


def connect(port, context, path="/v1/tunnel", subprotocol=SUBPROTOCOL, host="localhost"):
    """Upgrade as an agent would; (status line's number, WebSocket or None)."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock = context.wrap_socket(raw, server_hostname=host)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = _head(sock)
    status = int(head.split(" ", 2)[1]) if head else 0
    return status, WebSocket(sock, True) if status == 101 else None


def hello(**changes):
    body = {"agent_version": "test", "instance": os.urandom(16), "tunnel": 0, "ledger": os.urandom(16), "ledger_seq": 0,
            "host": "by-hand", "capacity": 4, "known": [], "policy": {"rules": []}, "features": []}
    body.update(changes)
    return HELLO, body


class FakePlatform:
    """Listens where the real platform did, with its certificate."""

    def __init__(self, platform):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(platform.folder / "platform.pem", platform.folder / "platform.key")
        context.load_verify_locations(platform.folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", platform.tunnel_port))
        self.listener.settimeout(40)

    def accept(self):
        """The next agent that connects, upgraded."""
        sock = None
        while sock is None:
            raw, _ = self.listener.accept()
            raw.settimeout(40)
            try:
                sock = self.context.wrap_socket(raw, server_side=True)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
                raw.close()  # of an agent that was stopped while it connected
        head = _head(sock)
        key = [l.split(":", 1)[1].strip() for l in head.split("\r\n") if l.lower().startswith("sec-websocket-key:")][0]
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        sock.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n").encode())
        ws = WebSocket(sock, False)
        ws.head = head
        return ws

    def greet(self, heartbeat_ms=10000, **limits):
        """Accept and welcome; (WebSocket, the hello's body)."""
        ws = self.accept()
        _, body = ws.receive(HELLO)
        ws.send(welcome(heartbeat_ms, **limits))
        return ws, body

    def close(self):
        self.listener.close()


def welcome(heartbeat_ms=10000, **limits):
    return WELCOME, {"platform_version": "test", "session": os.urandom(16), "heartbeat_ms": heartbeat_ms, "now_ms": 0,
                     "limits": {"message_bytes": 262144, "websocket_bytes": 1048576, **limits}}


def job(url, job_id=None, fields=(), **changes):
    body = {"id": job_id or os.urandom(16), "budget_ms": 5000, "purpose": "authorize",
            "request": {"method": "POST", "url": url, "encoding": "form",
                        "fields": [["payload", "grant_type", "password"], ["payload", "username", "{{username}}"],
                                   ["payload", "password", "{{password}}"], *fields]},
            "variables": {"username": "alice", "password": "right"}, "secret_variables": ["password"]}
    body.update(changes)
    return JOB, body
