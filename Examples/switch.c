// The same program on two interfaces: sends a line to an echo server over WiFi, then over the computer's own network.
//
//   ./switch [PORT]
//
// Link it with IoTSocketMux instead of IoTSocketWiFi.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iot_socket.h"
#include "iot_socket_tables.h"
#include "socket_startup.h"

// The application; it does not depend on the interface.
static int echo(const uint8_t ip[4], uint16_t port) {
    char reply[6] = "";
    int32_t sock = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0);
    int32_t code = iotSocketConnect(sock, ip, 4, port);
    if (code == 0) code = iotSocketSend(sock, "hello", 5);
    if (code == 5) code = iotSocketRecv(sock, reply, 5);
    iotSocketClose(sock);
    printf("  %s (%d)\n", reply, (int)code);
    return code == 5 && strcmp(reply, "hello") == 0;
}

int main(int argc, char **argv) {
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 7777);
    static const uint8_t host_by_wifi[4] = {10, 0, 2, 2}, host_by_wire[4] = {127, 0, 0, 1};

    if (socket_startup() != 0) return EXIT_FAILURE;
    puts("WiFi");
    iotSocketRegisterApi(&iotSocketApiWiFi);
    int ok = echo(host_by_wifi, port);

    puts("Ethernet");
    iotSocketRegisterApi(&iotSocketApiHost);
    return ok & echo(host_by_wire, port) ? EXIT_SUCCESS : EXIT_FAILURE;
}
