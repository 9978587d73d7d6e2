#include "mqtt.h"

#include <stdbool.h>
#include <string.h>

#include "iot_socket.h"

// Packets: the upper half of the first byte.
enum {
    CONNECT = 1, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, DISCONNECT = 14,
};

// MARK: Making a packet

static void begin(mqtt_client *client) { client->out_length = 0; }

// What does not fit is counted and not stored.
static void put(mqtt_client *client, const void *bytes, size_t length) {
    if (client->out_length + length <= MQTT_LONGEST_PACKET) memcpy(client->out + 5 + client->out_length, bytes, length);
    client->out_length += length;
}

static void put_byte(mqtt_client *client, uint8_t byte) { put(client, &byte, 1); }

static void put_number(mqtt_client *client, uint16_t number) {
    put_byte(client, (uint8_t)(number >> 8));
    put_byte(client, (uint8_t)number);
}

static void put_string(mqtt_client *client, const char *string) {
    put_number(client, (uint16_t)strlen(string));
    put(client, string, strlen(string));
}

static uint16_t put_new_id(mqtt_client *client) {
    if (++client->last_id == 0) client->last_id = 1;
    put_number(client, client->last_id);
    return client->last_id;
}

/// Sends the packet in one piece: the fixed header goes right before the body.
static int32_t finish(mqtt_client *client, int type, int flags) {
    if (client->out_length > MQTT_LONGEST_PACKET) return MQTT_TOO_LONG;
    uint8_t header[5] = {(uint8_t)(type << 4 | flags)};
    size_t header_length = 1;
    size_t rest = client->out_length;
    do {
        header[header_length++] = (uint8_t)(rest % 128 | (rest >= 128 ? 128 : 0));
        rest /= 128;
    } while (rest > 0);
    uint8_t *packet = client->out + 5 - header_length;
    memcpy(packet, header, header_length);
    uint32_t length = (uint32_t)(header_length + client->out_length);
    int32_t sent = iotSocketSend(client->socket, packet, length);
    if (sent < 0) return sent;
    return sent == (int32_t)length ? 0 : MQTT_BROKEN;
}

static int32_t send_acknowledgement(mqtt_client *client, int type, uint16_t id) {
    begin(client);
    put_number(client, id);
    return finish(client, type, type == PUBREL ? 2 : 0);
}

// MARK: Taking a packet

