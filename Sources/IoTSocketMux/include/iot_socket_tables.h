// The implementations that come with the multiplexer. Pass one of them to iotSocketRegisterApi.
#ifndef IOT_SOCKET_TABLES_H
#define IOT_SOCKET_TABLES_H

#include "iot_socket_mux.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Sockets of the WiFi module, Driver_WiFi0. Call socket_startup() first, to join a network.
extern const iotSocketApi_t iotSocketApiWiFi;

/// The computer's own sockets, which stand for a wired interface. Ready at once.
extern const iotSocketApi_t iotSocketApiHost;

#ifdef __cplusplus
}
#endif

#endif
