#include "iot_socket.h"
#include "iot_socket_mux.h"