static int32_t receive_all(mqtt_client *client, uint8_t *bytes, size_t length, uint32_t timeout) {
    int32_t code = iotSocketSetOpt(client->socket, IOT_SOCKET_SO_RCVTIMEO, &timeout, sizeof timeout);
    if (code != 0) return code;
    while (length > 0) {
        int32_t count = iotSocketRecv(client->socket, bytes, (uint32_t)length);
        if (count < 0) return count;
        if (count == 0 || (uint32_t)count > length) return MQTT_BROKEN;
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

// Once a packet has begun, silence is no time-out but the end.
static int32_t receive_rest(mqtt_client *client, uint8_t *bytes, size_t length) {
    int32_t code = receive_all(client, bytes, length, MQTT_PATIENCE);
    return code == IOT_SOCKET_EAGAIN ? MQTT_BROKEN : code;
}

static int32_t receive_packet(mqtt_client *client, uint32_t timeout) {
    int32_t code = receive_all(client, &client->in_first, 1, timeout);
    if (code != 0) return code;
    client->in_length = 0;
    uint8_t byte;
    int shift = 0;
    do {
        if (shift > 21) return MQTT_BROKEN;
        code = receive_rest(client, &byte, 1);
        if (code != 0) return code;
        client->in_length |= (size_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    if (client->in_length > MQTT_LONGEST_PACKET) return MQTT_TOO_LONG;
    return receive_rest(client, client->in, client->in_length);
}

static int in_type(const mqtt_client *client) { return client->in_first >> 4; }

static uint16_t in_number(const mqtt_client *client, size_t offset) {
    return (uint16_t)(client->in[offset] << 8 | client->in[offset + 1]);
}

static int32_t handle_publish(mqtt_client *client) {
    int qos = client->in_first >> 1 & 3;
    if (client->in_length < 2) return MQTT_BROKEN;
    size_t id_offset = 2 + (size_t)in_number(client, 0);
    size_t offset = id_offset + (qos > 0 ? 2 : 0);
    if (client->in_length < offset) return MQTT_BROKEN;
    const uint8_t *payload = client->in + offset;
    size_t length = client->in_length - offset;
    if (qos == 0) {
        client->deliver(client->context, payload, length);
        return 0;
    }
    uint16_t id = in_number(client, id_offset);
    uint8_t bit = (uint8_t)(1 << id % 8);
    bool is_repeated = qos == 2 && client->unreleased[id / 8] & bit;
    if (!is_repeated) client->deliver(client->context, payload, length);
    if (qos == 2) client->unreleased[id / 8] |= bit;
    return send_acknowledgement(client, qos == 1 ? PUBACK : PUBREC, id);
}

int32_t mqtt_receive(mqtt_client *client, uint32_t timeout) {
    int32_t code = receive_packet(client, timeout);
    if (code != 0) return code;
    if (in_type(client) == PUBLISH) return handle_publish(client);
    // All others that a server sends to this client are of two bytes and more: an id, or CONNACK's flags and code.
    if (client->in_length < 2) return MQTT_BROKEN;
    uint16_t id = in_number(client, 0);
    switch (in_type(client)) {
    case PUBREC: return send_acknowledgement(client, PUBREL, id);
    case PUBREL:
        client->unreleased[id / 8] &= (uint8_t)~(1 << id % 8);
        return send_acknowledgement(client, PUBCOMP, id);
    case CONNACK: case PUBACK: case PUBCOMP: case SUBACK: return 0;
    default: return MQTT_BROKEN;
    }
}

/// Handles packets until one of this type and id has come; CONNACK has flags in the place of the id.
static int32_t wait_for(mqtt_client *client, int type, uint16_t id) {
    while (true) {
        int32_t code = mqtt_receive(client, MQTT_PATIENCE);
        if (code != 0) return code;
        if (in_type(client) == type) return type == CONNACK || in_number(client, 0) == id ? 0 : MQTT_BROKEN;
    }
}

// MARK: Conversations

static int32_t greet(mqtt_client *client, const char *id) {
    begin(client);
    put_string(client, "MQTT");
    put_byte(client, 4);      // 3.1.1
    put_byte(client, 1 << 1); // a clean session
    put_number(client, 0);    // no keep-alive
    put_string(client, id);
    int32_t code = finish(client, CONNECT, 0);
    if (code == 0) code = wait_for(client, CONNACK, 0);
    return code == 0 && client->in[1] != 0 ? MQTT_REFUSED : code;
}

int32_t mqtt_connect(mqtt_client *client, const uint8_t ip[4], uint16_t port, const char *id, mqtt_deliver *deliver,
                     void *context) {
    memset(client, 0, sizeof *client);
    client->deliver = deliver;
    client->context = context;
    client->socket = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, IOT_SOCKET_IPPROTO_TCP);
    if (client->socket < 0) return client->socket;
    int32_t code = iotSocketConnect(client->socket, ip, 4, port);
    if (code == 0) code = greet(client, id);
    if (code != 0) iotSocketClose(client->socket);
    return code;
}

int32_t mqtt_subscribe(mqtt_client *client, const char *filter, int qos) {
    begin(client);
    uint16_t id = put_new_id(client);
    put_string(client, filter);
    put_byte(client, (uint8_t)qos);
    int32_t code = finish(client, SUBSCRIBE, 2);
    if (code == 0) code = wait_for(client, SUBACK, id);
    if (code != 0) return code;
    return client->in_length == 3 && client->in[2] == qos ? 0 : MQTT_REFUSED;
}

int32_t mqtt_publish(mqtt_client *client, const char *topic, const void *payload, size_t length, int qos) {
    begin(client);
    put_string(client, topic);
    uint16_t id = qos > 0 ? put_new_id(client) : 0;
    put(client, payload, length);
    int32_t code = finish(client, PUBLISH, qos << 1);
    if (code != 0 || qos == 0) return code;
    return wait_for(client, qos == 1 ? PUBACK : PUBCOMP, id);
}

int32_t mqtt_disconnect(mqtt_client *client) {
    begin(client);
    int32_t code = finish(client, DISCONNECT, 0);
    int32_t closing = iotSocketClose(client->socket);
    return code != 0 ? code : closing;
}
