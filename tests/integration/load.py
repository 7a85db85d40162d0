"""Callers that ask for exchanges without a pause, each on a connection of its own, as applications keep them."""
import http.client
import json
import threading
import time

RIGHT = {"username": "alice", "password": "right"}


class Failed:
    """An exchange without a token: a status with its problem, or what broke."""

    def __init__(self, answer=None, problem=None, error=None):
        self.answer, self.problem, self.error = answer, problem or {}, error

    @property
    def is_provably_not_begun(self):
        """The caller may ask again at once, and knows it."""
        if self.error is not None:
            return isinstance(self.error, ConnectionRefusedError)
        return self.problem.get("safe_to_retry") == "yes" and self.problem.get("execution") == "not_sent"

    def __repr__(self):
        return repr(self.error) if self.error is not None else f"{self.answer} {self.problem}"


class Caller(threading.Thread):
    def __init__(self, load):
        super().__init__(daemon=True)
        self.load, self.connection = load, None

    def once(self):
        """None, or how it failed."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.load.port, timeout=60)
        try:
            self.connection.request("POST", self.load.path, self.load.body, self.load.headers)
            answer = self.connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            return Failed(error=error)
        if answer.getheader("connection") == "close":
            self.connection.close()
            self.connection = None
        return None if answer.status == 200 else Failed(answer.status, json.loads(body))

    def run(self):
        while not self.load.is_over.is_set():
            failed = self.once()
            self.load.note(failed)
            if failed is not None:
                self.load.is_over.wait(1)  # as Retry-After says


class Load:
    """`with Load(platform, "p") as load: …`; then load.done and load.failed."""

    def __init__(self, platform, profile, callers=8, **body):
        self.port, self.path = platform.api_port, f"/v1/profiles/{profile}/exchange"
        self.body = json.dumps({"variables": RIGHT, **body})
        self.headers = {"Authorization": f"Bearer {platform.app_key}", "Content-Type": "application/json"}
        self.done, self.failed, self.is_over = 0, [], threading.Event()
        self._changed = threading.Condition()
        self.callers = [Caller(self) for _ in range(callers)]

    def note(self, failed):
        with self._changed:
            if failed is None:
                self.done += 1
            else:
                self.failed.append(failed)
            self._changed.notify_all()

    def more(self, count=20, timeout=60):
        """Wait until so many more have succeeded."""
        end = time.monotonic() + timeout
        with self._changed:
            wanted = self.done + count
            while self.done < wanted:
                assert self._changed.wait(end - time.monotonic()), f"{self.done} done, failed: {self.failed[:5]}"

    def __enter__(self):
        for caller in self.callers:
            caller.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for caller in self.callers:
            caller.join(60)
