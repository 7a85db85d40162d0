"""tests/bench/run, once everything is built; see README.md for what each row measures."""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import threading
import time

import parts
import rig
import table

IN_FLIGHT = (1, 16, 64, 256)


class Progress:
    """One line on stderr that says what is being measured."""

    def __init__(self):
        self.began, self.is_terminal = time.monotonic(), sys.stderr.isatty()

    def __call__(self, what):
        line = f"[{time.monotonic() - self.began:5.1f} s] {what}"
        print(f"\r{line:<78.78}" if self.is_terminal else line, end="" if self.is_terminal else "\n", file=sys.stderr,
              flush=True)

    def end(self):
        if self.is_terminal:
            print(f"\r{'':78}\r", end="", file=sys.stderr, flush=True)


class Sampler(threading.Thread):
    """The largest resident size of a process while something runs."""

    def __init__(self, program):
        super().__init__(daemon=True)
        self.program, self.largest_kb, self.is_done = program, 0, threading.Event()

    def run(self):
        while not self.is_done.wait(0.05):
            self.largest_kb = max(self.largest_kb, self.program.rss_kb())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.join()


def mean(rounds, key):
    return statistics.fmean(r[key] for r in rounds)


class Bench:
    def __init__(self, folder, is_quick):
        self.folder, self.is_quick = folder, is_quick
        self.tick = Progress()
        self.result = {}
        self.extra = {}  # for the table alone
        self.span_ms = 300 if is_quick else 1500
        self.wrk_s = 1 if is_quick else 3
        self.rounds = 1 if is_quick else 3
        self.idle = (100, 200) if is_quick else (1000, 5000)

    # ---- through the tunnel ----

    def tunnel_once(self, platform, agent, in_flight):
        f = platform.folder
        since = agent.process.mark()
        rows = parts.load("bench_jobs", platform.tunnel_port, f / "platform.pem", f / "platform.key", f / "ca.pem",
                          self.nginx.url, agent.process.pid, self.span_ms, in_flight)
        agent.process.wait("tunnel.closed", since)
        return rows[0]

    def job_row(self, platform, agent, in_flight):
        bare, tunnel = [], []
        for i in range(self.rounds):
            self.tick(f"jobs: {in_flight} in flight, {i + 1} of {self.rounds}")
            bare += parts.load("bench_curl", self.nginx.url, self.span_ms, in_flight)
            tunnel.append(self.tunnel_once(platform, agent, in_flight))
        return {"in_flight": in_flight, "bare_jobs_s": round(mean(bare, "jobs_s")),
                "tunnel_jobs_s": round(mean(tunnel, "jobs_s")),
                "ratio": round(mean(tunnel, "jobs_s") / mean(bare, "jobs_s"), 3),
                "bare_cpu_us": round(mean(bare, "cpu_us"), 1), "agent_cpu_us": round(mean(tunnel, "cpu_us"), 1),
                "bare_p50_us": round(mean(bare, "p50_us")), "tunnel_p50_us": round(mean(tunnel, "p50_us")),
                "tunnel_p99_us": round(mean(tunnel, "p99_us")),
                "errors": sum(r["errors"] for r in bare + tunnel)}

    def jobs(self, platform, agent):
        self.result["agent_rss_idle_kb"] = agent.process.rss_kb()
        platform.stop()
        with Sampler(agent.process) as sampler:
            self.result["rows"] = [self.job_row(platform, agent, n) for n in IN_FLIGHT]
        self.result["agent_rss_busy_kb"] = sampler.largest_kb
        self.again(platform, agent)

    @staticmethod
    def again(platform, agent):
        since = agent.process.mark()
        platform.start()
        agent.process.wait("tunnel.ready", since)

    # ---- the whole way ----

    def api_row(self, platform, callers):
        self.tick(f"API: {callers} callers")
        direct = parts.wrk_direct(self.nginx, callers, self.wrk_s)
        api = parts.wrk_api(platform, callers, self.wrk_s)
        return {"concurrent": callers, "direct_rps": round(direct["rps"]), "api_rps": round(api["rps"]),
                "ratio": round(api["rps"] / direct["rps"], 3), "direct_p50_us": direct["p50_us"],
                "api_p50_us": api["p50_us"], "api_p99_us": api["p99_us"], "errors": direct["errors"] + api["errors"]}

    def api(self, platform, tls_port):
        self.result["api_rows"] = [self.api_row(platform, n) for n in IN_FLIGHT]
        self.tick("API: 16 callers, TLS")
        self.extra["tls"] = parts.wrk_api(platform, 16, self.wrk_s, f"https://127.0.0.1:{tls_port}")

    # ---- tunnels ----

    def median_us(self, platform):
        return statistics.median(parts.wrk_api(platform, 1, self.wrk_s)["p50_us"] for _ in range(self.rounds))

    def hold(self, herd, count):
        since = herd.mark()
        herd.say(f"{count}\n")
        return json.loads(herd.wait('"up": %d,' % count, since, timeout=90))

    def tunnels(self, platform, agent):
        key, certificates = parts.agent_certificates(platform, self.folder, self.idle[-1], self.tick)
        platform.stop()
        self.again(platform, agent)  # its memory as new
        self.tick("tunnels: a busy agent alone")
        alone_us = self.median_us(platform)
        herd = parts.Program([parts.LOAD / "bench_tunnels", platform.tunnel_port, platform.folder / "ca.pem", key,
                              certificates], self.folder / "herd")
        try:
            self.with_herd(platform, agent, herd, alone_us)
        finally:
            herd.stop()

    def with_herd(self, platform, agent, herd, alone_us):
        process = platform.process
        base_kb, base_us = process.rss_kb(), process.cpu_us()
        for count in self.idle:
            self.tick(f"tunnels: {count} idle ones")
            self.hold(herd, count)
            self.extra[f"idle_tunnel_kb_{count}"] = (process.rss_kb() - base_kb) / count
        self.result["idle_tunnel_kb"] = round((process.rss_kb() - base_kb) / count, 1)
        self.result["handshake_cpu_us"] = round((process.cpu_us() - base_us) / count)
        self.tick(f"tunnels: a busy agent beside {count} idle ones")
        self.result["idle_neighbours_ratio"] = round(self.median_us(platform) / alone_us, 2)
        self.tick(f"tunnels: {count} come back after a restart")
        since, agent_since = herd.mark(), agent.process.mark()
        platform.kill()
        platform.start()
        back = json.loads(herd.wait('"up": %d,' % count, since, timeout=90))
        agent.process.wait("tunnel.ready", agent_since)
        self.result["all_back_s"] = round(back["took_ms"] / 1000, 2)

    # ---- a platform that is gone, and one that is frozen ----

    def life(self, say):
        platform, agent = parts.ready_pair(self.folder / "life", self.nginx)
        try:
            say("outage: the platform is gone for 5 s")
            since, cpu_us = agent.process.mark(), agent.process.cpu_us()
            platform.kill()
            time.sleep(5)
            self.result["outage_cpu_ms"] = round((agent.process.cpu_us() - cpu_us) / 1000, 1)
            self.result["outage_attempts"] = agent.process.text(since).count("tunnel.connect_failed")
            self.again(platform, agent)
            say("frozen: until the agent notices that the platform says nothing")
            since, began = agent.process.mark(), time.monotonic()
            platform.process.send(signal.SIGSTOP)
            agent.process.wait("tunnel.closed", since, timeout=60)
            self.result["frozen_noticed_s"] = round(time.monotonic() - began, 1)
            time.sleep(1)
            began = time.monotonic()
            platform.process.send(signal.SIGCONT)
            agent.process.wait("tunnel.ready", since)
            self.extra["frozen_back_s"] = time.monotonic() - began
        finally:
            if platform.process is not None:
                platform.process.send(signal.SIGCONT)
            agent.stop()
            platform.stop()

    # ---- all ----

    def main_part(self):
        tls_port = rig.free_port()
        platform, agent = parts.ready_pair(self.folder / "main", self.nginx, [f"https://127.0.0.1:{tls_port}"])
        try:
            self.jobs(platform, agent)
            self.api(platform, tls_port)
            self.tunnels(platform, agent)
        finally:
            agent.stop()
            platform.stop()

    def run(self):
        (self.folder / "main").mkdir()
        (self.folder / "life").mkdir()
        self.tick("nginx")
        self.nginx = parts.Nginx(self.folder / "nginx")
        try:
            if self.is_quick:  # the other one mostly waits
                self.beside_life()
            else:
                self.main_part()
                self.life(self.tick)
        finally:
            self.nginx.process.stop()
            self.tick.end()

    def beside_life(self):
        failed = []

        def life():
            try:
                self.life(lambda what: None)
            except BaseException as why:  # told by the main thread
                failed.append(why)

        beside = threading.Thread(target=life)
        beside.start()
        try:
            self.main_part()
        finally:
            self.tick("frozen: until the agent notices that the platform says nothing")
            beside.join()
        if failed:
            raise failed[0]


ORDER = ("rows", "api_rows", "agent_rss_idle_kb", "agent_rss_busy_kb", "idle_tunnel_kb", "idle_neighbours_ratio",
         "handshake_cpu_us", "all_back_s", "frozen_noticed_s", "outage_attempts", "outage_cpu_ms")


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--json", action="store_true")
    words.add_argument("--quick", action="store_true")
    words = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="bench.") as folder:
        bench = Bench(pathlib.Path(folder), words.quick)
        with contextlib.suppress(KeyboardInterrupt):
            bench.run()
    if not all(name in bench.result for name in ORDER):
        return 1
    result = {name: bench.result[name] for name in ORDER}
    print(json.dumps(result) if words.json else table.text(result, bench.extra, os.cpu_count(), bench.idle[-1]))
    return 0


sys.exit(main())
