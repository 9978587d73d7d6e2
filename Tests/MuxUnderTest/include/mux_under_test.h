// The sources of IoTSocketMux in a program that has IoTSocketWiFi too.
#pragma once
#include "../../../Sources/IoTSocketMux/include/iot_socket_tables.h"
#include "iot_socket.h"

/// The functions of the multiplexer.
extern const iotSocketApi_t iotSocketApiMux;
/// Put a table, or none, behind them.
extern int32_t mux_register_wifi(void);
extern int32_t mux_register_host(void);
extern int32_t mux_register_none(void);

/// What SocketCreate gives in a child that is forked, 0 for a socket; below -999 if it does not get that far.
int32_t create_in_child(const iotSocketApi_t *api);
