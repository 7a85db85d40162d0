"""A DNS server for tests: it says that there is no such name, or nothing at all, and counts who asks for what.

resolv.conf knows no port, so it listens on port 53 of a loopback address of its own, and needs root. A program asks it
when it is started behind prefix(), with a resolv.conf of its own in a mount namespace of its own.
"""
import os
import random
import socket
import struct
import threading

A = 1  # RFC 1035, 3.2.2
SERVER_FAILURE, NAME_ERROR = 2, 3  # 4.1.1


class Dns:
    def __init__(self, folder):
        self.answers = NAME_ERROR  # a response code; None: silence
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            self.address = f"127.{random.randint(2, 250)}.{random.randint(0, 250)}.{random.randint(2, 250)}"
            try:
                self._socket.bind((self.address, 53))
                break
            except OSError:
                continue  # somebody else has that one
        self.resolv_conf = folder / "resolv.conf"
        self.resolv_conf.write_text(f"nameserver {self.address}\nsearch invalid\noptions timeout:1 attempts:1\n")
        threading.Thread(target=self._serve, daemon=True).start()

    def prefix(self):
        return ("unshare", "-m", "sh", "-c", f'mount --bind {self.resolv_conf} /etc/resolv.conf && exec "$@"', "sh")

    def count(self, name):
        """How often its address was asked for: once an attempt, since a failure isn't remembered."""
        return self.asked.count((name, A))

    def close(self):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                query, client = self._socket.recvfrom(2048)
            except OSError:
                return
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            end = at + 5
            self.asked.append((".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]))
            if self.answers is not None:
                flags = 0x8180 | self.answers  # a response, recursion desired and available
                self._socket.sendto(query[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + query[12:end], client)


def may_listen():
    return os.geteuid() == 0
