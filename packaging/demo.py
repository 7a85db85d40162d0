"""What packaging/demo runs once the packages are there; see the comment at its top."""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
sys.dont_write_bytecode = True
from ports import free_port  # noqa: E402

BUILD = ROOT / "build/release"
AGENT, PLATFORM = BUILD / "connector-agent", BUILD / "connector-platform"
CONNECTOR, PROFILE = "datacenter-1", "demo"
READY_S, STOP_S = 30, 15
POLL_S = 0.02
TITLE_COLUMNS = 76

# What runs here speaks to this machine only.
ENV = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


class Failed(Exception):
    """A step failed; the text is for the person who runs the demo."""


class Lines:
    """The lines for people, each with what it took."""

    def __init__(self, out):
        self.out = out

    def say(self, text=""):
        print(text, file=self.out, flush=True)

    @contextlib.contextmanager
    def step(self, title):
        print(f"  {title:<{TITLE_COLUMNS}}", end="", file=self.out, flush=True)
        began = time.monotonic()
        try:
            yield
        except BaseException as why:
            self.say(" interrupted" if isinstance(why, SystemExit) else " FAILED")
            raise
        self.say(f"{time.monotonic() - began:7.2f} s")


class Interrupts:
    """SIGINT, SIGTERM and SIGHUP end the demo where it stands, but not between the start of a
    program and the note that it has to be stopped."""

    def __init__(self):
        self.is_held, self.caught = False, None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_signal)

    def on_signal(self, number, _frame):
        self.caught = number
        if not self.is_held:
            sys.exit(128 + number)

    @contextlib.contextmanager
    def held(self):
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False
        if self.caught is not None:
            sys.exit(128 + self.caught)

    def hold_for_good(self):
        self.is_held = True


def is_running(pid):
    """A process that has ended and that nobody has asked about is not running."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def tail(path, lines=15):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def write_private(path, text):
    """A file that only its owner can read, from its first byte on."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    return path


