#!/usr/bin/python3
"""A token endpoint for tests that does exactly what a test asks for, one behaviour a path.

In a test:
    with Endpoint() as endpoint:
        ...the client asks endpoint.url("/close-after-read") twice...
        assert endpoint.count("/close-after-read", by="X-Job", value="2") == 1
As a program:
    endpoint.py --port 0 --ready-file F     (then GET /_counts and /_log on the same port)
README.md beside this file lists the paths.
"""

import argparse
import asyncio
import os
import signal
import socket
import struct
import sys
import threading

sys.dont_write_bytecode = True  # the source tree stays clean

import ready
from endpoint_behaviours import ACCOUNTS, Exchange, Issuer, find_behaviour
from endpoint_http import HEAD_MAX_BYTES, BadRequest, json_answer, read_request
from endpoint_tls import TlsStream, tls_context

WAIT_TIMEOUT_S = 10


class Journal:
    """Every request that was fully read, in order; safe to use from any thread."""

    def __init__(self):
        self._requests = []
        self._changed = threading.Condition()

    def add(self, request):
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def clear(self):
        with self._changed:
            self._requests.clear()

    def requests(self, path=None):
        with self._changed:
            return [one for one in self._requests if path in (None, one.path)]

    def counts(self, by=None):
        """{path: requests}, or with `by` {path: {value of that header or field: requests}}."""
        counts = {}
        for request in self.requests():
            if by is None:
                counts[request.path] = counts.get(request.path, 0) + 1
                continue
            value = request.header_or_field(by)
            if value is not None:
                values = counts.setdefault(request.path, {})
                values[value] = values.get(value, 0) + 1
        return counts

    def wait_for(self, path, count, timeout_s=WAIT_TIMEOUT_S):
        """Wait until `count` requests for `path` were read; whether they were in time."""
        def has_come():
            return sum(one.path == path for one in self._requests) >= count

        with self._changed:
            return self._changed.wait_for(has_come, timeout_s)


