// Publishes messages to an MQTT server through a WiFi module, subscribes to them, and counts what comes back.
//
//   MQTTClient ADDRESS PORT COUNTxSIZE...
//
// Each COUNTxSIZE is done at QoS 0, 1 and 2: one connection publishes from a thread of its own while another receives.
// The exit status is 0 if all messages came back, in order, once, and unchanged.
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iot_socket.h"
#include "mqtt.h"
#include "socket_startup.h"

static const char topic[] = "wifisim/test";
enum { LONGEST_MESSAGE = 61000 };
// A program that takes longer hangs.
static const unsigned time_limit = 100;

typedef struct {
    uint8_t ip[4];
    uint16_t port;
    int qos;
    unsigned count;
    size_t size;
    // What the subscriber has seen.
    unsigned arrived;
    unsigned damaged;
    uint8_t *expected;
    // How the publisher ended.
    int32_t published;
} exchange;

/// Message `index` of an exchange: other bytes in each.
static void compose(uint8_t *message, size_t size, unsigned index) {
    uint32_t state = index * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        message[i] = (uint8_t)(state >> 24);
    }
}

static void arrive(void *context, const uint8_t *payload, size_t length) {
    exchange *x = context;
    compose(x->expected, x->size, x->arrived);
    x->arrived += 1;
    if (length != x->size || memcmp(payload, x->expected, length) != 0) x->damaged += 1;
}

static void ignore(void *context, const uint8_t *payload, size_t length) {
    (void)context, (void)payload, (void)length;
}

static int32_t publish_all(mqtt_client *client, uint8_t *message, const exchange *x) {
    int32_t code = mqtt_connect(client, x->ip, x->port, "publisher", ignore, NULL);
    if (code != 0) return code;
    for (unsigned i = 0; i < x->count && code == 0; i++) {
        compose(message, x->size, i);
        code = mqtt_publish(client, topic, message, x->size, x->qos);
    }
    int32_t end = mqtt_disconnect(client);
    return code != 0 ? code : end;
}

static void *publisher(void *argument) {
    static mqtt_client client;
    static uint8_t message[LONGEST_MESSAGE];
    exchange *x = argument;
    x->published = publish_all(&client, message, x);
    return NULL;
}

static int32_t receive_all(mqtt_client *client, exchange *x) {
    int32_t code = 0;
    while (x->arrived < x->count && code == 0) code = mqtt_receive(client, MQTT_PATIENCE);
    // The hand-shakes of the last messages, and whatever should not come.
    while (code == 0) code = mqtt_receive(client, 50);
    return code == IOT_SOCKET_EAGAIN && x->arrived >= x->count ? 0 : code;
}

/// Gives whether all went well.
static bool run(exchange *x) {
    static mqtt_client client;
    int32_t code = mqtt_connect(&client, x->ip, x->port, "subscriber", arrive, x);
    if (code == 0) code = mqtt_subscribe(&client, topic, x->qos);
    pthread_t thread;
    if (code != 0 || pthread_create(&thread, NULL, publisher, x) != 0) {
        fprintf(stderr, "the subscriber does not come to its start: %d\n", (int)code);
        return false;
    }
    code = receive_all(&client, x);
    pthread_join(thread, NULL);
    int32_t end = mqtt_disconnect(&client);
    printf("QoS %d, %ux%zu: %u arrived, %u damaged\n", x->qos, x->count, x->size, x->arrived, x->damaged);
    if (code != 0 || end != 0 || x->published != 0) {
        fprintf(stderr, "receiving gave %d, disconnecting %d, publishing %d\n", (int)code, (int)end, (int)x->published);
        return false;
    }
    return x->arrived == x->count && x->damaged == 0;
}

int main(int argc, char **argv) {
    alarm(time_limit);
    exchange x = {.expected = malloc(LONGEST_MESSAGE)};
    if (argc < 4 || !x.expected) {
        fprintf(stderr, "usage: MQTTClient ADDRESS PORT COUNTxSIZE...\n");
        return 64;
    }
    x.port = (uint16_t)atoi(argv[2]);
    if (socket_startup() != 0) return EXIT_FAILURE;
    uint32_t ip_length = sizeof x.ip;
    int32_t code = iotSocketGetHostByName(argv[1], IOT_SOCKET_AF_INET, x.ip, &ip_length);
    if (code != 0) {
        fprintf(stderr, "%s: %d\n", argv[1], (int)code);
        return EXIT_FAILURE;
    }
    bool is_well = true;
    for (int i = 3; i < argc; i++) {
        if (sscanf(argv[i], "%ux%zu", &x.count, &x.size) != 2 || x.size > LONGEST_MESSAGE) {
            fprintf(stderr, "%s: not COUNTxSIZE of at most %d bytes\n", argv[i], LONGEST_MESSAGE);
            return 64;
        }
        for (x.qos = 0; x.qos <= 2; x.qos++) {
            x.arrived = x.damaged = 0;
            is_well &= run(&x);
        }
    }
    free(x.expected);
    return is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
