// The multiplexer under other names: the test program has the functions of IoTSocketWiFi as well.
#define iotSocketCreate mux_iotSocketCreate
#define iotSocketBind mux_iotSocketBind
#define iotSocketListen mux_iotSocketListen
#define iotSocketAccept mux_iotSocketAccept
#define iotSocketConnect mux_iotSocketConnect
#define iotSocketRecv mux_iotSocketRecv
#define iotSocketRecvFrom mux_iotSocketRecvFrom
#define iotSocketSend mux_iotSocketSend
#define iotSocketSendTo mux_iotSocketSendTo
#define iotSocketGetSockName mux_iotSocketGetSockName
#define iotSocketGetPeerName mux_iotSocketGetPeerName
#define iotSocketGetOpt mux_iotSocketGetOpt
#define iotSocketSetOpt mux_iotSocketSetOpt
#define iotSocketClose mux_iotSocketClose
#define iotSocketGetHostByName mux_iotSocketGetHostByName
#define iotSocketRegisterApi mux_iotSocketRegisterApi
#include "../../Sources/IoTSocketMux/iot_socket.c"

#include "mux_under_test.h"

const iotSocketApi_t iotSocketApiMux = {
    iotSocketCreate, iotSocketBind, iotSocketListen, iotSocketAccept, iotSocketConnect, iotSocketRecv, iotSocketRecvFrom,
    iotSocketSend, iotSocketSendTo, iotSocketGetSockName, iotSocketGetPeerName, iotSocketGetOpt, iotSocketSetOpt, iotSocketClose, iotSocketGetHostByName};

int32_t mux_register_wifi(void) { return iotSocketRegisterApi(&iotSocketApiWiFi); }
int32_t mux_register_host(void) { return iotSocketRegisterApi(&iotSocketApiHost); }
int32_t mux_register_none(void) { return iotSocketRegisterApi(NULL); }
