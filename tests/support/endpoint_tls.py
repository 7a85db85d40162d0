"""TLS for the test endpoint, on top of an asyncio connection.

asyncio's own TLS (seen in Python 3.11) closes a handshake that it refuses without sending the
alert. The alert is how a client tells a refused certificate from a lost answer, so the endpoint
does without asyncio's.
"""

import asyncio
import ssl

PIECE_BYTES = 64 * 1024


def tls_context(certificate, key, client_ca=None, version=None):
    """A server's context; with `client_ca`, clients need a certificate from it; `version`, an
    ssl.TLSVersion, is the only one it speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if version:
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")  # or OpenSSL offers nothing below 1.2
    context.set_alpn_protocols(["http/1.1"])
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


class TlsStream:
    """A server's TLS connection; `reader` gives its plain text like any StreamReader."""

    def __init__(self, context, reader, writer, limit):
        self.reader = asyncio.StreamReader(limit)
        self._raw_reader = reader
        self._raw_writer = writer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._pump = None

    async def accept(self):
        """Shake hands. Raises ssl.SSLError when that fails, after sending the alert."""
        await self._run(self._tls.do_handshake)
        self._pump = asyncio.create_task(self._read_on())

    def client_name(self):
        """The common name in the client's certificate, or ""."""
        subject = (self._tls.getpeercert() or {}).get("subject", ())
        return dict(pair for rdn in subject for pair in rdn).get("commonName", "")

    async def send(self, octets):
        await self._run(self._tls.write, octets)

    def close(self):
        """Send close_notify, and FIN."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # the peer's own close_notify is not waited for
        self._raw_writer.write(self._outgoing.read())
        self._raw_writer.close()

    async def _run(self, step, *arguments):
        """Do one step of OpenSSL's, moving octets for it as long as it asks for more."""
        while True:
            try:
                result = step(*arguments)
                await self._flush()
                return result
            except ssl.SSLWantReadError:
                await self._flush()
                octets = await self._raw_reader.read(PIECE_BYTES)
                if octets:
                    self._incoming.write(octets)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                await self._flush()  # the alert
                raise

    async def _flush(self):
        if self._outgoing.pending:
            self._raw_writer.write(self._outgoing.read())
            await self._raw_writer.drain()

    async def _read_on(self):
        try:
            while octets := await self._run(self._tls.read, PIECE_BYTES):
                self.reader.feed_data(octets)
        except (ssl.SSLError, ConnectionError):
            pass  # close_notify, or the end without it
        self.reader.feed_eof()
