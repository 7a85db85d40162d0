"""What the test servers of this folder share: the ready file, and not outliving their caller."""

import ctypes
import json
import os
import signal
import tempfile

PR_SET_PDEATHSIG = 1  # prctl(2)


def write_ready(path, facts):
    """Write `facts` as JSON to `path`, whole or not at all, mode 0600: it holds test secrets.

    A caller that waits for the file to appear never sees half of it.
    """
    folder, name = os.path.split(os.path.abspath(path))
    handle, scratch = tempfile.mkstemp(prefix=name + ".", dir=folder)  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(facts, out, indent=2)
        out.write("\n")
    os.replace(scratch, path)


def die_with_caller():
    """Have the kernel send this process SIGTERM when the one that started it is gone."""
    caller = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != caller:  # it went before the kernel was asked
        os.kill(os.getpid(), signal.SIGTERM)
