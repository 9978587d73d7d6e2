/* Plays the module's side of a transcript (.at file) to C code under test, in memory and in virtual time.
 *
 *     wifisim_replay *module = wifisim_replay_open("join.at", WIFISIM_STRICT, error, sizeof error);
 *     wifisim_replay_send(module, "AT\r\n", 4);
 *     size_t count = wifisim_replay_receive(module, buffer, sizeof buffer);
 *     …
 *     assert(wifisim_replay_state(module) == WIFISIM_COMPLETE);
 *     wifisim_replay_close(module);
 *
 * Time moves only in wifisim_replay_advance. A replay may be used by one thread at a time. docs/Transcripts.md
 * describes the format.
 */
#ifndef WIFISIM_TRANSCRIPT_H
#define WIFISIM_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wifisim_replay wifisim_replay;

/* How a replay compares the host's bytes. */
#define WIFISIM_STRICT 0 /* in the transcript's order; the module's pauses take their time */
#define WIFISIM_LOOSE 1  /* in any order; nothing takes time */

/* The results of wifisim_replay_state. */
#define WIFISIM_RUNNING 0
#define WIFISIM_COMPLETE 1 /* every line has been played */
#define WIFISIM_DIVERGED 2 /* the host has sent something that differs from the transcript */

/* Opens a transcript. Returns NULL on failure; `error` then contains the reason, cut to `error_size` bytes including
 * the terminating zero. `error` may be NULL. */
wifisim_replay *wifisim_replay_open(const char *path, int strictness, char *error, size_t error_size);

/* Sends bytes from the code under test to the module. */
void wifisim_replay_send(wifisim_replay *replay, const void *bytes, size_t count);

/* Takes at most `size` bytes of the module's output; returns their number. */
size_t wifisim_replay_receive(wifisim_replay *replay, void *buffer, size_t size);

/* Moves the clock forward, in milliseconds. */
void wifisim_replay_advance(wifisim_replay *replay, uint32_t milliseconds);

/* The state of the replay: WIFISIM_RUNNING, WIFISIM_COMPLETE or WIFISIM_DIVERGED. */
int wifisim_replay_state(const wifisim_replay *replay);

/* Writes a report of the first difference, or of what the host has not sent yet, with the surrounding lines of the
 * transcript; empty if the replay is complete. The text is cut to `size` bytes including the terminating zero. Returns
 * the length of the whole text. */
size_t wifisim_replay_report(const wifisim_replay *replay, char *buffer, size_t size);

/* Closes a replay; NULL is allowed. */
void wifisim_replay_close(wifisim_replay *replay);

#ifdef __cplusplus
}
#endif

#endif
