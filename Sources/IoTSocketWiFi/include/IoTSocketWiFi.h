// The header for programs that link this library.
#pragma once
#include "iot_socket.h"
#include "socket_startup.h"
