"""What is measured, and with what: the two programs, nginx as token endpoint, wrk, load programs."""
import base64
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import rig  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
LOAD = rig.BUILD / "tests/bench"  # the load programs
WAIT_S = 30
ANSWER = ('{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600,'
          '"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","scope":"read"}')
# As in bench_curl.c
BODY = "grant_type=password&username=alice&password=wonderland"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json, */*;q=0.5",
           "Accept-Encoding": "identity", "Authorization": "Basic YmVuY2g6cXdlcnR5LXdlcnR6"}


class Program:
    """A process with its log in a file: nobody's pipe slows it down."""

    def __init__(self, argv, log):
        self.log = pathlib.Path(log)
        with open(self.log, "wb") as out:
            self.popen = subprocess.Popen([*map(str, argv)], stdin=subprocess.PIPE, stdout=out, stderr=out, env=rig.ENV)

    @property
    def pid(self):
        return self.popen.pid

    def mark(self):
        return self.log.stat().st_size

    def text(self, since=0):
        with open(self.log, "rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")

    def wait(self, pattern, since=0, timeout=WAIT_S):
        """The first line from `since` on that matches."""
        end = time.monotonic() + timeout
        while True:
            ended = self.popen.poll() is not None
            found = re.search(f"^.*{pattern}.*$", self.text(since), re.MULTILINE)
            if found:
                return found.group()
            if ended or time.monotonic() > end:
                raise SystemExit(f"no {pattern!r} in {self.log.name}:\n{self.text()[-2000:]}")
            time.sleep(0.01)

    def say(self, text):
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()

    def cpu_us(self):
        """Of all its threads, those that have ended included."""
        return time.clock_gettime_ns(~self.pid << 3 | 2) // 1000  # as clock_getcpuclockid(3) makes it

    def rss_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text()).group(1))

    def send(self, number):
        self.popen.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=20):
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()
        finally:
            self.popen.stdin.close()


class Platform(rig.Platform):
    def start(self):
        self.process = Program([rig.BUILD / "connector-platform", "serve", "-c", self.conf], self.folder / "log")
        self.process.wait("platform.started")
        if self.app_key is None:
            self.app_key = self.api("POST", "/v1/keys", {"name": "app", "role": "app"}).json["key"]
        return self

    def kill(self):
        process, self.process = self.process, None
        process.stop(signal.SIGKILL)


class Agent(rig.Agent):
    def start(self, wait=True, env=None):
        self.process = Program([rig.BUILD / "connector-agent", "run", "-c", self.conf], self.folder / "log")
        if wait:
            self.process.wait("tunnel.ready")
        return self


class Nginx:
    """The token endpoint: a fixed answer to every request, keep-alive, no log; one process."""

    def __init__(self, folder):
        self.port = rig.free_port()
        self.url = f"http://127.0.0.1:{self.port}/token"
        folder.mkdir()
        (folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
            worker_rlimit_nofile 4096;
            events {{ worker_connections 2048; }}
            http {{
                access_log off; default_type application/json; keepalive_requests 100000000; server_tokens off;
                client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
                uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                server {{ listen 127.0.0.1:{self.port} backlog=4096; location = /token {{ return 200 '{ANSWER}'; }} }}
            }}""")
        self.process = Program(["/usr/sbin/nginx", "-c", folder / "nginx.conf"], folder / "log")
        rig.wait_until(self.answers, "nginx answers")

    def answers(self):
        try:
            return rig.http_ask("127.0.0.1", self.port, "POST", "/token", BODY).status == 200
        except OSError:
            return False


def wrk(url, callers, seconds, body, headers):
    """requests/s, p50, p99 and errors of so many callers that ask one after the other."""
    env = {**rig.ENV, "BENCH_BODY": body, "BENCH_HEADERS": "\n".join(f"{k}: {v}" for k, v in headers.items())}
    done = subprocess.run(["wrk", "-t1", f"-c{callers}", f"-d{seconds}s", "-s", HERE / "exchange.lua", url],
                          capture_output=True, text=True, env=env, timeout=seconds + 30)
    if done.returncode != 0:
        raise SystemExit(f"wrk: {done.stderr}{done.stdout}")
    row = json.loads(done.stdout.strip().splitlines()[-1])
    row["rps"] = row["requests"] / row["us"] * 1e6
    return row


def wrk_direct(nginx, callers, seconds):
    return wrk(nginx.url, callers, seconds, BODY, HEADERS)


def wrk_api(platform, callers, seconds, origin=None):
    origin = origin or f"http://127.0.0.1:{platform.api_port}"
    return wrk(f"{origin}/v1/profiles/bench/exchange", callers, seconds,
               json.dumps({"variables": {"username": "alice", "password": "wonderland"}}),
               {"Authorization": f"Bearer {platform.app_key}", "Content-Type": "application/json"})


def load(name, *argv, timeout=120):
    """A load program's rows, to its end."""
    done = subprocess.run([LOAD / name, *map(str, argv)], capture_output=True, text=True, env=rig.ENV, timeout=timeout)
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def ready_pair(folder, nginx, more_api=()):
    """A platform and its agent, connected, with a profile "bench" for the endpoint."""
    platform = Platform(folder / "platform", more_api=more_api).start()
    agent = Agent(folder / "agent").enroll(platform.add_connector("dc"))
    agent.set_policy(rig.rule("bench", nginx.url)).start()
    platform.put_profile("bench", connector="dc", token_url=nginx.url, content_type="form",
                         client={"method": "client_secret_basic", "id": "bench", "secret": "qwerty-wertz"})
    return platform, agent


def agent_certificates(platform, folder, count, tick):
    """Enrol so many agents, all with one key, as certificates of a file."""
    key, certificates = folder / "idle.key", folder / "idle.pem"
    csr = subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-keyout", key, "-subj", "/CN=bench"], check=True, capture_output=True, text=True).stdout
    platform.add_connector("idle")
    with open(certificates, "w", encoding="ascii") as out:
        enrol = Enrol(platform, csr)
        for i in range(count):
            out.write(enrol.one())
            if i % 100 == 0:
                tick(f"enrolling {i} of {count} agents")
    os.chmod(key, 0o600)
    return key, certificates


class Enrol:
    """Enrolment after enrolment, over two connections."""

    def __init__(self, platform, csr):
        self.csr = csr
        self.admin = http.client.HTTPConnection("127.0.0.1", platform.api_port, timeout=30)
        self.headers = {"Authorization": f"Bearer {platform.admin_key}"}
        self.tunnel = http.client.HTTPSConnection("localhost", platform.tunnel_port, timeout=30,
                                                  context=rig.tls_context(platform.folder / "ca.pem"))

    def ask(self, connection, path, body, want):
        connection.request("POST", path, body=None if body is None else json.dumps(body), headers={
            **self.headers, "Content-Type": "application/json"} if connection is self.admin else {})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != want:
            raise SystemExit(f"{path}: {answer.status} {text}")
        return json.loads(text)

    def one(self):
        string = self.ask(self.admin, "/v1/connectors/idle/enrollments", None, 201)["string"]
        inner = string.split(".", 1)[1]
        token = json.loads(base64.urlsafe_b64decode(inner + "=" * (-len(inner) % 4)))["token"]
        chain = self.ask(self.tunnel, "/v1/enroll", {"token": token, "csr": self.csr}, 200)["certificate"]
        return chain[:chain.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
