"""SSL links on the tty of WIFISIM_TTY, with Python's ssl at the other end: as a client, as a server, certificates of one's own."""
import contextlib
import hashlib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import serial

import certificates
import servers

port = serial.Serial(os.environ["WIFISIM_TTY"], 115200, timeout=20)
profile = sys.argv[1]
has_server = profile in ("esp32-2.1", "esp32c3-3.3", "esp32c3-4.1")
has_values = profile in ("esp32c3-3.3", "esp32c3-4.1")


def expect(end):
    answer = port.read_until(end)
    assert answer.endswith(end), answer
    return answer


def command(line, end=b"OK\r\n"):
    port.write(line.encode() + b"\r\n")
    return expect(end)


def send(link, data):
    for start in range(0, len(data), 2048):
        part = data[start : start + 2048]
        command(f"AT+CIPSEND={link},{len(part)}")
        expect(b">")
        port.write(part)
        expect(b"SEND OK\r\n")


def receive(link, count):
    data = b""
    while len(data) < count:
        expect(b"+IPD,")
        source, length = expect(b":")[:-1].split(b",")
        assert int(source) == link
        data += port.read(int(length))
    return data


def serve(context, handler):
    """Runs `handler` with each TLS connection. Returns the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            peer, _ = listener.accept()
            with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as connection:
                handler(connection)

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


def server_context(authority, identity, wants_certificate=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    if wants_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority.certificate)
    return context


def connects(link, number):
    command(f'AT+CIPSTART={link},"SSL","10.0.2.2",{number}', b"\r\nOK\r\n")


def fails(link, number):
    answer = command(f'AT+CIPSTART={link},"SSL","10.0.2.2",{number}', b"CLOSED\r\n")
    assert answer == b"\r\nERROR\r\n%d,CLOSED\r\n" % link, answer


with tempfile.TemporaryDirectory() as folder:
    own = certificates.Authority(pathlib.Path(folder), "own")
    other = certificates.Authority(pathlib.Path(folder), "other")
    server = own.issue("server.example")
    command("ATE0")
    command("AT+CWMODE=1")
    command('AT+CWJAP="wifisim","password"')
    command("AT+CIPMUX=1")

    # 1 MiB each way, while the server sends faster than the line takes it.
    payload = bytes(i * i >> 3 & 255 for i in range((1 << 20) - 14)) + b"OK\r\n+IPD,0,5:\0"
    received = bytearray()

    def exchange(connection):
        connection.sendall(payload)
        while len(received) < len(payload):
            received.extend(connection.recv(65536))
        connection.sendall(b"done")

    connects(0, serve(server_context(own, server), exchange))
    assert hashlib.sha256(receive(0, len(payload))).digest() == hashlib.sha256(payload).digest()
    send(0, payload)
    assert receive(0, 4) == b"done"
    assert hashlib.sha256(received).digest() == hashlib.sha256(payload).digest()
    expect(b"0,CLOSED\r\n")

    # A server that does not speak TLS.
    plain = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: plain.accept()[0].sendall(b"220 mail.example\r\n"), daemon=True).start()
    fails(0, plain.getsockname()[1])

    # The module checks the server: not of the factory's authority, so refused.
    echo_port = serve(server_context(own, server), echo)
    other_port = serve(server_context(other, other.issue("server.example")), echo)
    connects(1, echo_port)
    command("AT+CIPCLOSE=1")
    command("AT+CIPSSLCCONF=2" if profile in ("esp8266-1.7", "wizfi360-1.0") else "AT+CIPSSLCCONF=1,2,0,0")
    fails(1, echo_port)

    if has_values:

        def write(namespace, key, file):
            data = file.read_bytes()
            command(f'AT+SYSMFG=2,"{namespace}","{key}",8,{len(data)}')
            expect(b">")
            port.write(data)
            expect(b"OK\r\n")

        write("client_ca", "client_ca.0", own.certificate)
        connects(1, echo_port)
        send(1, b"trusted")
        assert receive(1, 7) == b"trusted"
        command("AT+CIPCLOSE=1")
        fails(1, other_port)

        # The name in the certificate.
        command('AT+CIPSSLCCN=1,"other.example"')
        fails(1, echo_port)
        command('AT+CIPSSLCCN=1,"server.example"')
        connects(1, echo_port)
        command("AT+CIPCLOSE=1")

        # Mutual: the factory's certificate is none of the server's authority.
        mutual_port = serve(server_context(own, server, wants_certificate=True), echo)
        command("AT+CIPSSLCCONF=1,3,0,0")
        fails(1, mutual_port)
        client = own.issue("client")
        write("client_cert", "client_cert.0", client.certificate)
        write("client_key", "client_key.0", client.key)
        connects(1, mutual_port)
        send(1, b"mutual")
        assert receive(1, 6) == b"mutual"
        command("AT+CIPCLOSE=1")

        # A key instead of certificates.
        key_port = servers.free_port()
        with subprocess.Popen(
            ["openssl", "s_server", "-accept", str(key_port), "-nocert", "-tls1_2", "-psk", "70736b00", "-psk_identity",
             "me", "-rev", "-naccept", "2", "-quiet"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ):
            while True:
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", key_port)):
                    break
            command("AT+CIPSSLCCONF=2,0")
            command('AT+CIPSSLCPSKHEX=2,"70736b00","me"')
            connects(2, key_port)
            send(2, b"key\n")
            assert receive(2, 4) == b"yek\n"
            command("AT+CIPCLOSE=2")

        # SNI and ALPN, as the server sees them.
        seen = {}
        context = server_context(own, server)
        context.set_alpn_protocols(["mqtt"])
        context.sni_callback = lambda _connection, name, _context: seen.update(name=name)

        def note(connection):
            seen.update(protocol=connection.selected_alpn_protocol(), cipher=connection.cipher()[0])
            connection.sendall(b"seen")

        noting_port = serve(context, note)
        command('AT+CIPSSLCSNI=1,"tenant.example"')
        command('AT+CIPSSLCALPN=1,2,"h2","mqtt"')
        if profile == "esp32c3-4.1":
            command("AT+CIPSSLCCIPHER=1,1,0xC02F")
        connects(1, noting_port)
        assert receive(1, 4) == b"seen"
        expect(b"1,CLOSED\r\n")
        assert seen["name"] == "tenant.example" and seen["protocol"] == "mqtt", seen
        if profile == "esp32c3-4.1":
            assert seen["cipher"] == "ECDHE-RSA-AES128-GCM-SHA256", seen

    if has_server:
        number = servers.free_port()
        command(f'AT+CIPSERVER=1,{number},"SSL"')
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(socket.create_connection(("127.0.0.1", number))) as peer:
            expect(b"0,CONNECT\r\n")
            peer.sendall(payload[-5000:])
            assert receive(0, 5000) == payload[-5000:]
            send(0, payload[-5000:])
            data = b""
            while len(data) < 5000:
                data += peer.recv(65536)
            assert data == payload[-5000:]
        expect(b"0,CLOSED\r\n")
        command("AT+CIPSERVER=0,1")

        # With "CA enable", a client without a certificate of the server's authority gets nowhere.
        if has_values:
            write("server_ca", "server_ca", own.certificate)
            number = servers.free_port()
            command(f'AT+CIPSERVER=1,{number},"SSL",1')
            try:
                with context.wrap_socket(socket.create_connection(("127.0.0.1", number))) as peer:
                    assert peer.recv(1) == b""
            except OSError:
                pass
            context.load_cert_chain(client.certificate, client.key)
            with context.wrap_socket(socket.create_connection(("127.0.0.1", number))) as peer:
                expect(b"0,CONNECT\r\n")
                send(0, b"welcome")
                assert peer.recv(100) == b"welcome"
            expect(b"0,CLOSED\r\n")