class Connection:
    """One client's connection, and the ways to end it."""

    def __init__(self, number, reader, writer, tls=None):
        """tls: the TlsStream on top of reader and writer, once it is accepted."""
        self.number = number
        self.requests = 0
        self.is_open = True
        self.resets_next = False  # the next request is read, then the connection reset
        self._reader = tls.reader if tls else reader
        self._writer = writer
        self._tls = tls

    async def read(self):
        """The next request, or None when the peer is done."""
        request = await read_request(self._reader)
        if request is not None:
            self.requests += 1
            request.connection, request.place = self.number, self.requests
            request.client_certificate = self._tls.client_name() if self._tls else ""
        return request

    async def send(self, octets):
        if self._tls:
            await self._tls.send(octets)
        else:
            self._writer.write(octets)
            await self._writer.drain()

    async def send_last(self, octets):
        """The octets and the connection's end in one piece: whoever has read the answer can see that
        this connection takes no other request."""
        self._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        await self.send(octets)
        self.close()

    async def wait_until_peer_closes(self):
        while await self._reader.read(4096):
            pass
        self.close()

    def close(self):
        """An orderly end: close_notify under TLS, FIN."""
        if self.is_open:
            (self._tls or self._writer).close()
        self.is_open = False

    def reset(self):
        """RST, and nothing that is still unsent."""
        self.is_open = False
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Endpoint:
    """The endpoint, on a thread and a loop of its own between start() and stop()."""

    def __init__(self, bind="127.0.0.1", port=0, tls=None):
        """tls: a tls_context(), for https."""
        self.bind = bind
        self.port = port  # the real one once started
        self.journal = Journal()
        self.accepted = 0  # connections, those included that never got through TLS
        self._tls = tls
        self._raw = {}
        self._issuer = Issuer()
        self._connections = 0
        self._resets = 0  # connections that are still to be reset
        self._released = None  # asyncio.Event: /held answers
        self._failure = None
        self._loop = None
        self._stopping = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)

    # What a test uses

    def start(self):
        self._thread.start()
        self._started.wait()
        if self._failure:
            raise self._failure
        return self

    def stop(self):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def url(self, path="/token"):
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def count(self, path, by=None, value=None):
        """Requests for `path`, of those with that header or field value when `by` is given."""
        counts = self.journal.counts(by)
        return counts.get(path, 0) if by is None else counts.get(path, {}).get(value, 0)

    def set_raw(self, name, octets):
        """What POST /raw/NAME shall answer, to the octet."""
        self._raw[name] = octets

    def reset_next_connections(self, count):
        """Reset as many new connections at the first octet of their request; how many of the last
        call's were not yet."""
        left, self._resets = self._resets, count
        return left

    def release(self):
        """Answer what /held holds, and at once whatever comes to it from here on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def hold(self):
        """Hold again what comes to /held; as at the start."""
        self._loop.call_soon_threadsafe(self._released.clear)

    # The server

    def _run(self):
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._released = asyncio.Event()
        server = await asyncio.start_server(self._accept, self.bind, self.port,
                                            limit=HEAD_MAX_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping.wait()
        server.close()  # asyncio.run() ends the conversations that are left

    async def _accept(self, reader, writer):
        """One client: TLS where asked for, then its requests until one side ends it."""
        tls = None
        self.accepted += 1
        try:
            if self._resets > 0:
                self._resets -= 1
                await reader.readexactly(1)
                Connection(0, reader, writer).reset()
                return
            if self._tls:
                tls = TlsStream(self._tls, reader, writer, HEAD_MAX_BYTES)
                await tls.accept()
            self._connections += 1
            connection = Connection(self._connections, reader, writer, tls)
            await self._converse(connection)
            connection.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the peer went or failed the handshake (SSLError), as some tests want it to
        except asyncio.CancelledError:
            writer.transport.abort()  # stop()
        finally:
            writer.close()

    async def _converse(self, connection):
        try:
            while connection.is_open and (request := await connection.read()) is not None:
                await self._answer(request, connection)
        except BadRequest as error:
            await connection.send(json_answer(400, {"error": f"bad request: {error}"}))

    async def _answer(self, request, connection):
        if request.path.startswith("/_"):
            await connection.send(await self._control(request))
            return
        self.journal.add(request)
        if connection.resets_next:
            connection.reset()
            return
        await asyncio.sleep(request.number("delay_ms", 0) / 1000)
        behave = find_behaviour(request.path)
        await behave(Exchange(request, connection, self._issuer, self._raw, self._released))
        if not request.keeps_alive:
            connection.close()

    async def _control(self, request):
        """The requests of the test itself, which are not in the journal."""
        call, path = (request.method, request.path), request.query("path")
        if call == ("GET", "/_log"):
            return json_answer(200, [one.as_json() for one in self.journal.requests(path)])
        if call == ("DELETE", "/_log"):
            self.journal.clear()
            return json_answer(200, {})
        if call == ("GET", "/_counts"):
            in_time = await asyncio.to_thread(
                self.journal.wait_for, path, request.number("wait", 0),
                request.number("timeout_ms", WAIT_TIMEOUT_S * 1000) / 1000)
            return json_answer(200 if in_time else 504, self.journal.counts(request.query("by")))
        if request.method == "PUT" and request.path.startswith("/_raw/"):
            self.set_raw(request.path.removeprefix("/_raw/"), request.body)
            return json_answer(200, {})
        return json_answer(404, {"error": "no such control"})


def parse_arguments():
    parser = argparse.ArgumentParser(description="A token endpoint that misbehaves on demand.")
    parser.add_argument("--port", required=True, type=int, help="0 takes a free one")
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--tls-cert", metavar="F", help="PEM chain; serves https")
    parser.add_argument("--tls-key", metavar="F")
    parser.add_argument("--tls-ca", metavar="F",
                        help="CA that clients need; only named in the ready file, as \"ca\"")
    parser.add_argument("--tls-client-ca", metavar="F",
                        help="clients need a certificate from this CA")
    parser.add_argument("--ready-file", metavar="F",
                        help="JSON written (0600) when requests are accepted")
    parser.add_argument("--outlive-caller", action="store_true",
                        help="keep running when the process that started this one is gone")
    options = parser.parse_args()
    if bool(options.tls_cert) != bool(options.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    if options.tls_client_ca and not options.tls_cert:
        parser.error("--tls-client-ca needs --tls-cert")
    return options


def remove_file(path):
    if path and os.path.exists(path):
        os.unlink(path)


def main():
    options = parse_arguments()
    ends = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before the thread: it inherits the mask
    if not options.outlive_caller:
        ready.die_with_caller()
    remove_file(options.ready_file)  # of an earlier run that was killed
    tls = None
    if options.tls_cert:
        tls = tls_context(options.tls_cert, options.tls_key, options.tls_client_ca)
    with Endpoint(options.bind, options.port, tls) as endpoint:
        facts = {"pid": os.getpid(), "url": endpoint.url(""), "token_url": endpoint.url(),
                 **ACCOUNTS}
        if options.tls_ca:
            facts["ca"] = os.path.abspath(options.tls_ca)
        if options.ready_file:
            ready.write_ready(options.ready_file, facts)
        print(f"endpoint: ready at {endpoint.url()}", file=sys.stderr)
        signal.sigwait(ends)
    remove_file(options.ready_file)


if __name__ == "__main__":
    main()
