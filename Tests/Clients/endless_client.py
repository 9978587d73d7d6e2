"""Sends and receives without end on the line of WIFISIM_TTY, over a link to an echo server, until it is killed. Prints a
line once data comes back.
"""
import os
import sys

import serial

import servers

port = serial.serial_for_url(sys.argv[1], 115200, timeout=10)


def command(line, end=b"OK\r\n"):
    port.write(line.encode() + b"\r\n")
    answer = port.read_until(end)
    assert answer.endswith(end), answer


command("ATE0")
command("AT+CWMODE=1")
command('AT+CWJAP="wifisim","password"')
command(f'AT+CIPSTART="TCP","10.0.2.2",{servers.echo()}')
while True:
    command("AT+CIPSEND=2048", b">")
    port.write(b"a" * 2048)
    assert port.read_until(b"SEND OK\r\n").endswith(b"SEND OK\r\n")
    assert port.read_until(b"+IPD").endswith(b"+IPD")
    print("running", flush=True)
