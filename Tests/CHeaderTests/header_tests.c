// The values and layouts that the standards fix, checked by the compiler.
#include "header_tests.h"

#include <stddef.h>

#include "Driver_WiFi.h"
#include "iot_socket.h"
#include "iot_socket_mux.h"

#define IS(expression, value) _Static_assert((expression) == (value), #expression)

void header_tests(void) {}

// ---- Driver_Common.h ------------------------------------------------------------------------------------------------
IS(ARM_DRIVER_VERSION_MAJOR_MINOR(2, 3), 0x203);
IS(ARM_DRIVER_OK, 0);
IS(ARM_DRIVER_ERROR, -1);
IS(ARM_DRIVER_ERROR_BUSY, -2);
IS(ARM_DRIVER_ERROR_TIMEOUT, -3);
IS(ARM_DRIVER_ERROR_UNSUPPORTED, -4);
IS(ARM_DRIVER_ERROR_PARAMETER, -5);
IS(ARM_DRIVER_ERROR_SPECIFIC, -6);
IS(ARM_POWER_OFF, 0);
IS(ARM_POWER_LOW, 1);
IS(ARM_POWER_FULL, 2);
IS(sizeof(ARM_DRIVER_VERSION), 4);
IS(offsetof(ARM_DRIVER_VERSION, drv), 2);

// ---- Driver_WiFi.h --------------------------------------------------------------------------------------------------
IS(ARM_WIFI_API_VERSION, 0x101);
IS(ARM_WIFI_BSSID, 1);
IS(ARM_WIFI_TX_POWER, 2);
IS(ARM_WIFI_LP_TIMER, 3);
IS(ARM_WIFI_DTIM, 4);
IS(ARM_WIFI_BEACON, 5);
IS(ARM_WIFI_MAC, 6);
IS(ARM_WIFI_IP, 7);
IS(ARM_WIFI_IP_SUBNET_MASK, 8);
IS(ARM_WIFI_IP_GATEWAY, 9);
IS(ARM_WIFI_IP_DNS1, 10);
IS(ARM_WIFI_IP_DNS2, 11);
IS(ARM_WIFI_IP_DHCP, 12);
IS(ARM_WIFI_IP_DHCP_POOL_BEGIN, 13);
IS(ARM_WIFI_IP_DHCP_POOL_END, 14);
IS(ARM_WIFI_IP_DHCP_LEASE_TIME, 15);
IS(ARM_WIFI_IP6_GLOBAL, 16);
IS(ARM_WIFI_IP6_LINK_LOCAL, 17);
IS(ARM_WIFI_IP6_SUBNET_PREFIX_LEN, 18);
IS(ARM_WIFI_IP6_GATEWAY, 19);
IS(ARM_WIFI_IP6_DNS1, 20);
IS(ARM_WIFI_IP6_DNS2, 21);
IS(ARM_WIFI_IP6_DHCP_MODE, 22);
IS(ARM_WIFI_SECURITY_OPEN, 0);
IS(ARM_WIFI_SECURITY_WEP, 1);
IS(ARM_WIFI_SECURITY_WPA, 2);
IS(ARM_WIFI_SECURITY_WPA2, 3);
IS(ARM_WIFI_SECURITY_UNKNOWN, 255);
IS(ARM_WIFI_WPS_METHOD_NONE, 0);
IS(ARM_WIFI_WPS_METHOD_PBC, 1);
IS(ARM_WIFI_WPS_METHOD_PIN, 2);
IS(ARM_WIFI_IP6_DHCP_OFF, 0);
IS(ARM_WIFI_IP6_DHCP_STATELESS, 1);
IS(ARM_WIFI_IP6_DHCP_STATEFULL, 2);
IS(ARM_WIFI_EVENT_AP_CONNECT, 1);
IS(ARM_WIFI_EVENT_AP_DISCONNECT, 2);
IS(ARM_WIFI_EVENT_ETH_RX_FRAME, 16);

IS(offsetof(ARM_WIFI_CONFIG_t, ssid), 0);
IS(offsetof(ARM_WIFI_CONFIG_t, pass), sizeof(char *));
IS(offsetof(ARM_WIFI_CONFIG_t, security), 2 * sizeof(char *));
IS(offsetof(ARM_WIFI_CONFIG_t, ch), 2 * sizeof(char *) + 1);
IS(offsetof(ARM_WIFI_CONFIG_t, reserved), 2 * sizeof(char *) + 2);
IS(offsetof(ARM_WIFI_CONFIG_t, wps_method), 2 * sizeof(char *) + 3);
IS(offsetof(ARM_WIFI_CONFIG_t, wps_pin), 3 * sizeof(char *));
IS(sizeof(ARM_WIFI_SCAN_INFO_t), 42);
IS(offsetof(ARM_WIFI_SCAN_INFO_t, bssid), 33);
IS(offsetof(ARM_WIFI_SCAN_INFO_t, security), 39);
IS(offsetof(ARM_WIFI_SCAN_INFO_t, ch), 40);
IS(offsetof(ARM_WIFI_SCAN_INFO_t, rssi), 41);
IS(sizeof(ARM_WIFI_NET_INFO_t), 101);
IS(offsetof(ARM_WIFI_NET_INFO_t, pass), 33);
IS(offsetof(ARM_WIFI_NET_INFO_t, security), 98);
IS(offsetof(ARM_WIFI_NET_INFO_t, ch), 99);
IS(offsetof(ARM_WIFI_NET_INFO_t, rssi), 100);
IS(sizeof(ARM_WIFI_CAPABILITIES), 4);

