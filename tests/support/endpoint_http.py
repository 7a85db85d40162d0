"""HTTP/1.1 messages for the test endpoint: a request read as it came, an answer built as bytes."""

import base64
import dataclasses
import json
import urllib.parse

from endpoint_payload import read_payload

HEAD_MAX_BYTES = 1 << 20
BODY_MAX_BYTES = 16 << 20
REASONS = {200: "OK", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable", 504: "Gateway Timeout"}


class BadRequest(Exception):
    """What arrived is not a request that this reader understands."""


@dataclasses.dataclass
class Request:
    """One request, fully read. Text is Latin-1, so that every octet survives."""

    method: str
    target: str  # as it stood in the request line
    version: str
    headers: list  # [name, value] in the order of arrival, names as they were written
    body: bytes  # chunked coding undone
    connection: int = 0  # which connection of this endpoint, from 1
    place: int = 0  # which request on that connection, from 1
    client_certificate: str = ""  # the subject's common name, under mutual TLS

    @property
    def path(self):
        return urllib.parse.urlsplit(self.target).path

    def query(self, name, default=None):
        """The first value of a query parameter."""
        query = urllib.parse.urlsplit(self.target).query
        return urllib.parse.parse_qs(query, keep_blank_values=True).get(name, [default])[0]

    def number(self, name, default):
        try:
            return int(self.query(name, default))
        except ValueError as error:
            raise BadRequest(f"query parameter {name} is not a number") from error

    def header(self, name, default=None):
        """The first header of that name, in any case."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    def field(self, name, default=None):
        """The first value of a payload field, or of the query when there is none."""
        content_type = self.header("Content-Type")
        try:
            pairs = read_payload(content_type, self.body) if content_type and self.body else []
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return next((str(value) for key, value in pairs if key == name), self.query(name, default))

    def header_or_field(self, name):
        value = self.header(name)
        return self.field(name) if value is None else value

    @property
    def keeps_alive(self):
        connection = self.header("Connection", "").lower()
        return connection != "close" and (self.version == "HTTP/1.1" or connection == "keep-alive")

    def as_json(self):
        facts = dataclasses.asdict(self)
        facts["path"] = self.path
        facts["body"] = self.body.decode("utf-8", "replace")
        facts["body_base64"] = base64.b64encode(self.body).decode()
        return facts


def _parse_head(head):
    first, *rest = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest("request line")
    headers = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequest("header line")
        headers.append([name, value.strip(" \t")])
    return Request(*parts, headers, b"")


async def _read_chunks(reader):
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise BadRequest("chunk size") from error
        if len(body) + size > BODY_MAX_BYTES:
            raise BadRequest("body too large")
        piece = await reader.readexactly(size + 2)
        if piece[-2:] != b"\r\n":
            raise BadRequest("chunk end")
        if size == 0:  # trailers are not read: no client of ours sends any
            return body
        body += piece[:-2]


async def read_request(reader):
    """Read one request whole; None when the peer closed before its first octet.

    Raises BadRequest, or asyncio.IncompleteReadError when the peer went in its middle.
    """
    first = await reader.read(1)
    if not first:
        return None
    request = _parse_head((first + await reader.readuntil(b"\r\n\r\n"))[:-4])
    if request.header("Transfer-Encoding", "").lower() == "chunked":
        request.body = await _read_chunks(reader)
        return request
    length = request.header("Content-Length", "0")
    if not length.isdecimal() or int(length) > BODY_MAX_BYTES:
        raise BadRequest("Content-Length")
    request.body = await reader.readexactly(int(length))
    return request


def head(status, headers, version="HTTP/1.1"):
    """Status line and headers, with nothing added."""
    lines = [f"{version} {status} {REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(status, body=b"", media_type=None, headers=()):
    """A whole answer with Content-Length; no Content-Type when there is no media type."""
    own = [("Content-Type", media_type)] if media_type else []
    return head(status, [*own, ("Content-Length", len(body)), *headers]) + body


def json_answer(status, value, headers=()):
    return answer(status, json.dumps(value).encode(), "application/json",
                  [("Cache-Control", "no-store"), *headers])
