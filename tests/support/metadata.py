"""An issuer that serves its metadata, and nothing else: what a test puts at a path."""

import http.server
import json
import ssl
import threading


class MetadataServer:
    """An HTTP server whose documents are those that were put(); it remembers what it was asked."""

    def __init__(self, certificate=None, key=None):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers.items())))
                status, headers, body = outer.documents.get(self.path, (404, {}, b"<html>no such page"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.documents, self.asked = {}, []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.origin = f"{scheme}://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._server.shutdown()
        self._server.server_close()

    def put(self, path, members=None, status=200, headers=None, body=None):
        body = json.dumps(members).encode() if body is None else body
        self.documents[path] = (status, {"Content-Type": "application/json", **(headers or {})}, body)

    @property
    def paths(self):
        return [path for path, _ in self.asked]
