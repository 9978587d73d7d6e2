/* Plays the module's side of a transcript (.at file) to the C code under test, in memory and in the test's own time.
 *
 *     wifisim_replay *module = wifisim_replay_open("join.at", WIFISIM_STRICT, error, sizeof error);
 *     wifisim_replay_send(module, "AT\r\n", 4);
 *     size_t count = wifisim_replay_receive(module, buffer, sizeof buffer);
 *     …
 *     assert(wifisim_replay_state(module) == WIFISIM_COMPLETE);
 *     wifisim_replay_close(module);
 *
 * A replay belongs to one thread at a time. docs/Transcripts.md has the format.
 */
#ifndef WIFISIM_TRANSCRIPT_H
#define WIFISIM_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wifisim_replay wifisim_replay;

/* How a replay takes what the host sends. */
#define WIFISIM_STRICT 0 /* in the transcript's order; what the module says takes its time */
#define WIFISIM_LOOSE 1  /* in any order; nothing takes time */

/* What wifisim_replay_state gives. */
#define WIFISIM_RUNNING 0
#define WIFISIM_COMPLETE 1 /* every line has been played */
#define WIFISIM_DIVERGED 2 /* the host has sent something else than the transcript's */

/* Reads a transcript. NULL if that cannot be done; `error` then holds why, cut to `error_size` bytes with the zero at the
 * end. It may be NULL. */
wifisim_replay *wifisim_replay_open(const char *path, int strictness, char *error, size_t error_size);

/* Bytes from the code under test to the module. */
void wifisim_replay_send(wifisim_replay *replay, const void *bytes, size_t count);

/* Takes at most `size` of the bytes that the module has said, and gives how many. */
size_t wifisim_replay_receive(wifisim_replay *replay, void *buffer, size_t size);

/* Lets time pass, in milliseconds. */
void wifisim_replay_advance(wifisim_replay *replay, uint32_t milliseconds);

/* How far it is: one of the values above. */
int wifisim_replay_state(const wifisim_replay *replay);

/* What the first difference is, or what is still missing, with the transcript's lines around; empty if nothing is. The text
 * is cut to `size` bytes with the zero at the end; the value is the length of the whole. */
size_t wifisim_replay_report(const wifisim_replay *replay, char *buffer, size_t size);

/* NULL is fine. */
void wifisim_replay_close(wifisim_replay *replay);

#ifdef __cplusplus
}
#endif

#endif
