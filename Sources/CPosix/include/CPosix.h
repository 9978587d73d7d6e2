// What Swift's Glibc overlay lacks: macros that are not plain constants, variadic calls, and functions behind _GNU_SOURCE.
#pragma once
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
int ptsname_r(int fd, char *buffer, size_t length);

/// Opens a new pseudo-terminal's master, non-blocking and close-on-exec; -1 and errno on failure.
int cposix_open_pty_master(void);

/// The line speed a client set on a tty, in bits per second, non-standard rates included; -1 and errno on failure.
int cposix_tty_get_speed(int fd);

/// Puts a tty in raw mode 8N1 at `speed` bits per second (any rate the driver takes); -1 and errno on failure.
int cposix_tty_set_raw(int fd, int speed);

/// open(2) without a mode.
int cposix_open(const char *path, int flags);

/// Opens a new file in `folder` that has no name and is gone with its descriptor, to be written; -1 and errno on failure,
/// which is EOPNOTSUPP, EISDIR or ENOENT where the file system has none.
int cposix_open_unnamed(const char *folder, mode_t mode);

/// Gives such a file a name, which must be free; -1 and errno on failure.
int cposix_name_unnamed(int fd, const char *path);

/// Waits until an event or for `timeout` nanoseconds (negative: for ever), on kernels without epoll_pwait2 rounded up to a
/// millisecond; -1 and errno on failure.
int cposix_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t timeout);

/// Joins a thread that ends within `timeout` milliseconds; else the error's number.
int cposix_join(pthread_t thread, int64_t timeout);

/// From now on `cposix_is_forked` is true in a child that is forked.
void cposix_watch_forks(void);
extern volatile int cposix_forked;
static inline int cposix_is_forked(void) { return cposix_forked; }

/// The exit status of a shell for a process that ended with `status`: its own, or 128 and the signal's number.
int cposix_exit_status(int status);

/// Whether the process ignores a signal.
int cposix_ignores(int signal);
