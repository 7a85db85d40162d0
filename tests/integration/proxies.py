"""HTTP proxies for tests: Debian's tinyproxy and squid, and one that misbehaves as it is told."""
import base64
import pathlib
import selectors
import shutil
import socket
import ssl
import subprocess
import threading

import rig


def _wait_for_port(process, port):
    def listens():
        assert process.poll() is None, "the proxy has ended"
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    rig.wait_until(listens, "the proxy listens")


class Daemon:
    """A proxy that is a program of its own."""

    def __init__(self, argv, port, log):
        self.port, self.log = port, pathlib.Path(log)
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=rig.ENV)
        _wait_for_port(self.process, port)

    def asked_for(self, host, port):
        """Whether its log names a CONNECT to that destination."""
        return f"CONNECT {host}:{port}" in self.log.read_text(errors="replace")

    def close(self):
        self.process.terminate()
        self.process.wait(20)


def tinyproxy(folder, user=None, password=None):
    folder = pathlib.Path(folder)
    folder.mkdir()
    port = rig.free_port()
    conf = folder / "tinyproxy.conf"
    basic = f"BasicAuth {user} {password}\n" if user else ""
    conf.write_text(f'Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nLogLevel Connect\n'
                    f'LogFile "{folder}/log"\n{basic}')
    return Daemon(["tinyproxy", "-d", "-c", conf], port, folder / "log")


def squid(folder, user=None, password=None):
    folder = pathlib.Path(folder)
    folder.mkdir()
    port = rig.free_port()
    lines = [f"http_port 127.0.0.1:{port}", f"pid_filename {folder}/squid.pid", f"access_log stdio:{folder}/log",
             f"cache_log {folder}/cache.log", f"coredump_dir {folder}", "cache deny all", "shutdown_lifetime 0 seconds",
             "workers 1", "pinger_enable off", "logfile_rotate 0"]
    if user:
        helper = folder / "basic"
        helper.write_text("#!/usr/bin/python3\nimport sys, urllib.parse\nfor line in sys.stdin:\n"
                          "    got = [urllib.parse.unquote(w) for w in line.split()]\n"
                          f"    print('OK' if got == [{user!r}, {password!r}] else 'ERR', flush=True)\n")
        helper.chmod(0o755)
        lines += [f"auth_param basic program {helper}", "auth_param basic children 1", "acl known proxy_auth REQUIRED",
                  "http_access allow known", "http_access deny all"]
    else:
        lines += ["http_access allow all"]
    conf = folder / "squid.conf"
    conf.write_text("\n".join(lines) + "\n")
    shutil.chown(folder, "proxy", "proxy")
    for part in folder.iterdir():
        shutil.chown(part, "proxy", "proxy")
    part = folder
    while part != part.parent and part != pathlib.Path("/tmp"):
        part.chmod(part.stat().st_mode | 0o055)  # squid runs as a user of its own
        part = part.parent
    return Daemon(["squid", "-N", "-f", conf], port, folder / "log")


def _pump(a, b):
    """Bytes both ways until either end closes."""
    with selectors.DefaultSelector() as events:
        events.register(a, selectors.EVENT_READ, b)
        events.register(b, selectors.EVENT_READ, a)
        while True:
            for key, _ in events.select():
                try:
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)
                except OSError:
                    return


class ByHand:
    """A proxy whose answer to CONNECT a test decides: `answer(sock, head)` returns whether to go on and tunnel."""

    def __init__(self, answer=None, wrap=None, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self.heads, self._open = [], []
        self.answer = answer or self.ok
        self.wrap = wrap
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def ok(sock, head):
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock):
        head = b""
        try:
            while b"\r\n\r\n" not in head:
                data = sock.recv(4096)
                if not data:
                    return
                head += data
            self.heads.append(head.decode("latin-1"))
            if self.answer(sock, head):
                host, port = head.split(b" ")[1].decode().rsplit(":", 1)
                near = self.wrap(sock) if self.wrap else sock
                far = socket.create_connection((host, int(port)))
                _pump(near, far)
        except (OSError, ssl.SSLError):
            pass
        finally:
            sock.close()

    def credentials(self):
        """Those of the last request, decoded."""
        lines = [l for l in self.heads[-1].split("\r\n") if l.lower().startswith("proxy-authorization: basic ")]
        return base64.b64decode(lines[0].split()[2]).decode() if lines else None

    def drop(self):
        """End the tunnel that was made last."""
        self._open[-1].shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()
        for sock in self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
