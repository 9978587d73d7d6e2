// Functions that Swift's Glibc overlay does not import: macros that are not plain constants, variadic functions, and
// functions behind _GNU_SOURCE.
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
#include <sys/timerfd.h>
#include <sys/wait.h>

int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags);
int ptsname_r(int fd, char *buffer, size_t length);

/// Opens a new pseudo-terminal's master, non-blocking and close-on-exec; -1 with errno on failure.
int cposix_open_pty_master(void);

/// The bit rate that a client has set on a tty, in bits per second, including non-standard rates; -1 with errno on
/// failure.
int cposix_tty_get_speed(int fd);

/// Sets a tty to raw mode, 8N1, at `speed` bits per second (any rate that its driver accepts); -1 with errno on
/// failure.
int cposix_tty_set_raw(int fd, int speed);

/// The line settings of a tty.
struct cposix_tty_settings {
    /// In bits per second.
    int speed;
    /// 5 to 8.
    int data_bits;
    /// 'N', 'O', 'E', 'M' or 'S'.
    char parity;
    /// True for two stop bits; with 5 data bits, adapters send one and a half.
    int has_long_stop;
    /// True if RTS and CTS control the flow.
    int has_flow_control;
};

/// Reads the settings of a tty; through a pty's master, those of its slave. -1 with errno on failure.
int cposix_tty_get_settings(int fd, struct cposix_tty_settings *settings);

/// Sets a tty to raw mode with these settings; -1 with errno on failure. A driver ignores what it does not support: a
/// pty has always 8 data bits and no parity.
int cposix_tty_set_settings(int fd, const struct cposix_tty_settings *settings);

/// The modem lines that are asserted, as TIOCM_ bits; -1 with errno on failure: ENOTTY if the tty has none.
int cposix_tty_get_lines(int fd);

/// Asserts or releases modem lines, given as TIOCM_ bits; -1 with errno on failure.
int cposix_tty_set_lines(int fd, int lines, int are_asserted);

/// Begins or ends a break; -1 with errno on failure.
int cposix_tty_set_break(int fd, int is_on);

/// open(2) without a mode.
int cposix_open(const char *path, int flags);

/// Opens a new file in `folder` for writing. The file has no name and disappears with its descriptor. -1 with errno on
/// failure: EOPNOTSUPP, EISDIR or ENOENT if the file system does not support it.
int cposix_open_unnamed(const char *folder, mode_t mode);

/// Gives the unnamed file of `fd` a name, which must not exist; -1 with errno on failure.
int cposix_name_unnamed(int fd, const char *path);

/// Waits for events, at most `timeout` nanoseconds (negative: forever), which kernels without epoll_pwait2 round up to
/// a millisecond; -1 with errno on failure.
int cposix_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t timeout);

/// Joins a thread if it ends within `timeout` milliseconds; returns 0, or the error number.
int cposix_join(pthread_t thread, int64_t timeout);

/// Makes `cposix_is_forked` true in children that are forked from now on.
void cposix_watch_forks(void);
extern volatile int cposix_forked;
static inline int cposix_is_forked(void) { return cposix_forked; }

/// The exit status that a shell reports for a wait status: the process's own, or 128 plus the signal's number.
int cposix_exit_status(int status);

/// The signal that ended a process, from its wait status; 0 if it exited by itself.
int cposix_ending_signal(int status);

/// Sends this process SIGTERM when the thread that started it ends; -1 with errno on failure.
int cposix_end_with_parent(void);

/// True if the process ignores `signal`.
int cposix_ignores(int signal);

/// A descriptor that is readable when the process has ended; -1 with errno on failure.
int cposix_pidfd_open(pid_t process);
