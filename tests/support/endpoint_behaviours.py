"""What the test endpoint can do: one function a path, in BEHAVIOURS at the end.

A behaviour gets an Exchange and sends exactly the octets that it wants the client to see.
"""

import asyncio
import base64
import dataclasses
import functools
import json
import urllib.parse
import zlib

from endpoint_http import Request, answer, head, json_answer

ACCOUNTS = {
    "client_id": "portal",
    "client_secret": "s3cret/+%",  # form-encoded it reads otherwise: s3cret%2F%2B%25
    "public_client_id": "portal-public",
    "username": "user-1",  # any other will do too
    "password": "right",  # the only one that does
    "scope": "hr.read",
}
JSON_TYPE = "application/json"
PIECE_BYTES = 64 * 1024


class Issuer:
    """Grants and refusals, and which refresh tokens are still good. Tokens are numbered from 1."""

    def __init__(self):
        self._count = 0
        self._refresh_tokens = set()

    def issue(self, expires_in=3600, with_refresh_token=True):
        self._count += 1
        token = {"access_token": f"at-{self._count}", "token_type": "Bearer",
                 "expires_in": expires_in, "scope": ACCOUNTS["scope"]}
        if with_refresh_token:
            token["refresh_token"] = f"rt-{self._count}"
            self._refresh_tokens.add(token["refresh_token"])
        return token

    def grant(self, request):
        """What RFC 6749 answers to this request: (status, members, headers)."""
        client_check = request.query("client")
        if client_check is not None and not is_client(request, client_check):
            return 401, {"error": "invalid_client"}, [("WWW-Authenticate", 'Basic realm="test"')]
        expires_in = request.number("expires_in", 3600)
        grant_type = request.field("grant_type")
        if grant_type == "password":
            if request.field("password") == ACCOUNTS["password"]:
                return 200, self.issue(expires_in), []
            return 400, {"error": "invalid_grant"}, []
        if grant_type == "refresh_token":
            return self._refresh(request, expires_in)
        return 400, {"error": "unsupported_grant_type"}, []

    def _refresh(self, request, expires_in):
        token = request.field("refresh_token")
        if token not in self._refresh_tokens:
            return 400, {"error": "invalid_grant"}, []
        rotates = request.query("rotate") != "no"
        if rotates:
            self._refresh_tokens.remove(token)
        return 200, self.issue(expires_in, with_refresh_token=rotates), []


    def revoke(self, request):
        """What RFC 7009 answers to this request. A token that is not known is no error (2.2)."""
        client_check = request.query("client")
        if client_check is not None and not is_client(request, client_check):
            return 401, {"error": "invalid_client"}
        token = request.field("token")
        if not token:
            return 400, {"error": "invalid_request"}
        if token.startswith("at-"):  # as a server that revokes refresh tokens alone (2.2.1)
            return 400, {"error": "unsupported_token_type"}
        self._refresh_tokens.discard(token)
        return 200, None


def is_client(request, method):
    """Whether the request authenticates the client by `method`, one of a profile's names."""
    client_id, secret = ACCOUNTS["client_id"], ACCOUNTS["client_secret"]
    authorization = request.header("Authorization")
    sent = (request.field("client_id"), request.field("client_secret"))
    if method == "none":
        return authorization is None and sent == (ACCOUNTS["public_client_id"], None)
    if method == "client_secret_post":
        return authorization is None and sent == (client_id, secret)
    if method == "client_secret_basic":  # RFC 6749 2.3.1: both are form-encoded first
        client_id, secret = urllib.parse.quote_plus(client_id), urllib.parse.quote_plus(secret)
    elif method != "client_secret_basic_raw":
        return False
    wanted = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return authorization == f"Basic {wanted}" and sent[1] is None


@dataclasses.dataclass
class Exchange:
    """One request and what may be done about it."""

    request: Request
    connection: object  # endpoint.Connection
    issuer: Issuer
    raw: dict  # name -> octets, for /raw/NAME
    released: asyncio.Event  # what /held waits for

    async def send(self, octets):
        await self.connection.send(octets)


async def token(exchange):
    await exchange.send(json_answer(*exchange.issuer.grant(exchange.request)))


async def held(exchange):
    """A token, decided on when the test says so."""
    await exchange.released.wait()
    await token(exchange)


async def revoke(exchange):
    status, members = exchange.issuer.revoke(exchange.request)
    await exchange.send(answer(status) if members is None else json_answer(status, members))


async def form_answer(exchange):
    status, members, headers = exchange.issuer.grant(exchange.request)
    body = urllib.parse.urlencode(members).encode()
    await exchange.send(answer(status, body, "application/x-www-form-urlencoded", headers))


async def status(exchange):
    """/status/400?error=invalid_client has that body; /status/403-empty has none."""
    code, dash, rest = exchange.request.path.removeprefix("/status/").partition("-")
    if not code.isdecimal() or len(code) != 3 or (dash and rest != "empty"):
        await exchange.send(json_answer(404, {"error": "use /status/NNN or /status/NNN-empty"}))
    elif dash:
        await exchange.send(answer(int(code)))
    else:
        error = exchange.request.query("error")
        members = {"error": error} if error else {"status": int(code)}
        await exchange.send(json_answer(int(code), members))


