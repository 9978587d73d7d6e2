// The entry points, implemented in Swift: the functions of the access structure, with the number of the driver first.
#pragma once
#include "Driver_WiFi.h"

ARM_DRIVER_VERSION wifisim_driver_GetVersion(uint32_t driver);
ARM_WIFI_CAPABILITIES wifisim_driver_GetCapabilities(uint32_t driver);
int32_t wifisim_driver_Initialize(uint32_t driver, ARM_WIFI_SignalEvent_t cb_event);
int32_t wifisim_driver_Uninitialize(uint32_t driver);
int32_t wifisim_driver_PowerControl(uint32_t driver, ARM_POWER_STATE state);
int32_t wifisim_driver_GetModuleInfo(uint32_t driver, char *module_info, uint32_t max_len);
int32_t wifisim_driver_SetOption(uint32_t driver, uint32_t interface, uint32_t option, const void *data, uint32_t len);
int32_t wifisim_driver_GetOption(uint32_t driver, uint32_t interface, uint32_t option, void *data, uint32_t *len);
int32_t wifisim_driver_Scan(uint32_t driver, ARM_WIFI_SCAN_INFO_t scan_info[], uint32_t max_num);
int32_t wifisim_driver_Activate(uint32_t driver, uint32_t interface, const ARM_WIFI_CONFIG_t *config);
int32_t wifisim_driver_Deactivate(uint32_t driver, uint32_t interface);
uint32_t wifisim_driver_IsConnected(uint32_t driver);
int32_t wifisim_driver_GetNetInfo(uint32_t driver, ARM_WIFI_NET_INFO_t *net_info);
int32_t wifisim_driver_BypassControl(uint32_t driver, uint32_t interface, uint32_t mode);
int32_t wifisim_driver_EthSendFrame(uint32_t driver, uint32_t interface, const uint8_t *frame, uint32_t len);
int32_t wifisim_driver_EthReadFrame(uint32_t driver, uint32_t interface, uint8_t *frame, uint32_t len);
uint32_t wifisim_driver_EthGetRxFrameSize(uint32_t driver, uint32_t interface);
int32_t wifisim_driver_SocketCreate(uint32_t driver, int32_t af, int32_t type, int32_t protocol);
int32_t wifisim_driver_SocketBind(uint32_t driver, int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port);
int32_t wifisim_driver_SocketListen(uint32_t driver, int32_t socket, int32_t backlog);
int32_t wifisim_driver_SocketAccept(uint32_t driver, int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
int32_t wifisim_driver_SocketConnect(uint32_t driver, int32_t socket, const uint8_t *ip, uint32_t ip_len,
    uint16_t port);
int32_t wifisim_driver_SocketRecv(uint32_t driver, int32_t socket, void *buf, uint32_t len);
int32_t wifisim_driver_SocketRecvFrom(uint32_t driver, int32_t socket, void *buf, uint32_t len, uint8_t *ip,
    uint32_t *ip_len, uint16_t *port);
int32_t wifisim_driver_SocketSend(uint32_t driver, int32_t socket, const void *buf, uint32_t len);
int32_t wifisim_driver_SocketSendTo(uint32_t driver, int32_t socket, const void *buf, uint32_t len,
    const uint8_t *ip, uint32_t ip_len, uint16_t port);
int32_t wifisim_driver_SocketGetSockName(uint32_t driver, int32_t socket, uint8_t *ip, uint32_t *ip_len,
    uint16_t *port);
int32_t wifisim_driver_SocketGetPeerName(uint32_t driver, int32_t socket, uint8_t *ip, uint32_t *ip_len,
    uint16_t *port);
int32_t wifisim_driver_SocketGetOpt(uint32_t driver, int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len);
int32_t wifisim_driver_SocketSetOpt(uint32_t driver, int32_t socket, int32_t opt_id, const void *opt_val,
    uint32_t opt_len);
int32_t wifisim_driver_SocketClose(uint32_t driver, int32_t socket);
int32_t wifisim_driver_SocketGetHostByName(uint32_t driver, const char *name, int32_t af, uint8_t *ip,
    uint32_t *ip_len);
int32_t wifisim_driver_Ping(uint32_t driver, const uint8_t *ip, uint32_t ip_len);
