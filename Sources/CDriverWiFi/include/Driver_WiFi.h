// CMSIS-Driver WiFi: control of a WiFi module and its sockets. API 1.1.
// Names, values, layouts and signatures follow the CMSIS-Driver specification, so code written for the target compiles
// unchanged. How this implementation behaves where the specification leaves room: docs/Driver.md.
#ifndef DRIVER_WIFI_H_
#define DRIVER_WIFI_H_

#ifdef __cplusplus
extern "C" {
#endif

#include "Driver_Common.h"

#define ARM_WIFI_API_VERSION ARM_DRIVER_VERSION_MAJOR_MINOR(1, 1)

// ARM_Driver_WiFi_(0) is the name of the first driver's access structure, Driver_WiFi0.
#define _ARM_Driver_WiFi_(n) Driver_WiFi##n
#define ARM_Driver_WiFi_(n)  _ARM_Driver_WiFi_(n)

// ---- Options of SetOption and GetOption: interface 0 is the station, 1 the access point -----------------------------
//                                             size  on        value
#define ARM_WIFI_BSSID                  1U  //   6   both      MAC of the access point to join, or of the own one
#define ARM_WIFI_TX_POWER               2U  //   4   both      transmit power, 0 to 20 dBm
#define ARM_WIFI_LP_TIMER               3U  //   4   station   deep-sleep time in seconds, 0 = no deep sleep
#define ARM_WIFI_DTIM                   4U  //   4   both      DTIM interval in beacons
#define ARM_WIFI_BEACON                 5U  //   4   AP        beacon interval in ms
#define ARM_WIFI_MAC                    6U  //   6   both      own MAC
#define ARM_WIFI_IP                     7U  //   4   both      IPv4 address, static or assigned
#define ARM_WIFI_IP_SUBNET_MASK         8U  //   4   both
#define ARM_WIFI_IP_GATEWAY             9U  //   4   both
#define ARM_WIFI_IP_DNS1                10U //   4   both
#define ARM_WIFI_IP_DNS2                11U //   4   both
#define ARM_WIFI_IP_DHCP                12U //   4   both      0 = static address; else DHCP client, or server on the AP
#define ARM_WIFI_IP_DHCP_POOL_BEGIN     13U //   4   AP        first address of the pool
#define ARM_WIFI_IP_DHCP_POOL_END       14U //   4   AP        last address of the pool
#define ARM_WIFI_IP_DHCP_LEASE_TIME     15U //   4   AP        seconds
#define ARM_WIFI_IP6_GLOBAL             16U //  16   both
#define ARM_WIFI_IP6_LINK_LOCAL         17U //  16   both
#define ARM_WIFI_IP6_SUBNET_PREFIX_LEN  18U //   4   both      1 to 127
#define ARM_WIFI_IP6_GATEWAY            19U //  16   both
#define ARM_WIFI_IP6_DNS1               20U //  16   both
#define ARM_WIFI_IP6_DNS2               21U //  16   both
#define ARM_WIFI_IP6_DHCP_MODE          22U //   4   both      ARM_WIFI_IP6_DHCP_…

#define ARM_WIFI_SECURITY_OPEN          0U
#define ARM_WIFI_SECURITY_WEP           1U
#define ARM_WIFI_SECURITY_WPA           2U
#define ARM_WIFI_SECURITY_WPA2          3U
#define ARM_WIFI_SECURITY_UNKNOWN       255U

#define ARM_WIFI_WPS_METHOD_NONE        0U
#define ARM_WIFI_WPS_METHOD_PBC         1U ///< Push button
#define ARM_WIFI_WPS_METHOD_PIN         2U

#define ARM_WIFI_IP6_DHCP_OFF           0U ///< Static or self-configured (default)
#define ARM_WIFI_IP6_DHCP_STATELESS     1U
#define ARM_WIFI_IP6_DHCP_STATEFULL     2U

// ---- Events: reported from a thread of the driver's; calls into the driver are not allowed there --------------------
#define ARM_WIFI_EVENT_AP_CONNECT       (1UL << 0) ///< A station joined the access point; arg: its MAC, uint8_t[6]
#define ARM_WIFI_EVENT_AP_DISCONNECT    (1UL << 1) ///< A station left the access point; arg: its MAC, uint8_t[6]
#define ARM_WIFI_EVENT_ETH_RX_FRAME     (1UL << 4) ///< Bypass mode only; arg: the interface

/// What Activate joins (station) or starts (access point). Strings end with NUL.
typedef struct ARM_WIFI_CONFIG_s {
    const char *ssid;
    const char *pass;
    uint8_t security;   ///< ARM_WIFI_SECURITY_…
    uint8_t ch;         ///< 0 = any
    uint8_t reserved;
    uint8_t wps_method; ///< ARM_WIFI_WPS_METHOD_…
    const char *wps_pin;
} ARM_WIFI_CONFIG_t;

/// One network that Scan found.
typedef struct ARM_WIFI_SCAN_INFO_s {
    char ssid[32 + 1];
    uint8_t bssid[6];
    uint8_t security;
    uint8_t ch;
    uint8_t rssi; ///< dBm as a signed 8-bit number: 0xD8 is -40
} ARM_WIFI_SCAN_INFO_t;

/// The network the station is in.
typedef struct ARM_WIFI_NET_INFO_s {
    char ssid[32 + 1];
    char pass[64 + 1];
    uint8_t security;
    uint8_t ch;
    uint8_t rssi; ///< dBm as a signed 8-bit number
} ARM_WIFI_NET_INFO_t;

// ---- Sockets --------------------------------------------------------------------------------------------------------
#define ARM_SOCKET_AF_INET              1
#define ARM_SOCKET_AF_INET6             2

#define ARM_SOCKET_SOCK_STREAM          1
#define ARM_SOCKET_SOCK_DGRAM           2

#define ARM_SOCKET_IPPROTO_TCP          1
#define ARM_SOCKET_IPPROTO_UDP          2

// Socket options, 4 bytes each.
#define ARM_SOCKET_IO_FIONBIO           1 ///< Set only: 0 = blocking (default)
#define ARM_SOCKET_SO_RCVTIMEO          2 ///< ms, 0 = for ever (default)
#define ARM_SOCKET_SO_SNDTIMEO          3 ///< ms, 0 = for ever (default)
#define ARM_SOCKET_SO_KEEPALIVE         4 ///< 0 = off (default)
#define ARM_SOCKET_SO_TYPE              5 ///< Get only: ARM_SOCKET_SOCK_…

#define ARM_SOCKET_ERROR                (-1)
#define ARM_SOCKET_ESOCK                (-2)  ///< No such socket
#define ARM_SOCKET_EINVAL               (-3)  ///< Invalid argument
#define ARM_SOCKET_ENOTSUP              (-4)  ///< Not possible on this kind of socket
#define ARM_SOCKET_ENOMEM               (-5)  ///< No socket, link or memory left
#define ARM_SOCKET_EAGAIN               (-6)  ///< Would block, or timed out
#define ARM_SOCKET_EINPROGRESS          (-7)  ///< Connecting has begun
#define ARM_SOCKET_ETIMEDOUT            (-8)  ///< No answer from the peer
#define ARM_SOCKET_EISCONN              (-9)  ///< Connected already
#define ARM_SOCKET_ENOTCONN             (-10) ///< Not connected
#define ARM_SOCKET_ECONNREFUSED         (-11) ///< Refused by the peer
#define ARM_SOCKET_ECONNRESET           (-12) ///< Closed by the peer
#define ARM_SOCKET_ECONNABORTED         (-13) ///< Ended on this side: module reset, network left, line lost
#define ARM_SOCKET_EALREADY             (-14) ///< Still connecting
#define ARM_SOCKET_EADDRINUSE           (-15) ///< Port taken
#define ARM_SOCKET_EHOSTNOTFOUND        (-16) ///< Name unknown

/// Receives ARM_WIFI_EVENT_… and the event's argument, which is valid during the call only.
typedef void (*ARM_WIFI_SignalEvent_t)(uint32_t event, void *arg);

/// What the driver can do.
typedef struct _ARM_WIFI_CAPABILITIES {
    uint32_t station             : 1;
    uint32_t ap                  : 1;
    uint32_t station_ap          : 1;  ///< Both at the same time
    uint32_t wps_station         : 1;
    uint32_t wps_ap              : 1;
    uint32_t event_ap_connect    : 1;
    uint32_t event_ap_disconnect : 1;
    uint32_t event_eth_rx_frame  : 1;
    uint32_t bypass_mode         : 1;
    uint32_t ip                  : 1;
    uint32_t ip6                 : 1;
    uint32_t ping                : 1;
    uint32_t reserved            : 20;
} ARM_WIFI_CAPABILITIES;

/// The driver's functions. Those that give int32_t return ARM_DRIVER_… (the first group) or ARM_SOCKET_… (Socket…);
/// where a count or a socket is returned, it is 0 or more.
typedef struct _ARM_DRIVER_WIFI {
    ARM_DRIVER_VERSION (*GetVersion)(void);
    ARM_WIFI_CAPABILITIES (*GetCapabilities)(void);
    int32_t (*Initialize)(ARM_WIFI_SignalEvent_t cb_event);
    int32_t (*Uninitialize)(void);
    int32_t (*PowerControl)(ARM_POWER_STATE state);
    int32_t (*GetModuleInfo)(char *module_info, uint32_t max_len);
    int32_t (*SetOption)(uint32_t interface, uint32_t option, const void *data, uint32_t len);
    int32_t (*GetOption)(uint32_t interface, uint32_t option, void *data, uint32_t *len);
    int32_t (*Scan)(ARM_WIFI_SCAN_INFO_t scan_info[], uint32_t max_num);
    int32_t (*Activate)(uint32_t interface, const ARM_WIFI_CONFIG_t *config);
    int32_t (*Deactivate)(uint32_t interface);
    uint32_t (*IsConnected)(void);
    int32_t (*GetNetInfo)(ARM_WIFI_NET_INFO_t *net_info);
    int32_t (*BypassControl)(uint32_t interface, uint32_t mode);
    int32_t (*EthSendFrame)(uint32_t interface, const uint8_t *frame, uint32_t len);
    int32_t (*EthReadFrame)(uint32_t interface, uint8_t *frame, uint32_t len);
    uint32_t (*EthGetRxFrameSize)(uint32_t interface);
    int32_t (*SocketCreate)(int32_t af, int32_t type, int32_t protocol);
    int32_t (*SocketBind)(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port);
    int32_t (*SocketListen)(int32_t socket, int32_t backlog);
    int32_t (*SocketAccept)(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketConnect)(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port);
    int32_t (*SocketRecv)(int32_t socket, void *buf, uint32_t len);
    int32_t (*SocketRecvFrom)(int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketSend)(int32_t socket, const void *buf, uint32_t len);
    int32_t (*SocketSendTo)(int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len,
                            uint16_t port);
    int32_t (*SocketGetSockName)(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketGetPeerName)(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);
    int32_t (*SocketGetOpt)(int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len);
    int32_t (*SocketSetOpt)(int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len);
    int32_t (*SocketClose)(int32_t socket);
    int32_t (*SocketGetHostByName)(const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len);
    int32_t (*Ping)(const uint8_t *ip, uint32_t ip_len);
} const ARM_DRIVER_WIFI;

// The two drivers of this library; each owns a module of its own.
extern ARM_DRIVER_WIFI Driver_WiFi0;
extern ARM_DRIVER_WIFI Driver_WiFi1;

#ifdef __cplusplus
}
#endif

#endif