class Programs:
    """What was started, newest last. Each in a session of its own, so that an interrupt at the
    terminal is ours to pass on; and unless it shall stay, it ends with us, however we end."""

    def __init__(self, folder, interrupts, stays):
        self.folder, self.interrupts, self.stays = folder, interrupts, stays
        self.running = []

    def start(self, name, argv):
        log = self.folder / f"{name}.log"
        if not self.stays:
            argv = ["setpriv", "--pdeathsig", "TERM", "--", *argv]
        with self.interrupts.held(), open(log, "wb") as out:
            program = subprocess.Popen([*map(str, argv)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       cwd=self.folder, env=ENV, start_new_session=True)
            self.running.append((name, program))
        return program, log

    def wait(self, program, log, is_ready, what):
        end = time.monotonic() + READY_S
        while not is_ready():
            if program.poll() is not None:
                raise Failed(f"it ended with status {program.returncode}:\n{tail(log)}")
            if time.monotonic() > end:
                raise Failed(f"{what} did not come within {READY_S} s:\n{tail(log)}")
            time.sleep(POLL_S)

    def stop(self):
        """Newest first. False if one had to be killed."""
        is_clean = True
        while self.running:
            name, program = self.running.pop()
            program.terminate()
            try:
                program.wait(STOP_S)
            except subprocess.TimeoutExpired:
                is_clean = False
                program.kill()
                program.wait()
        return is_clean


def run(argv, stdin="", statuses=(0,)):
    """Run a command to its end; what it wrote to standard output. An interrupt ends it too."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command = subprocess.Popen([*map(str, argv)], stdin=subprocess.PIPE, stdout=out, stderr=err, text=True,
                                   cwd=ROOT, env=ENV, start_new_session=True)
        try:
            command.communicate(stdin)
        except BaseException:
            os.killpg(command.pid, signal.SIGTERM)
            command.wait()
            raise
        out.seek(0)
        err.seek(0)
        said = out.read()
        if command.returncode not in statuses:
            shown = shlex.join(os.path.relpath(a, ROOT) if str(a).startswith(f"{ROOT}/") else str(a) for a in argv)
            raise Failed(f"{shown}: status {command.returncode}\n{(said + err.read())[-6000:]}")
        return said


class Demo:
    def __init__(self, lines, interrupts, is_kept):
        self.lines, self.is_kept = lines, is_kept
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="connector-demo."))  # mode 0700
        self.programs = Programs(self.folder, interrupts, is_kept)
        self.platform_conf = self.folder / "platform/platform.conf"
        self.agent_conf = self.folder / "agent/agent.conf"

    def platform(self, *args, **how):
        return run([PLATFORM, *args, "-c", self.platform_conf], **how)

    def agent(self, *args, **how):
        return run([AGENT, *args, "-c", self.agent_conf], **how)

    # ---- the steps, in order ----

    def build(self):
        with self.lines.step("build connector-agent and connector-platform (build/release)"):
            (ROOT / "build").mkdir(exist_ok=True)
            with open(ROOT / "build/demo.lock", "w", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # another demo may be building
                run(["cmake", "--preset", "release"])
                run(["cmake", "--build", "--preset", "release", "--target", "connector-agent", "connector-platform"])

    def make_pki(self):
        with self.lines.step("make a throw-away CA, and a certificate for the token server"):
            run([ROOT / "certs/make-test-pki", self.folder / "pki"])

    def start_token_server(self):
        pki, ready = self.folder / "pki", self.folder / "token-server.json"
        with self.lines.step("start a token server: glewlwyd, over TLS"):
            program, log = self.programs.start("token-server", [
                ROOT / "tests/support/glewlwyd", "--dir", self.folder / "token-server", "--port", "0",
                "--tls-cert", pki / "server.pem", "--tls-key", pki / "server.key", "--tls-ca", pki / "ca.pem",
                "--ready-file", ready, *(["--outlive-caller"] if self.is_kept else [])])
            self.programs.wait(program, log, ready.exists, "its ready file")
            self.token_server = json.loads(ready.read_text())

    def init_platform(self):
        tunnel_port, api_port = free_port(), free_port()
        self.api = f"https://127.0.0.1:{api_port}"
        with self.lines.step("connector-platform init: private CA, store, first admin key"):
            self.platform_conf.parent.mkdir()
            write_private(self.platform_conf,
                          f'public_url = "https://127.0.0.1:{tunnel_port}";\n'
                          f'listen = {{ tunnel = "127.0.0.1:{tunnel_port}"; api = [ "{self.api}" ]; }};\n')
            key = self.platform("init").split()[-1]
            self.admin_key = write_private(self.folder / "admin.key", key + "\n")

    def is_api_ready(self):
        ca = ssl.create_default_context(cafile=str(self.folder / "platform/ca.pem"))
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ca)
        try:
            with urllib.request.build_opener(*handlers).open(f"{self.api}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:  # it doesn't listen yet, or isn't ready (urllib's errors are OSErrors)
            return False

    def start_platform(self):
        with self.lines.step(f"connector-platform serve: API at {self.api}"):
            program, log = self.programs.start("platform", [PLATFORM, "serve", "-c", self.platform_conf])
            self.programs.wait(program, log, self.is_api_ready, "an answer of /readyz")
            self.platform_pid = program.pid
            key = self.platform("key", "add", "demo-app", "--role", "app").strip()
            self.app_key = write_private(self.folder / "app.key", key + "\n")

    def enrol_agent(self):
        with self.lines.step(f"connector-platform connector add {CONNECTOR}"):
            string = self.platform("connector", "add", CONNECTOR)
        with self.lines.step("connector-agent enroll: its own key, a certificate for it"):
            self.agent("enroll", "-", stdin=string)

    def allow_token_server(self):
        url = self.token_server["token_url"]
        with self.lines.step(f"agent policy: allow {url} and nothing else"):
            (self.agent_conf.parent / "policy.d").mkdir(mode=0o700)
            write_private(self.agent_conf.parent / "policy.d/demo.conf",
                          "# Loopback is refused unless a rule lists a network in it.\n"
                          f'policy = ( {{ name = "demo"; url = "{url}"; methods = ["POST"];\n'
                          f'             networks = ["127.0.0.0/8"]; ca = "{self.folder}/pki/ca.pem"; }} );\n')
            self.agent("check")

    def start_agent(self):
        with self.lines.step("connector-agent run: one tunnel out to the platform"):
            program, log = self.programs.start("agent", [AGENT, "run", "-c", self.agent_conf])
            self.programs.wait(program, log, lambda: re.search(r"\btunnel\.ready\b", log.read_text(errors="replace")),
                               "tunnel.ready in its log")
            self.agent_pid = program.pid

    def put_profile(self):
        server = self.token_server
        profile = {
            "name": PROFILE, "type": "oauth2_password", "connector": CONNECTOR, "token_url": server["token_url"],
            "fields": [{"place": "payload", "key": "scope", "value": server["scope"]}],
            "client": {"method": "client_secret_basic_raw", "id": server["client_id"],
                       "secret": server["client_secret"]},
            "auth_error_status": [403],  # glewlwyd's answer to a wrong password
        }
        with self.lines.step(f"connector-platform profile put {PROFILE}.json"):
            path = write_private(self.folder / f"{PROFILE}.json", json.dumps(profile, indent=2) + "\n")
            self.platform("profile", "put", path)

    def exchange(self, title, password, expected):
        with self.lines.step(title):
            said = self.platform("exchange", PROFILE, "--set", f"username={self.token_server['username']}",
                                 "--ask", "password", stdin=password + "\n", statuses=(0, 1))
            if not said.startswith(f"{expected}:"):
                raise Failed(f"it should have been {expected}:\n{said}")
        self.lines.say("\n" + "".join(f"      {line}\n" for line in said.splitlines()))

    def run(self):
        self.build()
        self.make_pki()
        self.start_token_server()
        self.init_platform()
        self.start_platform()
        self.enrol_agent()
        self.allow_token_server()
        self.start_agent()
        self.put_profile()
        self.exchange("exchange with the right password", self.token_server["password"], "issued")
        self.exchange("exchange with a wrong password", "not the password", "credentials_refused")

    # ---- the end ----

    def facts(self):
        return {
            "api": self.api, "ca": str(self.folder / "platform/ca.pem"),
            "admin_key_file": str(self.admin_key), "app_key_file": str(self.app_key),
            "platform_conf": str(self.platform_conf), "agent_conf": str(self.agent_conf),
            "platform_pid": self.platform_pid, "agent_pid": self.agent_pid,
            "token_server": self.token_server["token_url"], "token_server_pid": self.token_server["pid"],
            "profile": PROFILE,
        }

    def stop(self):
        """Everything that was started, and the folder."""
        is_clean = True
        if self.programs.running:
            names = ", ".join(name for name, _ in reversed(self.programs.running))
            with self.lines.step(f"stop what was started: {names}"):
                is_clean = self.programs.stop()
        shutil.rmtree(self.folder)
        return is_clean

    def write_helpers(self):
        """For --keep: the body of an exchange, and the script that ends it all."""
        variables = {name: self.token_server[name] for name in ("username", "password")}
        write_private(self.folder / "exchange.json", json.dumps({"variables": variables}) + "\n")
        stop = self.folder / "stop"
        write_private(stop, STOP_SCRIPT.format(
            folder=shlex.quote(str(self.folder)),
            pids=f"{self.agent_pid} {self.platform_pid} {self.token_server['pid']}"))
        stop.chmod(0o700)

    def say_how_to_use(self):
        self.lines.say(USE.format(
            here=shlex.quote(str(self.folder)), api=self.api, profile=PROFILE, connector=CONNECTOR,
            agent=AGENT.relative_to(ROOT), platform=PLATFORM.relative_to(ROOT),
            user=self.token_server["username"]))


STOP_SCRIPT = """\
#!/usr/bin/env bash
# Stop this demo's programs and remove its folder.
set -u
folder={folder}

# It runs, and with a file of this folder: a number may be another program's by now.
is_ours() {{
    grep -qsF "$folder" "/proc/$1/cmdline"
}}

main() {{
    local pid i
    for pid in {pids}; do
        is_ours "$pid" && kill -TERM "$pid"
        for ((i = 0; i < 300; i++)); do # 15 s
            is_ours "$pid" || break
            sleep 0.05
        done
        is_ours "$pid" && kill -KILL "$pid"
    done
    rm -rf "$folder"
}}

main
exit
"""

USE = """\
  All of it is still running. Its files, logs and keys are in
      {here}

  An exchange, as an application asks for it:
      D={here}
      curl -sS --cacert $D/platform/ca.pem -H @<(printf 'Authorization: Bearer %s' "$(cat $D/app.key)") \\
          -H 'Content-Type: application/json' -d @$D/exchange.json {api}/v1/profiles/{profile}/exchange

  The same, and more, as the platform's admin and as the agent's:
      {platform} exchange {profile} --set username={user} --ask password -c $D/platform/platform.conf
      {platform} connector show {connector} -c $D/platform/platform.conf
      {agent} status -c $D/agent/agent.conf
  (the user's password stands in $D/exchange.json)

  Stop it and remove the folder:
      {here}/stop
"""


def finish(demo, options, began):
    """What is left to say when both exchanges went as they should."""
    lines, took_s = demo.lines, time.monotonic() - began
    if options.keep:
        demo.write_helpers()
    facts = demo.facts()
    lines.say(f"  The right password was issued a token, the wrong one was refused. ({took_s:.1f} s)")
    if options.keep:
        lines.say()
        demo.say_how_to_use()
    return facts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began, status, facts = time.monotonic(), 1, None
    interrupts = Interrupts()
    os.umask(0o077)
    demo = Demo(Lines(sys.stderr if options.json else sys.stdout), interrupts, options.keep)
    try:
        demo.run()
        facts = finish(demo, options, began)
        status = 0
    except (Failed, OSError) as why:
        demo.lines.say("".join(f"      {line}\n" for line in str(why).splitlines()))
    finally:
        interrupts.hold_for_good()
        if status != 0 or not options.keep:
            status = status if demo.stop() else 1
    if facts is not None and options.json:
        print(json.dumps(facts), flush=True)
    return status


sys.exit(main())
