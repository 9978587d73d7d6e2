// Sends a line to an echo server through a WiFi module and prints the reply.
//
//   ./hello [HOST] [PORT]
//
// HOST is a name or an address. The default, 10.0.2.2, is the gateway of the standard world: this computer.
// Try it:  python3 -c 'import socketserver as s; s.TCPServer(("127.0.0.1", 7777), type("E", (s.StreamRequestHandler,),
//          {"handle": lambda h: [h.wfile.write(l) for l in h.rfile]})).serve_forever()' &  ./hello
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iot_socket.h"
#include "socket_startup.h"

static int failed(const char *step, int32_t code) {
    fprintf(stderr, "%s gave %d\n", step, (int)code);
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    const char *host = argc > 1 ? argv[1] : "10.0.2.2";
    uint16_t port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 7777);
    const char message[] = "hello, module\n";

    // Switches the module on and joins the network. Without WIFISIM_TTY a simulated module starts in this process.
    if (socket_startup() != 0) return EXIT_FAILURE;

    uint8_t ip[4];
    uint32_t ip_len = sizeof ip;
    int32_t code = iotSocketGetHostByName(host, IOT_SOCKET_AF_INET, ip, &ip_len);
    if (code != 0) return failed("iotSocketGetHostByName", code);

    int32_t sock = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, IOT_SOCKET_IPPROTO_TCP);
    if (sock < 0) return failed("iotSocketCreate", sock);
    code = iotSocketConnect(sock, ip, ip_len, port);
    if (code != 0) return failed("iotSocketConnect", code);

    code = iotSocketSend(sock, message, sizeof message - 1);
    if (code < 0) return failed("iotSocketSend", code);

    // A stream has no message boundaries: receive until all bytes are back.
    char reply[sizeof message] = "";
    for (size_t got = 0; got < sizeof message - 1; got += (size_t)code) {
        code = iotSocketRecv(sock, reply + got, (uint32_t)(sizeof message - 1 - got));
        if (code < 0) return failed("iotSocketRecv", code);
    }
    printf("%s", reply);
    iotSocketClose(sock);
    return strcmp(reply, message) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
