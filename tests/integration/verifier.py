"""A token endpoint that knows clients by their assertion (RFC 7523, by PyJWT) or by their certificate (RFC 8705)."""
import http.server
import json
import ssl
import threading
import time
import urllib.parse

import jwt

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    pass


class Verifier(http.server.ThreadingHTTPServer):
    """keys: {(client id, kid): (public key, alg)}; audience: what `aud` must be, the token URL by default; subjects:
    {client id: common name}, for clients that show a certificate."""
    daemon_threads = True

    def __init__(self, keys=None, audience=None, subjects=None, tls=None, drops=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys, self.subjects = keys or {}, subjects or {}
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}/token"
        self.audience = audience or self.url
        self.tls, self.drops = tls, drops  # the first connections, closed before a byte is read
        self.seen, self.forms, self.assertions = set(), [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        connection, address = super().get_request()
        if self.drops > 0:
            self.drops -= 1
            connection.close()
            raise OSError("dropped")
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        pass  # a handshake that fails is what some tests want

    def check_assertion(self, form):
        if form.get("client_assertion_type") != TYPE:
            raise Refused("no client_assertion_type")
        header = jwt.get_unverified_header(form["client_assertion"])
        key, alg = self.keys.get((form.get("client_id"), header.get("kid")), (None, None))
        if key is None:
            raise Refused("unknown client or kid")
        try:
            claims = jwt.decode(form["client_assertion"], key, algorithms=[alg], audience=self.audience,
                                options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]})
        except jwt.InvalidTokenError as error:
            raise Refused(str(error)) from error
        if claims["iss"] != form["client_id"] or claims["sub"] != form["client_id"]:
            raise Refused("iss or sub")
        if claims["exp"] > time.time() + 600:
            raise Refused("an exp too far away")
        if claims["jti"] in self.seen:
            raise Refused("this jti was used before")
        self.seen.add(claims["jti"])
        self.assertions.append((header, claims))

    def check_certificate(self, form, certificate):
        names = dict(pair for rdn in (certificate or {}).get("subject", ()) for pair in rdn)
        if names.get("commonName") != self.subjects.get(form.get("client_id"), ""):
            raise Refused("another certificate's client")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"].startswith("application/json"):
            form = json.loads(body)
        else:
            form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        self.server.forms.append(form)
        try:
            if "client_assertion" in form:
                self.server.check_assertion(form)
            else:
                certificate = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
                self.server.check_certificate(form, certificate)
            self.answer(200, {"access_token": "at", "token_type": "Bearer", "expires_in": 60})
        except Refused as why:
            self.answer(401, {"error": "invalid_client", "error_description": str(why)})

    do_PUT = do_PATCH = do_POST

    def answer(self, status, members):
        body = json.dumps(members).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
