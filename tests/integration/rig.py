"""The real binaries, run as their users run them: a platform end, agents, and what asks them."""
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from ports import free_port  # noqa: E402

BUILD = pathlib.Path(os.environ.get("CONNECTOR_BUILD", ROOT / "build/dev"))
WAIT_S = 20  # the longest that any event is waited for

# Nothing of the environment's own proxies, and a sanitizer's finding is never overlooked.
ENV = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
ENV["ASAN_OPTIONS"] = "detect_leaks=1:exitcode=99:abort_on_error=0"
ENV["UBSAN_OPTIONS"] = "print_stacktrace=1"


class Process:
    """A program in the background whose log lines can be waited for."""

    def __init__(self, argv, prefix=(), env=None, close_fds=True):
        self.lines = []
        self._changed = threading.Condition()
        self.popen = subprocess.Popen([*prefix, *map(str, argv)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True, errors="replace", env=env or ENV,
                                      close_fds=close_fds)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.popen.stderr:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.lines.append("(end)")
            self._changed.notify_all()

    @property
    def pid(self):
        return self.popen.pid

    def mark(self):
        """Where the log is now: for wait(..., since=)."""
        return len(self.lines)

    def wait(self, pattern, since=0, timeout=WAIT_S):
        """The first log line, from `since` on, that matches; fails if the program ends before."""
        end = time.monotonic() + timeout
        seen = since
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if re.search(pattern, line):
                        return line
                seen = len(self.lines)
                left = end - time.monotonic()
                if self.lines[-1:] == ["(end)"] or left <= 0 or not self._changed.wait(left):
                    raise AssertionError(f"no {pattern!r} in the log:\n" + "\n".join(self.lines[-40:]))

    def lines_with(self, pattern, at_least, since=0, timeout=WAIT_S):
        """The log lines, from `since` on, that match, once there are so many. A line may come after its cause shows: what
        a program writes in one turn is written together at its end, and read by a thread here."""
        def found():
            return [line for line in self.lines[since:] if re.search(pattern, line)]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= at_least or self.lines[-1:] == ["(end)"], timeout)
            return found()

    def count(self, pattern):
        return sum(1 for line in list(self.lines) if re.search(pattern, line))

    def signal(self, signum):
        self.popen.send_signal(signum)

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def stop(self, timeout=30):
        """SIGTERM, then the exit status; a sanitizer's finding fails the test."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.finished(timeout)

    def finished(self, timeout=30):
        try:
            status = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("it did not end:\n" + "\n".join(self.lines[-40:]))
        self._reader.join(5)
        found = [l for l in self.lines if "ERROR: AddressSanitizer" in l or "runtime error:" in l or "LeakSanitizer" in l]
        assert not found, "\n".join(self.lines[-120:])
        return status


def run(*argv, stdin="", prefix=(), timeout=60):
    """Run a command to its end; stdout, stderr, returncode."""
    done = subprocess.run([*prefix, *map(str, argv)], input=stdin, capture_output=True, text=True, env=ENV, timeout=timeout)
    assert "AddressSanitizer" not in done.stderr and "runtime error:" not in done.stderr, done.stderr
    return done


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body.decode(errors='replace')}"


def http_ask(host, port, method, path, body=None, headers=None, tls=None, timeout=60):
    connection = (http.client.HTTPSConnection(host, port, context=tls, timeout=timeout) if tls
                  else http.client.HTTPConnection(host, port, timeout=timeout))
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


class Platform:
    """A platform end in a folder of its own, with an admin's and an application's key."""

    def __init__(self, folder, bind="127.0.0.1", public_host="localhost", prefix=(), extra="", more_api=()):
        self.folder, self.prefix, self.bind = pathlib.Path(folder), prefix, bind
        self.folder.mkdir(parents=True, exist_ok=True)
        self.conf = self.folder / "platform.conf"
        self.tunnel_port, self.api_port = free_port(), free_port()
        apis = ", ".join(f'"{a}"' for a in (f"http://127.0.0.1:{self.api_port}", *more_api))
        self.conf.write_text(f'''
            public_url = "https://{public_host}:{self.tunnel_port}";
            listen = {{ tunnel = "{bind}:{self.tunnel_port}"; api = [ {apis} ]; }};
            {extra}
        ''')
        done = run(BUILD / "connector-platform", "init", "-c", self.conf, prefix=prefix)
        assert done.returncode == 0, done.stderr
        self.admin_key = done.stdout.strip().splitlines()[-1].split()[-1]
        self.app_key = None
        self.process = None

    def start(self):
        self.process = Process([BUILD / "connector-platform", "serve", "-c", self.conf], prefix=self.prefix)
        self.process.wait("platform.started")
        if self.app_key is None and not self.prefix:  # in a namespace the API can't be reached from here
            self.app_key = self.api("POST", "/v1/keys", {"name": "app", "role": "app"}).json["key"]
        return self

    def stop(self):
        if self.process is not None:
            process, self.process = self.process, None
            return process.stop()
        return None

    def cli(self, *args, stdin=""):
        return run(BUILD / "connector-platform", *args, "-c", self.conf, stdin=stdin, prefix=self.prefix)

    def api(self, method, path, body=None, key=None, headers=None, timeout=60):
        """Ask the API, as admin unless another key is given ("" for none)."""
        key = self.admin_key if key is None else key
        headers = dict(headers or {})
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        return http_ask("127.0.0.1", self.api_port, method, path, body, headers, timeout=timeout)

    def exchange(self, profile, key=None, timeout=60, **body):
        """As the application: POST …/exchange."""
        return self.api("POST", f"/v1/profiles/{profile}/exchange", body, key=key or self.app_key, timeout=timeout)

    def put_profile(self, name, **profile):
        answer = self.api("PUT", f"/v1/profiles/{name}", {"name": name, "type": "oauth2_password", **profile})
        assert answer.status in (200, 201), answer
        return answer.json

    def add_connector(self, name):
        """Its enrolment string."""
        answer = self.api("POST", "/v1/connectors", {"name": name})
        assert answer.status == 201, answer
        return answer.json["enrollment"]["string"]

    def agents(self, name):
        return self.api("GET", f"/v1/connectors/{name}").json["agents"]


class Agent:
    """An agent in a folder of its own."""

    def __init__(self, folder, prefix=()):
        self.folder, self.prefix = pathlib.Path(folder), prefix
        self.conf = self.folder / "agent.conf"
        self.process = None

    def enroll(self, string, *options):
        done = self.cli("enroll", *options, "-", stdin=string + "\n")
        assert done.returncode == 0, done.stderr
        return self

    def set_policy(self, *rules, extra=""):
        """Rules as text, in place of agent.conf's empty policy."""
        url = re.search(r'platform = \{ url = "([^"]+)"', self.conf.read_text()).group(1)
        self.conf.write_text(f'platform = {{ url = "{url}"; }};\npolicy = ( {", ".join(rules)} );\n{extra}\n')
        return self

    def start(self, wait=True, env=None):
        self.process = Process([BUILD / "connector-agent", "run", "-c", self.conf], prefix=self.prefix, env=env)
        if wait:
            self.process.wait("tunnel.ready")
        return self

    def stop(self):
        if self.process is not None:
            process, self.process = self.process, None
            return process.stop()
        return None

    def cli(self, *args, stdin=""):
        return run(BUILD / "connector-agent", *args, "-c", self.conf, stdin=stdin, prefix=self.prefix)

    def status(self):
        return json.loads(self.cli("status", "--json").stdout)


def rule(name, url, networks=("127.0.0.0/8",), methods=("POST",), ca=None, extra=""):
    """A policy rule as text; by default loopback is listed, or nothing on it could be reached."""
    def words(items):
        return ", ".join(f'"{item}"' for item in items)
    ca = f' ca = "{ca}";' if ca else ""
    return f'{{ name = "{name}"; url = "{url}"; methods = [{words(methods)}]; networks = [{words(networks)}];{ca} {extra} }}'


def origin(url):
    """"https://host:port" of a URL."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def wait_until(claim, what, timeout=WAIT_S):
    """Poll a claim that has no event of its own."""
    end = time.monotonic() + timeout
    while not claim():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.02)


def tls_context(ca):
    return ssl.create_default_context(cafile=str(ca))
