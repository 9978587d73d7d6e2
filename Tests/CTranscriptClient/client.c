#include "client.h"

#include <string.h>
#include <wifisim_transcript.h>

int client_run(const char *path, const char *const *lines, char *said, size_t said_size, char *report, size_t report_size) {
    wifisim_replay *module = wifisim_replay_open(path, WIFISIM_STRICT, report, report_size);
    if (!module) return -1;
    size_t length = 0;
    for (; *lines; lines++) {
        wifisim_replay_send(module, *lines, strlen(*lines));
        wifisim_replay_advance(module, 10000);
        char piece[7];
        size_t count;
        while ((count = wifisim_replay_receive(module, piece, sizeof piece)) > 0 && length + count < said_size) {
            memcpy(said + length, piece, count);
            length += count;
        }
    }
    said[length] = 0;
    int state = wifisim_replay_state(module);
    wifisim_replay_report(module, report, report_size);
    wifisim_replay_close(module);
    return state;
}
