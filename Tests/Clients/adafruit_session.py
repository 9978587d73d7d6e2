"""A short session of Adafruit's ESP_ATcontrol, unmodified, on the line of WIFISIM_TTY: joins and talks to the server at
WIFISIM_PORT of the gateway. It sends the same each time, so that it can be recorded and replayed.
"""
import os
import sys
import time
import types

import serial

digitalio = types.ModuleType("digitalio")
digitalio.DigitalInOut = type("DigitalInOut", (), {})
digitalio.Direction = type("Direction", (), {"INPUT": 0, "OUTPUT": 1})
sys.modules["digitalio"] = digitalio
micropython = types.ModuleType("micropython")
micropython.const = lambda value: value
sys.modules["micropython"] = micropython

from adafruit_espatcontrol.adafruit_espatcontrol import ESP_ATcontrol  # noqa: E402


class UART:
    """busio.UART over pyserial."""

    def __init__(self, path):
        self.line = serial.serial_for_url(path, 115200, timeout=1)

    baudrate = property(lambda self: self.line.baudrate, lambda self, rate: setattr(self.line, "baudrate", rate))
    in_waiting = property(lambda self: self.line.in_waiting)

    def read(self, count=None):
        return self.line.read(self.line.in_waiting if count is None else count) or None

    def write(self, data):
        return self.line.write(data)

    def reset_input_buffer(self):
        self.line.reset_input_buffer()


module = ESP_ATcontrol(UART(os.environ["WIFISIM_TTY"]), 115200)
assert module.get_version().startswith("AT version:")
module.connect({"ssid": "wifisim", "password": "password"})
assert module.local_ip == "10.0.2.15"
module.socket_connect("TCP", "10.0.2.2", int(os.environ["WIFISIM_PORT"]))
module.socket_send(b"hello\r\nOK\r\n+IPD,5:")
time.sleep(0.3)
module.socket_disconnect()
