"""The counting token endpoint: it writes down each execution before it answers.

    counting_endpoint.py PORT TLS-PORT CERTIFICATE KEY JOURNAL

A request names its call in X-Call and what shall become of it in X-Mode. The journal (JSON lines,
appended in one write each) outlives the process; refresh tokens are known again from it. Lines on
standard input: `resets N` has the next N requests reset when their first bytes are seen.

    seen      bytes of the call's request have come
    executed  the whole request has come, and this was done: token, refresh (the new one), old (the one it was given)
    answered  the whole answer was given to the kernel
    closed    the peer was gone before that
    ended     the connection was ended instead, as the call wants it
"""
import asyncio
import itertools
import json
import os
import socket
import ssl
import struct
import sys
import time
import urllib.parse

HEAD_MAX_BYTES = 16384


class Journal:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def __call__(self, event, **more):
        line = json.dumps({"t": round(time.monotonic(), 4), "e": event, **more}) + "\n"
        if os.write(self.fd, line.encode()) != len(line):
            os._exit(9)  # half a line: nothing after it could be trusted


class Issuer:
    """Tokens, one of a kind; a refresh token is good once, and its second use ends its family."""

    def __init__(self, path):
        self.serial = itertools.count(1)
        self.current, self.family, self.dead = {}, {}, set()
        try:
            lines = open(path, encoding="utf-8").read().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            self.learn(json.loads(line))

    def learn(self, line):
        if line["e"] == "executed" and line.get("refresh"):
            self.put(line["refresh"], line.get("old"))
        elif line["e"] == "executed" and line.get("reuse"):
            self.dead.add(self.family[line["old"]])

    def put(self, refresh, old):
        family = self.family[old] if old else refresh
        self.family[refresh] = family
        self.current[family] = refresh

    def new(self, what):
        return f"{what}-{os.getpid()}-{next(self.serial)}"

    def issue(self, form):
        """(status, answer, what the journal says)."""
        old = form.get("refresh_token") if form.get("grant_type") == "refresh_token" else None
        if old is not None:
            family = self.family.get(old)
            if family is None or family in self.dead or self.current[family] != old:
                is_reuse = family is not None and family not in self.dead
                if is_reuse:
                    self.dead.add(family)
                return 400, {"error": "invalid_grant"}, {"old": old, "reuse": is_reuse}
        token, refresh = self.new("t"), self.new("r")
        self.put(refresh, old)
        return (200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh},
                {"token": token, "refresh": refresh, "old": old})


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        self.form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
        self.call, (self.mode, _, number) = self.headers.get("x-call", ""), self.headers.get("x-mode", "").partition("-")
        self.number = int(number or 0)


def answer_bytes(status, answer, is_last):
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: {len(body)}\r\n"
    return (head + ("Connection: close\r\n\r\n" if is_last else "\r\n")).encode() + body


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server, self.data, self.task, self.is_seen = server, b"", None, False

    def connection_made(self, transport):
        self.transport, self.peer = transport, transport.get_extra_info("peername")[0]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _):
        if self.task and not self.task.done():
            self.task.cancel()

    def eof_received(self):
        self.transport.close()

    def data_received(self, data):
        self.data += data
        head, found, rest = self.data.partition(b"\r\n\r\n")
        if not self.is_seen and (found or len(self.data) > HEAD_MAX_BYTES):
            self.first_bytes(Request(head, b""))
        if self.transport.is_closing() or not found:
            return
        request = Request(head, b"")
        size = int(request.headers.get("content-length", "0"))
        if len(rest) >= size and self.task is None:
            self.data = rest[size:]
            self.task = asyncio.get_running_loop().create_task(self.answer(Request(head, rest[:size])))

    def first_bytes(self, request):
        self.is_seen = True
        if self.server.resets > 0:
            self.server.resets -= 1
            self.server.journal("seen", call=request.call, peer=self.peer)
            self.reset()

    def reset(self):
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def answer(self, request):
        journal = self.server.journal
        execution = self.server.issuer.new("x")
        try:
            if request.mode == "lazy":  # it takes its time before it does anything; the client may give up meanwhile
                journal("seen", call=request.call, peer=self.peer)
                await asyncio.sleep(request.number / 1000)
            if request.mode in ("fail", "refuse"):
                status = request.number or 400
                answer, facts = {"error": "invalid_grant" if request.mode == "refuse" else "server_error"}, {}
            else:
                status, answer, facts = self.server.issuer.issue(request.form)
            journal("executed", x=execution, call=request.call, peer=self.peer, status=status, mode=request.mode, **facts)
            await self.tell(request, answer_bytes(status, answer, request.mode == "close"), execution)
        except asyncio.CancelledError:
            journal("closed", x=execution, call=request.call)
            raise
        self.task, self.is_seen = None, False
        if self.data and not self.transport.is_closing():
            self.data_received(b"")

    async def tell(self, request, answer, execution):
        if request.mode == "slow":
            await asyncio.sleep(request.number / 1000)
        elif request.mode == "hang":
            await asyncio.sleep(3600)
        if self.transport.is_closing():
            self.server.journal("closed", x=execution, call=request.call)
        elif request.mode in ("reset", "cut"):
            self.server.journal("ended", x=execution, call=request.call)
            if request.mode == "reset":
                self.reset()
            else:
                self.transport.write(answer[:-len(answer) // 4])
                self.transport.close()
        else:
            self.transport.write(answer)
            self.server.journal("answered", x=execution, call=request.call)
            if request.mode == "close":
                self.transport.close()


class Server:
    def __init__(self, journal_path):
        self.issuer, self.journal, self.resets = Issuer(journal_path), Journal(journal_path), 0

    def commands(self):
        lines = os.read(0, 4096).decode().splitlines()
        if not lines:
            os._exit(0)  # the run is gone
        self.resets = int(lines[-1].split()[1])

    async def serve(self, port, tls_port, certificate, key):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: Connection(self), "0.0.0.0", port, backlog=512, reuse_address=True)
        await loop.create_server(lambda: Connection(self), "0.0.0.0", tls_port, backlog=512, reuse_address=True, ssl=tls)
        loop.add_reader(0, self.commands)
        print("endpoint.started", file=sys.stderr, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(Server(sys.argv[5]).serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
