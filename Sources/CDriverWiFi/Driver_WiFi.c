// The access structures. Their functions carry no driver number: each driver gets a row of one-line functions that add it
// and call the entry point written in Swift.
#include "wifisim_driver.h"

#define FUNCTION(n, result, name, parameters, ...)                                                                    \
    static result driver##n##_##name parameters { return wifisim_driver_##name(n __VA_OPT__(, ) __VA_ARGS__); }
#define ENTRY(n, name) driver##n##_##name

#define DRIVER(n)                                                                                                     \
    FUNCTION(n, ARM_DRIVER_VERSION, GetVersion, (void))                                                               \
    FUNCTION(n, ARM_WIFI_CAPABILITIES, GetCapabilities, (void))                                                       \
    FUNCTION(n, int32_t, Initialize, (ARM_WIFI_SignalEvent_t cb_event), cb_event)                                     \
    FUNCTION(n, int32_t, Uninitialize, (void))                                                                        \
    FUNCTION(n, int32_t, PowerControl, (ARM_POWER_STATE state), state)                                                \
    FUNCTION(n, int32_t, GetModuleInfo, (char *module_info, uint32_t max_len), module_info, max_len)                  \
    FUNCTION(n, int32_t, SetOption, (uint32_t interface, uint32_t option, const void *data, uint32_t len),            \
             interface, option, data, len)                                                                            \
    FUNCTION(n, int32_t, GetOption, (uint32_t interface, uint32_t option, void *data, uint32_t *len),                 \
             interface, option, data, len)                                                                            \
    FUNCTION(n, int32_t, Scan, (ARM_WIFI_SCAN_INFO_t scan_info[], uint32_t max_num), scan_info, max_num)              \
    FUNCTION(n, int32_t, Activate, (uint32_t interface, const ARM_WIFI_CONFIG_t *config), interface, config)          \
    FUNCTION(n, int32_t, Deactivate, (uint32_t interface), interface)                                                 \
    FUNCTION(n, uint32_t, IsConnected, (void))                                                                        \
    FUNCTION(n, int32_t, GetNetInfo, (ARM_WIFI_NET_INFO_t *net_info), net_info)                                       \
    FUNCTION(n, int32_t, BypassControl, (uint32_t interface, uint32_t mode), interface, mode)                         \
    FUNCTION(n, int32_t, EthSendFrame, (uint32_t interface, const uint8_t *frame, uint32_t len),                      \
             interface, frame, len)                                                                                   \
    FUNCTION(n, int32_t, EthReadFrame, (uint32_t interface, uint8_t *frame, uint32_t len), interface, frame, len)     \
    FUNCTION(n, uint32_t, EthGetRxFrameSize, (uint32_t interface), interface)                                         \
    FUNCTION(n, int32_t, SocketCreate, (int32_t af, int32_t type, int32_t protocol), af, type, protocol)              \
    FUNCTION(n, int32_t, SocketBind, (int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port),             \
             socket, ip, ip_len, port)                                                                                \
    FUNCTION(n, int32_t, SocketListen, (int32_t socket, int32_t backlog), socket, backlog)                            \
    FUNCTION(n, int32_t, SocketAccept, (int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port),               \
             socket, ip, ip_len, port)                                                                                \
    FUNCTION(n, int32_t, SocketConnect, (int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port),          \
             socket, ip, ip_len, port)                                                                                \
    FUNCTION(n, int32_t, SocketRecv, (int32_t socket, void *buf, uint32_t len), socket, buf, len)                     \
    FUNCTION(n, int32_t, SocketRecvFrom, (int32_t socket, void *buf, uint32_t len, uint8_t *ip,                       \
             uint32_t *ip_len, uint16_t *port),                                                                       \
             socket, buf, len, ip, ip_len, port)                                                                      \
    FUNCTION(n, int32_t, SocketSend, (int32_t socket, const void *buf, uint32_t len), socket, buf, len)               \
    FUNCTION(n, int32_t, SocketSendTo, (int32_t socket, const void *buf, uint32_t len, const uint8_t *ip,             \
             uint32_t ip_len, uint16_t port),                                                                         \
             socket, buf, len, ip, ip_len, port)                                                                      \
    FUNCTION(n, int32_t, SocketGetSockName, (int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port),          \
             socket, ip, ip_len, port)                                                                                \
    FUNCTION(n, int32_t, SocketGetPeerName, (int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port),          \
             socket, ip, ip_len, port)                                                                                \
    FUNCTION(n, int32_t, SocketGetOpt, (int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len),            \
             socket, opt_id, opt_val, opt_len)                                                                        \
    FUNCTION(n, int32_t, SocketSetOpt, (int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len),       \
             socket, opt_id, opt_val, opt_len)                                                                        \
    FUNCTION(n, int32_t, SocketClose, (int32_t socket), socket)                                                       \
    FUNCTION(n, int32_t, SocketGetHostByName, (const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len),          \
             name, af, ip, ip_len)                                                                                    \
    FUNCTION(n, int32_t, Ping, (const uint8_t *ip, uint32_t ip_len), ip, ip_len)                                      \
    ARM_DRIVER_WIFI Driver_WiFi##n = {                                                                                \
        ENTRY(n, GetVersion), ENTRY(n, GetCapabilities), ENTRY(n, Initialize), ENTRY(n, Uninitialize),                \
        ENTRY(n, PowerControl), ENTRY(n, GetModuleInfo), ENTRY(n, SetOption), ENTRY(n, GetOption),                    \
        ENTRY(n, Scan), ENTRY(n, Activate), ENTRY(n, Deactivate), ENTRY(n, IsConnected), ENTRY(n, GetNetInfo),        \
        ENTRY(n, BypassControl), ENTRY(n, EthSendFrame), ENTRY(n, EthReadFrame), ENTRY(n, EthGetRxFrameSize),         \
        ENTRY(n, SocketCreate), ENTRY(n, SocketBind), ENTRY(n, SocketListen), ENTRY(n, SocketAccept),                 \
        ENTRY(n, SocketConnect), ENTRY(n, SocketRecv), ENTRY(n, SocketRecvFrom), ENTRY(n, SocketSend),                \
        ENTRY(n, SocketSendTo), ENTRY(n, SocketGetSockName), ENTRY(n, SocketGetPeerName), ENTRY(n, SocketGetOpt),     \
        ENTRY(n, SocketSetOpt), ENTRY(n, SocketClose), ENTRY(n, SocketGetHostByName), ENTRY(n, Ping)                  \
    }

DRIVER(0);
DRIVER(1);
