"""Each fault of the schedule, done to the world, and written down with when it began and was over."""
import asyncio
import os
import signal
import time

import schedule

LEAVE_S = 90  # the longest that a program may take to end after SIGTERM


class Breaker:
    """Breaks and heals. Faults of one program, link or relay wait for each other; others overlap."""

    def __init__(self, world):
        self.world, self.done, self.broken, self.tasks = world, [], [], set()
        self._locks = {}
        self.resting = asyncio.Event()  # set: nothing new begins

    def lock(self, *what):
        return self._locks.setdefault(what, asyncio.Lock())

    def begin(self, fault):
        """Start it; it heals by itself."""
        task = asyncio.get_running_loop().create_task(self._run(fault))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def healed(self):
        while self.tasks:
            await asyncio.gather(*list(self.tasks))

    async def _run(self, fault):
        do = getattr(self, "do_" + fault.kind.replace("-", "_"))
        part = fault.kind.partition("-")[0]
        place = "link" if part in ("link", "drop", "forget") else part if part in ("endpoint", "relay", "disk") else "program"
        async with self.lock(place, fault.target):
            row = {"number": fault.number, "kind": fault.kind, "target": fault.target, "begin": time.monotonic(), "end": None}
            self.done.append(row)
            await do(fault)
            row["end"] = time.monotonic()

    # ---- programs ----

    async def _started(self, program):
        program.start()
        end = time.monotonic() + 60
        while not program.has_started():
            if not program.is_running() or time.monotonic() > end:
                self.broken.append({"t": time.monotonic(), "what": f"{program.name} does not start again",
                                    "text": program.text()[-3000:]})
                return
            await asyncio.sleep(0.02)

    async def do_kill(self, fault):
        program = self.world.programs[fault.target]
        program.kill()
        await asyncio.sleep(fault.for_s)
        await self._started(program)

    async def do_stop(self, fault):
        program = self.world.programs[fault.target]
        program.signal(signal.SIGSTOP)
        await asyncio.sleep(fault.for_s)
        program.signal(signal.SIGCONT)

    async def do_restart(self, fault):
        program = self.world.programs[fault.target]
        program.signal(signal.SIGTERM)
        status = await self._left(program)
        if status is None or (status != 0 and fault.target != "endpoint"):
            what = "did not end after SIGTERM" if status is None else f"ended with {status} after SIGTERM"
            self.broken.append({"t": time.monotonic(), "what": f"{fault.target} {what}", "text": program.text()[-3000:]})
        await asyncio.sleep(fault.for_s)
        await self._started(program)

    async def _left(self, program):
        """The exit status; None if it had to be killed."""
        end = time.monotonic() + LEAVE_S
        while program.is_running():
            if time.monotonic() > end:
                program.kill()
                return None
            await asyncio.sleep(0.02)
        return program.forget()

    async def do_reload(self, fault):
        self.world.programs[fault.target].signal(signal.SIGHUP)

    async def watch(self):
        """Whoever ends without having been asked to is written down, and started again."""
        while True:
            await asyncio.sleep(0.5)
            for name, program in self.world.programs.items():
                lock = self.lock("program", name)
                if not program.is_running() and not lock.locked():
                    async with lock:
                        status = program.forget()
                        self.broken.append({"t": time.monotonic(), "what": f"{name} ended by itself with {status}",
                                            "text": program.text()[-3000:]})
                        await self._started(program)

    async def leave_all(self):
        """SIGTERM to everything, agents first."""
        for name in (*schedule.AGENTS, "platform"):
            program = self.world.programs[name]
            program.signal(signal.SIGTERM)
            status = await self._left(program)
            if status != 0:
                self.broken.append({"t": time.monotonic(), "what": f"{name} ended with {status} after the last SIGTERM",
                                    "text": program.text()[-3000:]})
            program.popen = None

    # ---- links: rules on the agent's host, devices on the other ----

    async def _nft(self, agent, rules, fault):
        table = f"fault{fault.number}"
        chains = "".join(f"chain {way} {{ type filter hook {way} priority 0; policy accept;\n {rule}\n }}\n"
                         for way, rule in rules.items())
        await asyncio.to_thread(self.world.hosts.on, agent, "nft", "-f", "-", stdin=f"table inet {table} {{\n {chains} }}\n")
        await asyncio.sleep(fault.for_s)
        await asyncio.to_thread(self.world.hosts.on, agent, "nft", "delete", "table", "inet", table)

    async def _down(self, centre, device, for_s):
        on = self.world.hosts.on
        await asyncio.to_thread(on, centre, "ip", "link", "set", device, "down")
        await asyncio.sleep(for_s)
        await asyncio.to_thread(on, centre, "ip", "link", "set", device, "up")

    async def do_link_down(self, fault):
        await self._down("P", f"p{fault.target}", fault.for_s)

    async def do_drop_out(self, fault):
        await self._nft(fault.target, {"output": "oifname toP drop"}, fault)

    async def do_drop_in(self, fault):
        await self._nft(fault.target, {"input": "iifname toP drop"}, fault)

    async def do_forget_flow(self, fault):
        """As a NAT that has lost its table: nothing of the connections that are there passes, new ones do."""
        port = self.world.platform.tunnel_port
        seen = await asyncio.to_thread(self.world.hosts.on, fault.target, "ss", "-tnH", "state", "established", f"( dport = :{port} )")
        ports = sorted({line.split()[2].rpartition(":")[2] for line in seen.stdout.splitlines()})
        if not ports:
            return
        some = "{ " + ", ".join(ports) + " }"
        await self._nft(fault.target, {"output": f"oifname toP tcp sport {some} drop", "input": f"iifname toP tcp dport {some} drop"},
                        fault)

    async def do_endpoint_link_down(self, fault):
        await self._down("E", f"e{fault.target}", fault.for_s)

    async def do_endpoint_drop_in(self, fault):
        await self._nft(fault.target, {"input": "iifname toE drop"}, fault)

    async def do_endpoint_resets(self, fault):
        self.world.programs["endpoint"].say("resets 20")
        await asyncio.sleep(fault.for_s)
        self.world.programs["endpoint"].say("resets 0")

    # ---- the relay ----

    async def _relay(self, fault, line):
        relay = self.world.programs[f"relay-{fault.target}"]
        relay.say(line)
        await asyncio.sleep(fault.for_s)
        relay.say("pass")

    async def do_relay_delay(self, fault):
        await self._relay(fault, f"delay {(50, 200, 800)[fault.number % 3]}")

    async def do_relay_hold(self, fault):
        await self._relay(fault, "hold")

    async def do_relay_half_close(self, fault):
        await self._relay(fault, f"half-close {('up', 'down')[fault.number % 2]}")

    async def do_relay_reset(self, fault):
        await self._relay(fault, "reset")

    # ---- the ledger's disk ----

    async def do_disk_full(self, fault):
        folder = self.world.folder / fault.target
        filler = folder / "filler"
        space = os.statvfs(folder)
        fd = os.open(filler, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(fd, 0, max(1, space.f_bavail * space.f_frsize))
            await asyncio.sleep(fault.for_s)
        finally:
            os.close(fd)
            filler.unlink()


async def follow(breaker, plan, began):
    """Begin each fault at its time."""
    for fault in plan:
        await asyncio.sleep(max(0.0, began + fault.at_s - time.monotonic()))
        if breaker.resting.is_set():
            return
        breaker.begin(fault)
