"""Real servers on loopback for the clients to talk to."""
import http.server
import socket
import threading
import time


def echo(delay=0.0):
    """A TCP server that sends back what it gets, `delay` seconds later. Returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            peer, _ = listener.accept()
            with peer:
                while data := peer.recv(65536):
                    time.sleep(delay)
                    peer.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def free_port():
    """A TCP port of loopback that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def http_page(page, delay=0.0):
    """An HTTP server that answers every GET with `page`, `delay` seconds later. Returns its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(delay)
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
