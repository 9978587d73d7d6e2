#define _GNU_SOURCE
#include "CPosix.h"
// termios2 (asm/termbits.h) contains the rate as a number. It cannot be included together with <termios.h>.
#include <asm/termbits.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int cposix_open_pty_master(void) {
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -1;
    if (grantpt(fd) < 0 || unlockpt(fd) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int cposix_tty_get_speed(int fd) {
    struct termios2 settings;
    if (ioctl(fd, TCGETS2, &settings) < 0) return -1;
    return (int)settings.c_ospeed;
}

// The code of a standard rate, which older programs at the other end of a pty understand; BOTHER for any other rate.
static tcflag_t rate_code(int speed) {
    static const struct { int speed; tcflag_t code; } standard[] = {
        {9600, B9600},     {19200, B19200},   {38400, B38400},     {57600, B57600},     {115200, B115200},
        {230400, B230400}, {460800, B460800}, {500000, B500000},   {576000, B576000},   {921600, B921600},
        {1000000, B1000000}, {1500000, B1500000}, {2000000, B2000000}, {3000000, B3000000}, {4000000, B4000000}};
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++)
        if (standard[i].speed == speed) return standard[i].code;
    return BOTHER;
}

// The flags of data bits, parity, stop bits and flow control.
#define FRAME_FLAGS (CSIZE | PARENB | PARODD | CMSPAR | CSTOPB | CRTSCTS)

int cposix_tty_set_raw(int fd, int speed) {
    struct cposix_tty_settings settings = {.speed = speed, .data_bits = 8, .parity = 'N'};
    return cposix_tty_set_settings(fd, &settings);
}

int cposix_tty_set_settings(int fd, const struct cposix_tty_settings *wanted) {
    static const tcflag_t sizes[] = {CS5, CS6, CS7, CS8};
    if (wanted->data_bits < 5 || wanted->data_bits > 8) {
        errno = EINVAL;
        return -1;
    }
    struct termios2 settings;
    if (ioctl(fd, TCGETS2, &settings) < 0) return -1;
    settings.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF);
    settings.c_oflag &= ~OPOST;
    settings.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings.c_cflag &= ~(FRAME_FLAGS | CBAUD | CBAUD << IBSHIFT);
    settings.c_cflag |= CREAD | CLOCAL | sizes[wanted->data_bits - 5];
    settings.c_cflag |= rate_code(wanted->speed) | rate_code(wanted->speed) << IBSHIFT;
    switch (wanted->parity) {
    case 'O': settings.c_cflag |= PARENB | PARODD; break;
    case 'E': settings.c_cflag |= PARENB; break;
    case 'M': settings.c_cflag |= PARENB | CMSPAR | PARODD; break;
    case 'S': settings.c_cflag |= PARENB | CMSPAR; break;
    }
    if (wanted->has_long_stop) settings.c_cflag |= CSTOPB;
    if (wanted->has_flow_control) settings.c_cflag |= CRTSCTS;
    settings.c_ispeed = (speed_t)wanted->speed;
    settings.c_ospeed = (speed_t)wanted->speed;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return ioctl(fd, TCSETS2, &settings);
}

int cposix_tty_get_settings(int fd, struct cposix_tty_settings *settings) {
    struct termios2 current;
    if (ioctl(fd, TCGETS2, &current) < 0) return -1;
    tcflag_t flags = current.c_cflag, size = flags & CSIZE;
    settings->speed = (int)current.c_ospeed;
    settings->data_bits = size == CS5 ? 5 : size == CS6 ? 6 : size == CS7 ? 7 : 8;
    settings->parity =
        !(flags & PARENB) ? 'N' : flags & CMSPAR ? (flags & PARODD ? 'M' : 'S') : (flags & PARODD ? 'O' : 'E');
    settings->has_long_stop = (flags & CSTOPB) != 0;
    settings->has_flow_control = (flags & CRTSCTS) != 0;
    return 0;
}

int cposix_tty_get_lines(int fd) {
    int lines = 0;
    return ioctl(fd, TIOCMGET, &lines) < 0 ? -1 : lines;
}

int cposix_tty_set_lines(int fd, int lines, int are_asserted) {
    return ioctl(fd, are_asserted ? TIOCMBIS : TIOCMBIC, &lines);
}

int cposix_tty_set_break(int fd, int is_on) { return ioctl(fd, is_on ? TIOCSBRK : TIOCCBRK); }

int cposix_open(const char *path, int flags) { return open(path, flags); }

int cposix_open_unnamed(const char *folder, mode_t mode) {
    return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
}

int cposix_name_unnamed(int fd, const char *path) {
    char source[32];
    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int cposix_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t timeout) {
    static _Atomic int lacks_pwait2;
    if (timeout < 0) return epoll_wait(epoll, events, count, -1);
    if (!lacks_pwait2) {
        struct timespec left = {timeout / 1000000000, timeout % 1000000000};
        int ready = epoll_pwait2(epoll, events, count, &left, NULL);
        if (ready >= 0 || errno != ENOSYS) return ready;
        lacks_pwait2 = 1;
    }
    int64_t milliseconds = (timeout + 999999) / 1000000;
    return epoll_wait(epoll, events, count, milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds);
}

int cposix_join(pthread_t thread, int64_t timeout) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += timeout / 1000;
    end.tv_nsec += timeout % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    return pthread_timedjoin_np(thread, NULL, &end);
}

volatile int cposix_forked;

static void forked(void) { cposix_forked = 1; }
static void watch_forks(void) { pthread_atfork(NULL, NULL, forked); }

void cposix_watch_forks(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
}

int cposix_ignores(int signal) {
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int cposix_exit_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

int cposix_ending_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

int cposix_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGTERM); }

int cposix_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