#define IN_PLACE(function, index) IS(offsetof(ARM_DRIVER_WIFI, function), (index) * sizeof(void (*)(void)))
IN_PLACE(GetVersion, 0);
IN_PLACE(GetCapabilities, 1);
IN_PLACE(Initialize, 2);
IN_PLACE(Uninitialize, 3);
IN_PLACE(PowerControl, 4);
IN_PLACE(GetModuleInfo, 5);
IN_PLACE(SetOption, 6);
IN_PLACE(GetOption, 7);
IN_PLACE(Scan, 8);
IN_PLACE(Activate, 9);
IN_PLACE(Deactivate, 10);
IN_PLACE(IsConnected, 11);
IN_PLACE(GetNetInfo, 12);
IN_PLACE(BypassControl, 13);
IN_PLACE(EthSendFrame, 14);
IN_PLACE(EthReadFrame, 15);
IN_PLACE(EthGetRxFrameSize, 16);
IN_PLACE(SocketCreate, 17);
IN_PLACE(SocketBind, 18);
IN_PLACE(SocketListen, 19);
IN_PLACE(SocketAccept, 20);
IN_PLACE(SocketConnect, 21);
IN_PLACE(SocketRecv, 22);
IN_PLACE(SocketRecvFrom, 23);
IN_PLACE(SocketSend, 24);
IN_PLACE(SocketSendTo, 25);
IN_PLACE(SocketGetSockName, 26);
IN_PLACE(SocketGetPeerName, 27);
IN_PLACE(SocketGetOpt, 28);
IN_PLACE(SocketSetOpt, 29);
IN_PLACE(SocketClose, 30);
IN_PLACE(SocketGetHostByName, 31);
IN_PLACE(Ping, 32);
IS(sizeof(ARM_DRIVER_WIFI), 33 * sizeof(void (*)(void)));

// ---- The sockets of both ---------------------------------------------------------------------------------------------
#define BOTH(name, value)     \
    IS(ARM_SOCKET_##name, value); \
    IS(IOT_SOCKET_##name, value)
BOTH(AF_INET, 1);
BOTH(AF_INET6, 2);
BOTH(SOCK_STREAM, 1);
BOTH(SOCK_DGRAM, 2);
BOTH(IPPROTO_TCP, 1);
BOTH(IPPROTO_UDP, 2);
BOTH(IO_FIONBIO, 1);
BOTH(SO_RCVTIMEO, 2);
BOTH(SO_SNDTIMEO, 3);
BOTH(SO_KEEPALIVE, 4);
BOTH(SO_TYPE, 5);
BOTH(ERROR, -1);
BOTH(ESOCK, -2);
BOTH(EINVAL, -3);
BOTH(ENOTSUP, -4);
BOTH(ENOMEM, -5);
BOTH(EAGAIN, -6);
BOTH(EINPROGRESS, -7);
BOTH(ETIMEDOUT, -8);
BOTH(EISCONN, -9);
BOTH(ENOTCONN, -10);
BOTH(ECONNREFUSED, -11);
BOTH(ECONNRESET, -12);
BOTH(ECONNABORTED, -13);
BOTH(EALREADY, -14);
BOTH(EADDRINUSE, -15);
BOTH(EHOSTNOTFOUND, -16);

#define TABLE_IN_PLACE(function, index) IS(offsetof(iotSocketApi_t, function), (index) * sizeof(void (*)(void)))
TABLE_IN_PLACE(SocketCreate, 0);
TABLE_IN_PLACE(SocketBind, 1);
TABLE_IN_PLACE(SocketListen, 2);
TABLE_IN_PLACE(SocketAccept, 3);
TABLE_IN_PLACE(SocketConnect, 4);
TABLE_IN_PLACE(SocketRecv, 5);
TABLE_IN_PLACE(SocketRecvFrom, 6);
TABLE_IN_PLACE(SocketSend, 7);
TABLE_IN_PLACE(SocketSendTo, 8);
TABLE_IN_PLACE(SocketGetSockName, 9);
TABLE_IN_PLACE(SocketGetPeerName, 10);
TABLE_IN_PLACE(SocketGetOpt, 11);
TABLE_IN_PLACE(SocketSetOpt, 12);
TABLE_IN_PLACE(SocketClose, 13);
TABLE_IN_PLACE(SocketGetHostByName, 14);
IS(sizeof(iotSocketApi_t), 15 * sizeof(void (*)(void)));
