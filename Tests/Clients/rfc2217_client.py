"""pyserial over RFC 2217 on the line of WIFISIM_TTY: bit rates, modem lines, break, purge, and the reset line of the first
argument (board, rts, dtr or none).
"""
import os
import sys
import time

import serial

reset_line = sys.argv[1]
port = serial.serial_for_url(os.environ["WIFISIM_TTY"], do_not_open=True)
port.baudrate = 115200
port.timeout = 10
# With these reset lines, an open port holds the module in reset until it lets go.
if reset_line == "rts":
    port.rts = False
if reset_line == "dtr":
    port.dtr = False
port.open()


def command(line):
    port.write(line.encode() + b"\r\n")
    answer = port.read_until(b"OK\r\n")
    assert answer.endswith(b"OK\r\n"), answer
    return answer


def wait_until_it_runs():
    """A module that was held in reset boots first, and hears nothing meanwhile."""
    port.timeout = 0.5
    for _ in range(40):
        port.write(b"AT\r\n")
        if port.read_until(b"OK\r\n").endswith(b"OK\r\n"):
            break
    time.sleep(0.2)
    port.reset_input_buffer()
    port.timeout = 10


def restarts(pull, let_go, expected):
    """True if the module starts when its reset line is let go, and says nothing before."""
    command("AT")
    port.timeout = 0.2
    pull()
    assert port.read(1) == b""
    let_go()
    port.timeout = 10 if expected else 1
    said = port.read_until(b"ready\r\n")
    port.timeout = 10
    return said.endswith(b"ready\r\n")


def rts(is_on):
    def act():
        port.rts = is_on
    return act


def dtr(is_on):
    def act():
        port.dtr = is_on
    return act


wait_until_it_runs()
assert b"AT version:" in command("AT+GMR")
assert port.cts and port.dsr and port.cd and not port.ri

for rate in (9600, 250001, 921600, 115200):
    port.baudrate = rate
    command(f"AT+UART_CUR={rate},8,1,0,0")
    command("AT")
port.stopbits = serial.STOPBITS_TWO
port.parity = serial.PARITY_EVEN
port.bytesize = 7
command("AT")
port.stopbits, port.parity, port.bytesize = serial.STOPBITS_ONE, serial.PARITY_NONE, 8

port.send_break(0.05)
command("AT")

# What waits is dropped on both sides of the connection.
port.write(b"AT+GMR\r\n")
time.sleep(0.2)
port.reset_input_buffer()
port.timeout = 0.2
assert port.read(1) == b""
port.timeout = 10
command("AT")

# A byte that is Telnet's own.
command("ATE0")
command("AT+CWMODE=1")
command('AT+CWJAP="wifisim","password"')
command('AT+CIPSTART="UDP","10.0.2.2",9')
port.write(b"AT+CIPSEND=4\r\n")
assert port.read_until(b">").endswith(b">")
port.write(b"\xff\xff\xf0\xff")
assert port.read_until(b"SEND OK\r\n").endswith(b"Recv 4 bytes\r\n\r\nSEND OK\r\n")

resets = {
    # Both lines are on. EN is low while RTS is on and DTR is not.
    "board": [(dtr(False), dtr(True), True)],
    "rts": [(rts(True), rts(False), True), (dtr(False), dtr(True), False)],
    "dtr": [(dtr(True), dtr(False), True), (rts(False), rts(True), False)],
    "none": [(rts(False), rts(True), False), (dtr(False), dtr(True), False)],
}
for pull, let_go, expected in resets[reset_line]:
    assert restarts(pull, let_go, expected) == expected, (reset_line, expected)
command("AT")
port.close()

# A port that nobody has open asserts nothing. A port that opens may pull the reset line for a moment.
port.open()
wait_until_it_runs()
command("AT")
