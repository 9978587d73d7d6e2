// A small MQTT 3.1.1 client over iot_socket.h: clean sessions, no will, no keep-alive. One thread at a time has a client.
#ifndef MQTT_H
#define MQTT_H

#include <stddef.h>
#include <stdint.h>

// A function gives 0, one of these, or the code of the socket function that failed.
#define MQTT_BROKEN   (-101) ///< The peer, or the socket below, does what it must not
#define MQTT_REFUSED  (-102) ///< The server refuses the connection or the subscription
#define MQTT_TOO_LONG (-103) ///< The packet is longer than MQTT_LONGEST_PACKET

#define MQTT_LONGEST_PACKET 65536 ///< Without its fixed header
#define MQTT_PATIENCE       20000 ///< ms that an answer, or the rest of a packet, may take

/// Called with each message.
typedef void mqtt_deliver(void *context, const uint8_t *payload, size_t length);

typedef struct {
    int32_t socket;
    uint16_t last_id;
    mqtt_deliver *deliver;
    void *context;
    /// Ids of messages of QoS 2 that were delivered and not yet released, a bit each.
    uint8_t unreleased[65536 / 8];
    /// The body of the packet that came last, and its first header byte.
    uint8_t in[MQTT_LONGEST_PACKET];
    size_t in_length;
    uint8_t in_first;
    /// The packet that is being made: room for the fixed header, then the body.
    uint8_t out[5 + MQTT_LONGEST_PACKET];
    size_t out_length;
} mqtt_client;

int32_t mqtt_connect(mqtt_client *client, const uint8_t ip[4], uint16_t port, const char *id, mqtt_deliver *deliver,
                     void *context);
int32_t mqtt_subscribe(mqtt_client *client, const char *filter, int qos);

/// Sends a message and waits until the server has taken it as the QoS demands. Messages that come meanwhile are delivered.
int32_t mqtt_publish(mqtt_client *client, const char *topic, const void *payload, size_t length, int qos);

/// Handles one packet; IOT_SOCKET_EAGAIN if none begins within `timeout` ms.
int32_t mqtt_receive(mqtt_client *client, uint32_t timeout);

/// Says good-bye and closes the socket.
int32_t mqtt_disconnect(mqtt_client *client);

#endif
