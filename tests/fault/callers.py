"""The callers: each has an API key of its own and asks one thing after the other, as planned."""
import asyncio
import json
import os
import time

import schedule

GIVE_UP_S = 12.0  # after the budget: a caller that waits longer hangs up, and the checker asks why it had to


def uuid_ms(exchange_id):
    """When it began, by its UUIDv7 (RFC 9562, 5.7), in ms of the wall clock."""
    return int(exchange_id.replace("-", "")[:12], 16)


class Api:
    """HTTP/1.1 on the platform's loopback, a connection a request."""

    def __init__(self, port):
        self.port = port

    async def ask(self, request, timeout_s, hang_up_s=0.0):
        """(how, status, JSON): how is answered, refused (no connection), cut (no whole answer), hung-up, gave-up.

        Who hangs up ends his side alone and reads on: what the platform has written before it saw that is
        not lost, and counts as an answer."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return "refused", 0, None
        how = "cut"
        try:
            writer.write(request)
            reading = asyncio.ensure_future(self._read(reader))
            done, _ = await asyncio.wait([reading], timeout=hang_up_s or timeout_s)
            if not done:
                how = "hung-up" if hang_up_s else "gave-up"
                writer.write_eof()
                await asyncio.wait([reading], timeout=20.0)
            if not reading.done():
                reading.cancel()
                return how, 0, None
            status, body = reading.result()
            return ("answered", status, body) if status else (how, 0, None)
        except OSError:
            return how, 0, None
        finally:
            writer.close()

    @staticmethod
    async def _read(reader):
        data = b""
        try:
            while part := await reader.read(65536):
                data += part
                head, found, body = data.partition(b"\r\n\r\n")
                if found:
                    lines = head.decode("latin-1").lower().split("\r\n")
                    size = next((int(l.split(":")[1]) for l in lines if l.startswith("content-length:")), None)
                    if size is not None and len(body) >= size:
                        return int(lines[0].split()[1]), json.loads(body[:size])
        except OSError:
            pass
        return 0, None

    def request(self, method, path, key, body=None, headers=()):
        octets = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", *headers]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(octets)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + octets


class Driver:
    def __init__(self, world, seed, think_s):
        self.world, self.seed, self.think_s = world, seed, think_s
        self.api = Api(world.platform.api_port)
        self.history, self.waiting = [], []  # every call; calls whose outcome is not known yet
        self.ended = asyncio.Event()
        self.lags = []  # (when, s): the loop itself was late
        self.rows = {}  # exchanges of the audit trail by id
        self.began_ms = self.rows_since_ms = int(time.time() * 1000) - 1000

    async def watch_lag(self):
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.1)
            late_s = time.monotonic() - before - 0.1
            if late_s > 0.2:
                self.lags.append((before, late_s))

    # ---- one call ----

    def new_call(self, caller, plan, part, old):
        name = f"{caller}.{plan.number}{part}"
        return {"call": name, "key": f"{caller}{part}", "profile": plan.profile, "kind": "refresh" if old else "exchange",
                "mode": plan.twin_mode if part else plan.mode, "budget_ms": plan.budget_ms, "is_keyed": plan.is_keyed,
                "is_twin": plan.kind == "twins", "old": old, "attempts": [], "claims": [], "id": None,
                "claim_after_s": plan.claim_after_s}

    def body_of(self, call):
        body = {"context": {"call": call["call"], "mode": call["mode"]}, "budget_ms": call["budget_ms"]}
        if call["old"]:
            return {**body, "refresh_token": call["old"]}
        return {**body, "variables": {"username": call["call"], "password": "right"}}

    async def attempt(self, call, hang_up_s=0.0):
        headers = [f"Idempotency-Key: {call['call']}"] if call["is_keyed"] else []
        request = self.api.request("POST", f"/v1/profiles/{call['profile']}/{call['kind']}", self.world.keys[call["key"]],
                                   self.body_of(call), headers)
        row = {"begin": time.monotonic(), "begin_ms": int(time.time() * 1000)}
        call["attempts"].append(row)
        how, status, body = await self.api.ask(request, call["budget_ms"] / 1000 + GIVE_UP_S, hang_up_s)
        row.update(self.told(how, status, body), end=time.monotonic())
        call["id"] = row["id"] or call["id"]
        return row

    @staticmethod
    def told(how, status, body):
        body = body if isinstance(body, dict) else {}
        token = (body.get("token") or {})
        return {"how": how, "status": status, "id": body.get("id"), "code": body.get("code"), "execution": body.get("execution"),
                "retry": body.get("safe_to_retry"), "stage": body.get("stage"), "agent": body.get("agent"), "token": token.get("access_token"),
                "refresh": token.get("refresh_token"), "retry_after_ms": body.get("retry_after_ms"), "detail": body.get("detail")}

    async def run_call(self, call, plan):
        """Its attempts; the last one's answer, or None if the outcome is not known yet."""
        row = await self.attempt(call, plan.hang_up_s)
        repeats = plan.repeats
        while call["is_keyed"] and (repeats > 0 or row["how"] != "answered"):
            repeats -= row["how"] == "answered"
            await asyncio.sleep(0.05 if row["how"] == "answered" else 0.5)
            row = await self.attempt(call)
        if row["how"] != "answered" or (row["execution"] == "sent" and row["token"] is None):
            self.waiting.append((time.monotonic() + call["claim_after_s"], call))
            return None
        return row

    # ---- one caller ----

    async def caller(self, name):
        session = None
        for plan in schedule.calls(self.seed, int(name[1:]), self.think_s):
            await self.pause(plan.think_s)
            if self.ended.is_set():
                return
            parts = ("", "t") if plan.kind == "twins" and session else ("",)
            old = session if plan.kind != "exchange" else None
            calls = [self.new_call(name, plan, part, old) for part in parts]
            self.history += calls
            rows = await asyncio.gather(*(self.run_call(call, plan) for call in calls))
            session = self.next_session(session, old, rows)
            slow_ms = max([(r or {}).get("retry_after_ms") or 0 for r in rows])
            await self.pause(min(slow_ms, 2000) / 1000)
            if any(call["attempts"][-1]["how"] != "answered" for call in calls):
                await self.platform_answers()

    @staticmethod
    def next_session(session, old, rows):
        """The refresh token to go on with. One whose use is not known to have come to nothing is not used again."""
        for row in rows:
            if row is not None and row["refresh"]:
                return row["refresh"]
        if old is None:
            return session
        return old if all(row is not None and row["retry"] == "yes" for row in rows) else None

    async def pause(self, seconds):
        try:
            await asyncio.wait_for(self.ended.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    async def platform_answers(self):
        """Wait until it has taken what was asked before: so that the audit trail's rows are in the callers' order."""
        while not self.ended.is_set():
            _, status, _ = await self.api.ask(self.api.request("GET", "/healthz", "-"), 5.0)
            if status == 200:
                return
            await asyncio.sleep(0.2)

    # ---- outcomes that came later ----

    async def look_at_trail(self):
        """New rows of the audit trail, by id. Rows change until they have ended: those are read again."""
        since_ms, path = self.rows_since_ms, None
        newest_ms = int(time.time() * 1000)
        after = ""
        while True:
            path = f"/v1/exchanges?since={since_ms}&limit=1000{after}"
            _, status, body = await self.api.ask(self.api.request("GET", path, self.world.platform.admin_key), 30.0)
            if status != 200:
                return False
            for row in body["exchanges"]:
                self.rows[row["id"]] = row
            if not body["next"]:
                break
            after = f"&after={body['next']}"
        self.rows_since_ms = newest_ms - 60000
        return True

    def find_id(self, call):
        """The exchange of a call that got no answer: the one that its key began between it and the key's next call."""
        begin_ms = call["attempts"][0]["begin_ms"]
        next_ms = min((c["attempts"][0]["begin_ms"] for c in self.history if c["key"] == call["key"] and c["attempts"]
                       and c["attempts"][0]["begin_ms"] > begin_ms), default=1 << 62)
        mine = [r["id"] for r in self.rows.values() if r["key"] == call["key"] and begin_ms <= uuid_ms(r["id"]) < next_ms]
        return max(mine, default=None)

    async def claim(self, call):
        """Ask for its result; whether anything is left to ask for."""
        if call["id"] is None:
            call["id"] = self.find_id(call)
        if call["id"] is None:
            return True
        path = f"/v1/exchanges/{call['id']}/result"
        begin = time.monotonic()
        how, status, body = await self.api.ask(self.api.request("GET", path, self.world.keys[call["key"]]), 30.0)
        call["claims"].append({"begin": begin, **self.told(how, status, body), "end": time.monotonic()})
        return how != "answered" or status == 202

    async def claimer(self):
        while not self.ended.is_set():
            await self.pause(1.0)
            now = time.monotonic()
            due = [entry for entry in self.waiting if entry[0] <= now]
            if any(call["id"] is None for _, call in due) and not await self.look_at_trail():
                continue
            for entry in due:
                self.waiting.remove(entry)
                call = entry[1]
                if await self.claim(call):
                    call["claim_after_s"] = min(2 * call["claim_after_s"], 120.0)
                    self.waiting.append((time.monotonic() + call["claim_after_s"], call))

    async def claim_all(self):
        """At the end, when all is healed and nobody holds anything any more: what is to be had is there now."""
        self.rows_since_ms = self.began_ms
        await self.look_at_trail()
        for _, call in self.waiting:
            await self.claim(call)
        await self.look_at_trail()
