#!/usr/bin/python3
"""hand_over.py FD... -- PROGRAM ARGUMENT...: start a program with these listening sockets, as systemd does (sd_listen_fds(3))."""
import os
import sys

cut = sys.argv.index("--")
sockets = [int(fd) for fd in sys.argv[1:cut]]
spare = [os.dup(fd) for fd in sockets]
while min(spare) < 3 + len(spare):  # out of the way of those that are given
    spare = [os.dup(fd) for fd in spare]
for i, fd in enumerate(spare):
    os.dup2(fd, 3 + i, inheritable=True)
os.closerange(3 + len(spare), 256)
os.environ["LISTEN_PID"], os.environ["LISTEN_FDS"] = str(os.getpid()), str(len(spare))
os.execv(sys.argv[cut + 1], sys.argv[cut + 1:])
