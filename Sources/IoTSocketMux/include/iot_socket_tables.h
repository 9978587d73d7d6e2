// The implementations that come with the multiplexer; give one of them to iotSocketRegisterApi.
#ifndef IOT_SOCKET_TABLES_H
#define IOT_SOCKET_TABLES_H

#include "iot_socket_mux.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Sockets of the WiFi module, Driver_WiFi0. socket_startup() has to have joined a network.
extern const iotSocketApi_t iotSocketApiWiFi;

/// The host's own sockets: they stand for a wired interface. Ready at once.
extern const iotSocketApi_t iotSocketApiHost;

#ifdef __cplusplus
}
#endif

#endif
