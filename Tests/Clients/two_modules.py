"""Two modules, one on the other's soft-AP, with a file between them that survives the soft-AP's going.

The sender's protocol can be resumed: whoever connects is told how many bytes have arrived, and goes on from there.

    wifisim exec --count 2 -- python3 two_modules.py [BYTES]
"""
import hashlib
import os
import random
import re
import socket
import sys
import threading
import time

import serial

REPORT = re.compile(rb"\+IPD,(?:(\d),)?(\d+):")


class Module:
    """A module's host: commands go out, lines and data come in."""

    def __init__(self, path):
        self.line = serial.Serial(path, 115200, timeout=30)
        self.buffer = bytearray()
        self.lock = threading.Lock()

    def write(self, data):
        with self.lock:
            self.line.write(data)

    def next(self):
        """The next line as ("line", text), prompt as ("prompt",), or data as ("data", link, bytes)."""
        while True:
            if self.buffer.startswith(b">"):
                del self.buffer[:1]
                return ("prompt",)
            report = REPORT.match(self.buffer)
            if report and len(self.buffer) >= report.end() + int(report[2]):
                data = bytes(self.buffer[report.end():report.end() + int(report[2])])
                del self.buffer[:report.end() + int(report[2])]
                return ("data", report[1], data)
            end = self.buffer.find(b"\r\n")
            if end >= 0 and not self.buffer.startswith(b"+IPD,"):
                text = bytes(self.buffer[:end]).decode()
                del self.buffer[:end + 2]
                if text:
                    return ("line", text)
                continue
            more = self.line.read(max(1, self.line.in_waiting))
            if not more:
                raise SystemExit(f"{self.line.port}: silent for 30 s, {bytes(self.buffer[:80])}")
            self.buffer += more

    def until(self, *wanted, seen=None):
        while True:
            item = self.next()
            if seen is not None:
                seen.append(item)
            if item[0] in wanted or item[0] == "line" and item[1] in wanted:
                return item

    def ask(self, command):
        self.write(command.encode() + b"\r\n")
        item = self.until("OK", "ERROR")
        if item[1] != "OK":
            raise SystemExit(f"{command}: {item[1]}")


def free_port():
    """The server's port is taken on the computer, too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def exchange_datagrams(access_point, station, port):
    """Both have the same UDP port, which the computer could not give to both."""
    access_point.ask(f'AT+CIPSTART=4,"UDP","192.168.4.2",{port},{port},0')
    station.ask(f'AT+CIPSTART="UDP","192.168.4.1",{port},{port},0')
    for sender, link, other in ((access_point, "4,", station), (station, "", access_point)):
        sender.write(b"AT+CIPSEND=%s8\r\n" % link.encode())
        sender.until("prompt")
        sender.write(b"datagram")
        sender.until("SEND OK")
        if other.until("data")[2] != b"datagram":
            raise SystemExit("another datagram than was sent")
    access_point.ask("AT+CIPCLOSE=4")
    station.ask("AT+CIPCLOSE")


def receive(module, total, interrupted, result):
    """The soft-AP's host: takes the file, and switches the soft-AP off and on in the middle."""
    digest, count, is_off, link = hashlib.sha256(), 0, False, None
    connections, pause = 0, 0.0
    while count < total:
        item = module.next()
        if item[0] == "data":
            digest.update(item[2])
            count += len(item[2])
            if not is_off and count >= total // 3:
                is_off, pause = True, -time.monotonic()
                module.write(b"AT+CWMODE=1\r\n")
                interrupted.set()
                threading.Timer(1.0, lambda: module.write(b"AT+CWMODE=2\r\n")).start()
        elif item[0] == "line" and item[1].endswith(",CONNECT"):
            connections += 1
            if is_off:
                pause += time.monotonic()
            link = item[1][0]
            offset = b"%d\n" % count
            module.write(b"AT+CIPSEND=%s,%d\r\n" % (link.encode(), len(offset)))
        elif item[0] == "prompt":
            module.write(offset)
    result.update(digest=digest.hexdigest(), count=count, connections=connections, pause=pause)


def send(module, port, content):
    """The station's host: sends the file, and again from where the other says whenever the link has gone."""
    while True:
        module.write(b'AT+CIPSTART="TCP","192.168.4.1",%d\r\n' % port)
        if module.until("OK", "ERROR")[1] != "OK":
            time.sleep(0.2)
            continue
        item = module.until("data", "CLOSED")
        if item[0] != "data":
            continue
        offset = int(item[2])
        while offset < len(content):
            block = content[offset:offset + 8192]
            module.write(b"AT+CIPSEND=%d\r\n" % len(block))
            # Each command has its final answer, also of a link that has gone meanwhile.
            if module.until("prompt", "ERROR")[0] != "prompt":
                break
            module.write(block)
            if module.until("SEND OK", "SEND FAIL", "ERROR")[1] != "SEND OK":
                break
            offset += len(block)
        else:
            return


def main():
    access_point, station = Module(os.environ["WIFISIM_TTY0"]), Module(os.environ["WIFISIM_TTY1"])
    content = random.Random(1).randbytes(int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 24)
    for module in (access_point, station):
        module.ask("ATE0")
    access_point.ask("AT+CWMODE=2")
    access_point.ask('AT+CWSAP="lab","12345678",5,3')
    access_point.ask("AT+CIPMUX=1")
    port = free_port()
    access_point.ask(f"AT+CIPSERVER=1,{port}")
    station.ask("AT+CWMODE=1")
    station.ask('AT+CWJAP="lab","12345678"')
    exchange_datagrams(access_point, station, port)
    interrupted, result = threading.Event(), {}
    receiver = threading.Thread(target=receive, args=(access_point, len(content), interrupted, result), daemon=True)
    start = time.monotonic()
    receiver.start()
    send(station, port, content)
    receiver.join(60)
    elapsed = time.monotonic() - start
    same = result.get("digest") == hashlib.sha256(content).hexdigest()
    busy = elapsed - result.get("pause", 0)
    print(f"{result.get('count')} bytes in {elapsed:.1f} s, {result.get('count', 0) / busy / 1e6:.1f} MB/s without the pause "
          f"of {result.get('pause', 0):.1f} s; {result.get('connections')} connections; "
          f"SHA-256 {'equal' if same else 'DIFFERS'}")
    sys.exit(0 if same and result["connections"] > 1 and interrupted.is_set() else 1)


main()
