// IoT Socket: sockets for embedded applications, whatever network stack is below. API 1.2.
// Names, values and signatures follow the IoT Socket specification, so code written for the target compiles unchanged.
#ifndef IOT_SOCKET_H
#define IOT_SOCKET_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdint.h>

#define IOT_SOCKET_AF_INET          1
#define IOT_SOCKET_AF_INET6         2

#define IOT_SOCKET_SOCK_STREAM      1
#define IOT_SOCKET_SOCK_DGRAM       2

#define IOT_SOCKET_IPPROTO_TCP      1
#define IOT_SOCKET_IPPROTO_UDP      2

// Options, 4 bytes each.
#define IOT_SOCKET_IO_FIONBIO       1 ///< Set only: 0 = blocking (default)
#define IOT_SOCKET_SO_RCVTIMEO      2 ///< ms, 0 = for ever (default)
#define IOT_SOCKET_SO_SNDTIMEO      3 ///< ms, 0 = for ever (default)
#define IOT_SOCKET_SO_KEEPALIVE     4 ///< 0 = off (default)
#define IOT_SOCKET_SO_TYPE          5 ///< Get only: IOT_SOCKET_SOCK_…

#define IOT_SOCKET_ERROR            (-1)
#define IOT_SOCKET_ESOCK            (-2)  ///< No such socket
#define IOT_SOCKET_EINVAL           (-3)  ///< Invalid argument
#define IOT_SOCKET_ENOTSUP          (-4)  ///< Not possible on this kind of socket
#define IOT_SOCKET_ENOMEM           (-5)  ///< No socket or memory left
#define IOT_SOCKET_EAGAIN           (-6)  ///< Would block, or timed out
#define IOT_SOCKET_EINPROGRESS      (-7)  ///< Connecting has begun
#define IOT_SOCKET_ETIMEDOUT        (-8)  ///< No answer from the peer
#define IOT_SOCKET_EISCONN          (-9)  ///< Connected already
#define IOT_SOCKET_ENOTCONN         (-10) ///< Not connected
#define IOT_SOCKET_ECONNREFUSED     (-11) ///< Refused by the peer
#define IOT_SOCKET_ECONNRESET       (-12) ///< Closed by the peer
#define IOT_SOCKET_ECONNABORTED     (-13) ///< Ended on this side
#define IOT_SOCKET_EALREADY         (-14) ///< Still connecting
#define IOT_SOCKET_EADDRINUSE       (-15) ///< Port taken
#define IOT_SOCKET_EHOSTNOTFOUND    (-16) ///< Name unknown

// Addresses are network-order bytes, 4 for IPv4 and 16 for IPv6; ports are in host order. Where an address is returned,
// *ip_len holds the room on entry and the length on return, and ip, ip_len and port may be NULL.

/// A new socket; protocol 0 picks the one that fits the type. EINVAL, ENOTSUP, ENOMEM, ERROR.
extern int32_t iotSocketCreate(int32_t af, int32_t type, int32_t protocol);

/// Gives the socket a local address. ESOCK, EINVAL (also: bound already), EADDRINUSE, ERROR.
extern int32_t iotSocketBind(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port);

/// Makes a bound stream socket accept connections. ESOCK, EINVAL, ENOTSUP, EISCONN, ERROR.
extern int32_t iotSocketListen(int32_t socket, int32_t backlog);

/// The next connection of a listening socket, as a new socket. ESOCK, EINVAL, ENOTSUP, ECONNRESET, ECONNABORTED,
/// EAGAIN, ERROR.
extern int32_t iotSocketAccept(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);

/// Connects a stream socket, or sets a datagram socket's peer. ESOCK, EINVAL, EALREADY, EINPROGRESS, EISCONN,
/// ECONNREFUSED, ECONNABORTED, EADDRINUSE, ETIMEDOUT, ERROR.
extern int32_t iotSocketConnect(int32_t socket, const uint8_t *ip, uint32_t ip_len, uint16_t port);

/// Receives 1 to len bytes, or with len 0 gives 0 when some are waiting. ESOCK, EINVAL, ENOTCONN, ECONNRESET,
/// ECONNABORTED, EAGAIN, ERROR.
extern int32_t iotSocketRecv(int32_t socket, void *buf, uint32_t len);

/// The same, with the sender's address.
extern int32_t iotSocketRecvFrom(int32_t socket, void *buf, uint32_t len, uint8_t *ip, uint32_t *ip_len,
                                 uint16_t *port);

/// Sends, and gives the bytes taken; with len 0 gives 0 when sending would not block. ESOCK, EINVAL, ENOTCONN,
/// ECONNRESET, ECONNABORTED, EAGAIN, ERROR.
extern int32_t iotSocketSend(int32_t socket, const void *buf, uint32_t len);

/// The same, to the given address (datagram sockets).
extern int32_t iotSocketSendTo(int32_t socket, const void *buf, uint32_t len, const uint8_t *ip, uint32_t ip_len,
                               uint16_t port);

/// The local address. ESOCK, EINVAL (also: not bound), ERROR.
extern int32_t iotSocketGetSockName(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);

/// The peer's address. ESOCK, EINVAL, ENOTCONN, ERROR.
extern int32_t iotSocketGetPeerName(int32_t socket, uint8_t *ip, uint32_t *ip_len, uint16_t *port);

/// Reads an option. ESOCK, EINVAL, ENOTSUP, ERROR.
extern int32_t iotSocketGetOpt(int32_t socket, int32_t opt_id, void *opt_val, uint32_t *opt_len);

/// Sets an option. ESOCK, EINVAL, ENOTSUP, ERROR.
extern int32_t iotSocketSetOpt(int32_t socket, int32_t opt_id, const void *opt_val, uint32_t opt_len);

/// Closes the socket; calls blocked on it return. ESOCK, EAGAIN, ERROR.
extern int32_t iotSocketClose(int32_t socket);

/// A host's address. EINVAL, ENOTSUP, ETIMEDOUT, EHOSTNOTFOUND, ERROR.
extern int32_t iotSocketGetHostByName(const char *name, int32_t af, uint8_t *ip, uint32_t *ip_len);

#ifdef __cplusplus
}
#endif

#endif
