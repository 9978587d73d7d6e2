// What a program that links this library includes.
#pragma once
#include "iot_socket.h"
#include "socket_startup.h"
