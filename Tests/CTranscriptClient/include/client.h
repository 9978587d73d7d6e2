#pragma once
#include <stddef.h>

/* Opens a transcript and sends each of `lines` (NULL at the end), taking what the module says in small pieces. Gives the
 * replay's last state; `said` holds all that the module said, `report` what is wrong. */
int client_run(const char *path, const char *const *lines, char *said, size_t said_size, char *report, size_t report_size);
