// What Swift's Glibc overlay lacks: macros that are not plain constants, variadic calls, and functions behind _GNU_SOURCE.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

int posix_openpt(int flags);
int grantpt(int fd);
int unlockpt(int fd);
int ptsname_r(int fd, char *buffer, size_t length);

/// Opens a new pseudo-terminal's master, non-blocking and close-on-exec; -1 and errno on failure.
int cposix_open_pty_master(void);

/// The line speed a client set on a tty, in bits per second, non-standard rates included; -1 and errno on failure.
int cposix_tty_get_speed(int fd);

/// Puts a tty in raw mode 8N1 at `speed` bits per second (any rate the driver takes); -1 and errno on failure.
int cposix_tty_set_raw(int fd, int speed);

/// Bytes waiting to be read on `fd`; -1 and errno on failure.
int cposix_bytes_readable(int fd);