async def hang(exchange):
    await exchange.connection.wait_until_peer_closes()


async def stall(exchange):
    await exchange.send(head(200, [("Content-Type", JSON_TYPE), ("Content-Length", 100)]) + b"{")
    await exchange.connection.wait_until_peer_closes()


async def drip(exchange):
    pause_s = exchange.request.number("ms", 20) / 1000
    for octet in json_answer(200, exchange.issuer.issue()):
        await exchange.send(bytes([octet]))
        await asyncio.sleep(pause_s)


async def redirect(exchange):
    target = exchange.request.query("to", "/token")
    code = exchange.request.number("code", 307)  # 307 and 308 would send the password there
    await exchange.send(answer(code, headers=[("Location", target)]))


def padded_token(size):
    """A JSON token answer of `size` octets, in pieces."""
    before, after = b'{"access_token":"', b'","token_type":"Bearer"}'
    yield before
    left = size - len(before) - len(after)
    while left > 0:
        piece = min(left, PIECE_BYTES)
        yield b"a" * piece
        left -= piece
    yield after


def chunk(octets):
    return b"%x\r\n%s\r\n" % (len(octets), octets)


async def big(exchange):
    size = exchange.request.number("bytes", 1 << 20)
    is_chunked = exchange.request.query("chunked") is not None
    framing = ("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", size)
    await exchange.send(head(200, [("Content-Type", JSON_TYPE), framing]))
    for piece in padded_token(size):
        await exchange.send(chunk(piece) if is_chunked else piece)
    if is_chunked:
        await exchange.send(chunk(b""))


@functools.lru_cache(maxsize=4)
def gzip_bomb_body(size):
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)  # 16: the gzip format
    return b"".join([packer.compress(piece) for piece in padded_token(size)] + [packer.flush()])


async def gzip_bomb(exchange):
    size = exchange.request.number("bytes", 64 << 20)
    body = await asyncio.to_thread(gzip_bomb_body, size)
    await exchange.send(answer(200, body, JSON_TYPE, [("Content-Encoding", "gzip")]))


async def cut(exchange):
    """A body that ends before its framing says so."""
    body = json.dumps(exchange.issuer.issue()).encode()
    if exchange.request.query("chunked") is not None:
        framing, sent = ("Transfer-Encoding", "chunked"), chunk(body)  # and no last chunk
    else:
        framing, sent = ("Content-Length", len(body) + 10), body
    await exchange.connection.send_last(head(200, [("Content-Type", JSON_TYPE), framing]) + sent)


async def reset(exchange):
    exchange.connection.reset()


async def close_after_read(exchange):
    await token(exchange)
    exchange.connection.resets_next = True


async def close_after_answer(exchange):
    """A keep-alive answer, and the connection is gone before it can be used again."""
    await exchange.connection.send_last(json_answer(*exchange.issuer.grant(exchange.request)))


async def http10(exchange):
    code, members, headers = exchange.issuer.grant(exchange.request)
    await exchange.connection.send_last(head(code, [("Content-Type", JSON_TYPE), *headers], "HTTP/1.0")
                                        + json.dumps(members).encode())  # no length: the close ends the body


async def busy(exchange):
    code = exchange.request.number("code", 429)
    after = exchange.request.query("retry_after", "7")
    await exchange.send(answer(code, headers=[("Retry-After", after)]))


async def error_in_200(exchange):
    error = exchange.request.query("error", "invalid_grant")
    await exchange.send(json_answer(200, {"error": error}))


async def echo(exchange):
    await exchange.send(json_answer(200, exchange.request.as_json()))


async def raw(exchange):
    """Exactly the octets that were put under this name, then close (unless ?keep)."""
    octets = exchange.raw.get(exchange.request.path.removeprefix("/raw/"))
    if octets is None:
        await exchange.send(json_answer(404, {"error": "nothing was put under this name"}))
        return
    if exchange.request.query("keep") is None:
        await exchange.connection.send_last(octets)
    else:
        await exchange.send(octets)


async def unknown(exchange):
    await exchange.send(json_answer(404, {"error": "no such behaviour", "known": list(BEHAVIOURS)}))


BEHAVIOURS = {  # a path that ends in / stands for all that begin with it
    "/token": token,
    "/held": held,
    "/revoke": revoke,
    "/form-answer": form_answer,
    "/status/": status,
    "/hang": hang,
    "/stall": stall,
    "/drip": drip,
    "/redirect": redirect,
    "/big": big,
    "/gzip-bomb": gzip_bomb,
    "/cut": cut,
    "/reset": reset,
    "/close-after-read": close_after_read,
    "/close-after-answer": close_after_answer,
    "/http10": http10,
    "/busy": busy,
    "/error-in-200": error_in_200,
    "/echo": echo,
    "/raw/": raw,
}


def find_behaviour(path):
    for name, behaviour in BEHAVIOURS.items():
        if path == name or (name.endswith("/") and path.startswith(name)):
            return behaviour
    return unknown
