"""A TCP relay between an agent and its platform: what a test stops on its way, or loses."""
import socket
import threading

import rig


def _end(pair):
    for end in pair:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended already


class Relay:
    """Passes on what comes, until it is told otherwise; to 127.0.0.1:target."""

    def __init__(self, target):
        self.target = target
        self._changed = threading.Condition()
        self._is_down = False
        self._is_paused = {"to_agent": False, "to_platform": False}
        self._held = {"to_agent": 0, "to_platform": 0}
        self._pairs = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    # What a test uses

    def pause(self, direction):
        """Hold back what goes "to_agent" or "to_platform" from here on."""
        with self._changed:
            self._is_paused[direction] = True
            self._held[direction] = 0

    def wait_held(self, direction):
        """Something is held back."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._held[direction] > 0, rig.WAIT_S), f"nothing went {direction}"

    def cut(self):
        """End every connection; what was held back is lost. New ones are taken, unless down()."""
        with self._changed:
            for pair in self._pairs:
                _end(pair)
            self._pairs.clear()
            self._is_paused = dict.fromkeys(self._is_paused, False)
            self._changed.notify_all()

    def down(self):
        """Cut, and take no connection until up()."""
        with self._changed:
            self._is_down = True
        self.cut()

    def up(self):
        with self._changed:
            self._is_down = False

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # accept() returns
        self._listener.close()
        self.cut()

    # The relay

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._join(near)

    def _join(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:  # the platform is not there
            near.close()
            return
        with self._changed:
            if self._is_down:
                near.close()
                far.close()
                return
            self._pairs.add((near, far))
        for source, sink, direction in ((near, far, "to_platform"), (far, near, "to_agent")):
            threading.Thread(target=self._pump, args=((near, far), source, sink, direction), daemon=True).start()

    def _pump(self, pair, source, sink, direction):
        try:
            while octets := source.recv(65536):
                if not self._may_pass(pair, direction):
                    break
                sink.sendall(octets)
        except OSError:
            pass  # either side is gone: so is the other, below
        with self._changed:
            self._pairs.discard(pair)
            self._changed.notify_all()
        _end(pair)

    def _may_pass(self, pair, direction):
        """Wait while the direction is paused; False: the connection was cut meanwhile."""
        with self._changed:
            if self._is_paused[direction]:
                self._held[direction] += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: not self._is_paused[direction] or pair not in self._pairs)
            return pair in self._pairs
