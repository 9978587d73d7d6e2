"""Adafruit's ESP_ATcontrol, unmodified, on the line of WIFISIM_TTY: joins, pings, resolves, echoes, gets a page, leaves.

The library is made for CircuitPython; what CPython lacks of it stands below.
"""
import os
import sys
import time
import types

import serial

import servers


class CircuitBytes(bytes):
    """bytes as CircuitPython has them: startswith takes text, which the library relies on."""

    def startswith(self, prefix, *rest):
        return super().startswith(prefix.encode() if isinstance(prefix, str) else prefix, *rest)

    def __add__(self, other):
        return CircuitBytes(bytes(self) + bytes(other))

    def __radd__(self, other):
        return CircuitBytes(bytes(other) + bytes(self))

    def __getitem__(self, index):
        item = super().__getitem__(index)
        return CircuitBytes(item) if isinstance(index, slice) else item

    def split(self, *arguments):
        return [CircuitBytes(part) for part in super().split(*arguments)]

    def strip(self, *arguments):
        return CircuitBytes(super().strip(*arguments))


class UART:
    """busio.UART over pyserial."""

    def __init__(self, path):
        self.line = serial.serial_for_url(path, 115200, timeout=1)

    baudrate = property(lambda self: self.line.baudrate, lambda self, rate: setattr(self.line, "baudrate", rate))

    @property
    def in_waiting(self):
        return self.line.in_waiting

    def read(self, count=None):
        data = self.line.read(self.line.in_waiting if count is None else count)
        return CircuitBytes(data) if data else None

    def write(self, data):
        return self.line.write(data)

    def reset_input_buffer(self):
        self.line.reset_input_buffer()


digitalio = types.ModuleType("digitalio")
digitalio.DigitalInOut = type("DigitalInOut", (), {})
digitalio.Direction = type("Direction", (), {"INPUT": 0, "OUTPUT": 1})
sys.modules["digitalio"] = digitalio
micropython = types.ModuleType("micropython")
micropython.const = lambda value: value
sys.modules["micropython"] = micropython

from adafruit_espatcontrol import adafruit_espatcontrol, adafruit_espatcontrol_socket as sockets  # noqa: E402

module = adafruit_espatcontrol.ESP_ATcontrol(UART(os.environ["WIFISIM_TTY"]), 115200)
sockets.set_interface(module)


def receive(socket, end, limit=10):
    data, deadline = b"", time.monotonic() + limit
    while not data.endswith(end) and time.monotonic() < deadline:
        data += bytes(socket.recv(0))
    return data


module.begin()
assert module._initialized
assert any(ap[1] == "wifisim" for ap in module.scan_APs())
module.connect({"ssid": "wifisim", "password": "password"}, retries=1)
assert module.is_connected
assert module.local_ip == "10.0.2.15"
assert module.remote_AP[0] == "wifisim"
assert isinstance(module.ping("10.0.2.2"), int)
assert module.nslookup("localhost") == "127.0.0.1"

# The library takes what comes with SEND OK for a part of that, so the peer answers later.
socket = sockets.socket()
socket.settimeout(3)
socket.connect(("10.0.2.2", servers.echo(delay=0.2)), "TCP")
for size in (1, 100, 1460, 2048):
    data = bytes((i * 7 + size) & 255 for i in range(size)).replace(b"+", b"-")
    socket.send(data)
    assert receive(socket, data) == data, size
socket.settimeout(0.3)
socket.close()

page = b"".join(b"line %04d of the page\n" % i for i in range(50))
socket = sockets.socket()
socket.settimeout(2)
socket.connect(("10.0.2.2", servers.http_page(page, delay=0.2)), "TCP")
socket.send(b"GET / HTTP/1.0\r\n\r\n")
assert receive(socket, page).startswith(b"HTTP/1.0 200")
module.disconnect()
assert not module.is_connected
