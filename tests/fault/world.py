"""The hosts and the programs on them.

    platform P -- a1, a2, a3, b1 -- endpoint E        each a network namespace, joined by veth pairs

P and E have no way to each other. a2 and b1 reach the platform through a relay on their own host, which
has the platform's address there. The run itself, and with it the callers, is on P.
"""
import ctypes
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
import schedule  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PLATFORM_IP, ENDPOINT_IP = "10.88.0.1", "10.89.0.1"
START_S = 60  # the longest that a program may take to start on a machine that has other things to do
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def sh(*argv, check=True, stdin=None):
    done = subprocess.run([*map(str, argv)], check=False, capture_output=True, text=True, input=stdin, timeout=60)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
    return done


def is_sanitized():
    """Whether the programs are built with AddressSanitizer, which takes memory of its own."""
    return "CONNECTOR_SANITIZE:BOOL=ON" in (rig.BUILD / "CMakeCache.txt").read_text()


def die_with_caller():
    """In a child: if this run is killed, so is what it has started."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def is_gone(pid):
    """Also if nobody has waited for it yet: then it has no command line any more."""
    try:
        return not pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return True


def remove_orphans():
    """Namespaces and disks of runs that were killed before they could do it."""
    for name in re.findall(r"^(fault(\d+)[A-Za-z]\w*)", sh("ip", "netns", "list").stdout, re.M):
        if is_gone(name[1]):
            sh("ip", "netns", "delete", name[0], check=False)
    for folder, pid in re.findall(r" (\S*/connector-fault-(\d+)-\S+) tmpfs ", pathlib.Path("/proc/mounts").read_text()):
        if is_gone(pid):
            sh("umount", "-l", folder, check=False)


class Hosts:
    """The namespaces, named after this process; removed at the end."""

    def __init__(self):
        remove_orphans()
        self.tag = f"fault{os.getpid()}"
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        for host in ("P", "E", *schedule.AGENTS):
            sh("ip", "netns", "add", self.name(host))
            self.on(host, "ip", "link", "set", "lo", "up")
        self.on("P", "ip", "addr", "add", f"{PLATFORM_IP}/32", "dev", "lo")
        self.on("E", "ip", "addr", "add", f"{ENDPOINT_IP}/32", "dev", "lo")
        for i, agent in enumerate(schedule.AGENTS, 1):
            self.join("P", f"p{agent}", agent, f"10.88.{i}")
            self.join("E", f"e{agent}", agent, f"10.89.{i}")
            self.on(agent, "ip", "route", "add", f"{ENDPOINT_IP}/32", "via", f"10.89.{i}.1")
            if agent in schedule.RELAYED:
                self.on(agent, "ip", "addr", "add", f"{PLATFORM_IP}/32", "dev", "lo")
            else:
                self.on(agent, "ip", "route", "add", f"{PLATFORM_IP}/32", "via", f"10.88.{i}.1")

    def name(self, host):
        return self.tag + host

    def prefix(self, host):
        return ("ip", "netns", "exec", self.name(host))

    def on(self, host, *argv, check=True, stdin=None):
        return sh(*self.prefix(host), *argv, check=check, stdin=stdin)

    def join(self, centre, device, agent, net):
        sh("ip", "link", "add", device, "netns", self.name(centre), "type", "veth", "peer", "name", f"to{centre}",
           "netns", self.name(agent))
        self.on(centre, "ip", "addr", "add", f"{net}.1/24", "dev", device)
        self.on(agent, "ip", "addr", "add", f"{net}.2/24", "dev", f"to{centre}")
        self.on(centre, "ip", "link", "set", device, "up")
        self.on(agent, "ip", "link", "set", f"to{centre}", "up")

    def enter_platform(self):
        """This process, and what it starts from now on, is on P."""
        with open(f"/var/run/netns/{self.name('P')}", "rb") as there:
            self._setns(there.fileno())

    def _setns(self, fd):
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def remove(self):
        self._setns(self.home)
        for host in ("P", "E", *schedule.AGENTS):
            sh("ip", "netns", "delete", self.name(host), check=False)


class Program:
    """A program that is started, killed and started again; one log for all its lives."""

    def __init__(self, name, argv, log, started):
        self.name, self.argv, self.log, self.started = name, [*map(str, argv)], pathlib.Path(log), started
        self.popen, self.lives = None, 0
        self.ends = []  # (monotonic, status) of what ended without being asked to

    def start(self):
        """Returns when it runs; its log is marked with the life's number."""
        self.lives += 1
        with open(self.log, "ab") as out:
            out.write(f"---- {self.name}: life {self.lives}, {time.monotonic():.3f}\n".encode())
            self.mark = out.tell()
            self.popen = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=out, stderr=out, env=rig.ENV,
                                          preexec_fn=die_with_caller)
        return self

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def text(self):
        """What this life has logged."""
        with open(self.log, "rb") as log:
            log.seek(self.mark)
            return log.read().decode(errors="replace")

    def has_started(self):
        return re.search(self.started, self.text()) is not None

    def wait_started(self):
        end = time.monotonic() + START_S
        while not self.has_started():
            if not self.is_running() or time.monotonic() > end:
                raise RuntimeError(f"{self.name} does not start:\n{self.text()[-2000:]}")
            time.sleep(0.02)
        return self

    def say(self, line):
        try:
            self.popen.stdin.write(f"{line}\n".encode())
            self.popen.stdin.flush()
        except (BrokenPipeError, OSError):
            pass  # it was killed in this moment

    def signal(self, number):
        if self.is_running():
            self.popen.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.forget()

    def forget(self):
        """Wait for its end; its exit status."""
        status = self.popen.wait()
        self.popen.stdin.close()
        return status

    def figures(self):
        """(resident kB, descriptors)."""
        text = pathlib.Path(f"/proc/{self.popen.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)), len(os.listdir(f"/proc/{self.popen.pid}/fd"))


class World:
    """Everything that runs, and the folder that it runs in."""

    def __init__(self, folder, callers, agent_binary):
        self.folder, self.agent_binary = pathlib.Path(folder), pathlib.Path(agent_binary)
        self.logs, self.journal = self.folder / "logs", self.folder / "journal"
        self.logs.mkdir()
        self.programs, self.relays, self.confs, self.ids, self.mounts = {}, {}, {}, {}, []
        self.callers, self.keys = callers, {}
        self.hosts = Hosts()

    def build(self):
        self.hosts.enter_platform()
        self.start_endpoint()
        self.start_platform()
        for agent in schedule.AGENTS:
            self.start_agent(agent)
        for agent in schedule.AGENTS:
            rig.wait_until(lambda a=agent: "tunnel.ready" in self.programs[a].text(), f"{agent} is connected", START_S)

    def run_program(self, name, argv, started):
        self.programs[name] = Program(name, argv, self.logs / name, started)
        return self.programs[name].start().wait_started()

    # ---- the endpoint ----

    def start_endpoint(self):
        certificate, key = self.folder / "endpoint.pem", self.folder / "endpoint.key"
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
           "/CN=endpoint", "-addext", f"subjectAltName=IP:{ENDPOINT_IP}", "-keyout", key, "-out", certificate)
        self.run_program("endpoint", [*self.hosts.prefix("E"), sys.executable, HERE / "counting_endpoint.py", 8000, 8001, certificate, key,
                                      self.journal], "endpoint.started")

    def executions(self):
        """The endpoint's journal."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    # ---- the platform ----

    def start_platform(self):
        extra = 'metrics = { listen = "127.0.0.1:9465"; };'
        self.platform = rig.Platform(self.folder / "platform", bind="0.0.0.0", public_host=PLATFORM_IP, extra=extra)
        self.run_program("platform", [rig.BUILD / "connector-platform", "serve", "-c", self.platform.conf], "platform.started")
        for name in self.callers:
            self.keys[name] = self.platform.api("POST", "/v1/keys", {"name": name, "role": "app"}).json["key"]
        self.strings = {}
        for connector in ("east", "west"):
            self.strings[connector] = [self.platform.add_connector(connector)]
        for _ in range(2):
            more = self.platform.api("POST", "/v1/connectors/east/enrollments").json
            self.strings["east"].append(more["string"])
        for name, connector, url in (("east", "east", f"http://{ENDPOINT_IP}:8000/token"),
                                     ("east-tls", "east", f"https://{ENDPOINT_IP}:8001/token"),
                                     ("west", "west", f"http://{ENDPOINT_IP}:8000/token")):
            self.platform.put_profile(name, connector=connector, token_url=url, fields=[
                {"place": "header", "key": "X-Call", "value": "{{call}}"}, {"place": "header", "key": "X-Mode", "value": "{{mode}}"}])

    def ask(self, method, path, key=None):
        return self.platform.api(method, path, key=key, timeout=30)

    def platform_figures(self):
        """The figures of its metrics that say what it holds."""
        page = rig.http_ask("127.0.0.1", 9465, "GET", "/metrics", timeout=30).body.decode()
        names = ("exchanges_running", "jobs_queued", "jobs_outstanding", "tunnels")
        return {n: sum(int(v) for v in re.findall(rf"^connector_platform_{n}(?:{{.*}})? (\d+)", page, re.M)) for n in names}

    # ---- agents ----

    def start_agent(self, name):
        folder = self.folder / name
        folder.mkdir()
        if name == schedule.LEDGER_ON_TMPFS:
            sh("mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "none", folder)
            self.mounts.append(folder)
        port = self.platform.tunnel_port
        if name in schedule.RELAYED:
            i = schedule.AGENTS.index(name) + 1
            self.run_program(f"relay-{name}", [*self.hosts.prefix(name), sys.executable, HERE / "tunnel_relay.py", f"{PLATFORM_IP}:{port}",
                                               f"10.88.{i}.1:{port}"], "relay.started")
        agent = rig.Agent(folder, prefix=self.hosts.prefix(name))
        agent.enroll(self.strings["east" if name[0] == "a" else "west"].pop())
        inside = ["10.89.0.0/16"]
        agent.set_policy(rig.rule("http", f"http://{ENDPOINT_IP}:8000/**", networks=inside),
                         rig.rule("https", f"https://{ENDPOINT_IP}:8001/**", networks=inside, ca=self.folder / "endpoint.pem"))
        self.confs[name] = agent
        self.run_program(name, [*self.hosts.prefix(name), self.agent_binary, "run", "-c", agent.conf], "agent.started")
        self.ids[agent.status()["agent"]] = name

    def agent_held(self, name):
        """Jobs that the agent holds, or None while it can't be asked or has no tunnel."""
        done = self.confs[name].cli("status", "--json")
        try:
            status = json.loads(done.stdout)
        except ValueError:
            return None
        return status["jobs"]["running"] + status["jobs"]["unacknowledged"] if status["state"] == "ready" else None

    # ---- the end ----

    def remove(self):
        for program in reversed(self.programs.values()):
            if program.popen is not None:
                program.kill()
        for folder in self.mounts:
            sh("umount", "-l", folder, check=False)
        self.hosts.remove()
