"""A client for `wifisim sweep`, with mistakes that only a fault shows.

It says AT, asks for the mode, sends five bytes to the server at WIFISIM_PORT if that is set, and prints what it found.
On the AT after which nothing comes it crashes, on the mode after which nothing comes it hangs, and it takes an ERROR
to CWMODE for success.
"""
import os
import select
import signal
import subprocess
import sys
import time
import tty

line = os.open(os.environ["WIFISIM_TTY"], os.O_RDWR | os.O_NOCTTY)
tty.setraw(line)


def ask(text, *ends, limit=1.0):
    """Sends a line. Returns what came up to one of `ends`; None if none came in time."""
    os.write(line, text)
    answer, deadline = b"", time.monotonic() + limit
    while not any(end in answer for end in ends):
        if not select.select([line], [], [], max(0, deadline - time.monotonic()))[0]:
            return None
        answer += os.read(line, 4096)
    return answer


if ask(b"AT\r\n", b"OK\r\n", b"ERROR\r\n", limit=1.0) is None:
    print("\x1b[31m\a<no answer> & \"more\"\r\n", file=sys.stderr, flush=True)
    if "SWEEP_EXITS" in os.environ:
        sys.exit(int(os.environ["SWEEP_EXITS"]))
    os.kill(os.getpid(), signal.SIGSEGV)
mode = ask(b"AT+CWMODE?\r\n", b"OK\r\n", b"ERROR\r\n")
if mode is None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", os.environ.get("SWEEP_SLEEP", "1000")])
    while True:
        time.sleep(1)
if b"ERROR" in mode:
    print("mode unknown")
    sys.exit(0)
if b"+CWMODE:0" not in mode:
    print("the mode is wrong", file=sys.stderr)
    sys.exit(3)
print("mode 0")
