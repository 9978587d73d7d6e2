"""pyserial on the line of WIFISIM_TTY: joins, exchanges data with a real server, gets a page, serves one itself."""
import os
import socket
import sys

import serial

import servers

port = serial.serial_for_url(os.environ["WIFISIM_TTY"], 115200, timeout=10)


def expect(end):
    answer = port.read_until(end)
    assert answer.endswith(end), answer
    return answer


def command(line):
    port.write(line.encode() + b"\r\n")
    return expect(b"OK\r\n")


def send(link, data):
    command(f"AT+CIPSEND={link},{len(data)}")
    expect(b">")
    port.write(data)
    expect(b"SEND OK\r\n")


def push():
    expect(b"+IPD,")
    link, length = expect(b":")[:-1].split(b",")
    return int(link), port.read(int(length))


def receive(link, count):
    data = b""
    while len(data) < count:
        source, part = push()
        assert source == link
        data += part
    return data


assert b"AT version:" in command("AT+GMR")
command("ATE0")
command("AT+CWMODE=1")
command('AT+CWJAP="wifisim","password"')
command("AT+CIPMUX=1")

command(f'AT+CIPSTART=0,"TCP","10.0.2.2",{servers.echo()}')
for size in (1, 2, 100, 1460, 2048):
    data = bytes(i * 7 & 255 for i in range(size - 1)) + b"+"
    send(0, data)
    assert receive(0, size) == data, size
command("AT+CIPCLOSE=0")

page = b"<html>+IPD,0,5:OK\r\n</html>" * 200
command(f'AT+CIPSTART=1,"TCP","10.0.2.2",{servers.http_page(page)}')
send(1, b"GET / HTTP/1.0\r\n\r\n")
answer = b""
while not answer.endswith(page):
    answer += push()[1]
expect(b"1,CLOSED\r\n")

server_port = servers.free_port()
command(f"AT+CIPSERVER=1,{server_port}")
with socket.create_connection(("127.0.0.1", server_port)) as peer:
    expect(b"0,CONNECT\r\n")
    peer.sendall(b"question")
    assert receive(0, 8) == b"question"
    send(0, b"answer")
    assert peer.recv(100) == b"answer"
expect(b"0,CLOSED\r\n")
sys.exit(0)
