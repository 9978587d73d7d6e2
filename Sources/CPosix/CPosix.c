#define _GNU_SOURCE
#include "CPosix.h"
// termios2 (asm/termbits.h) contains the rate as a number. It cannot be included together with <termios.h>.
#include <asm/termbits.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
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

int cposix_tty_set_raw(int fd, int speed) {
    struct termios2 settings;
    if (ioctl(fd, TCGETS2, &settings) < 0) return -1;
    settings.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF);
    settings.c_oflag &= ~OPOST;
    settings.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings.c_cflag &= ~(CSIZE | PARENB | CSTOPB | CBAUD | CRTSCTS);
    settings.c_cflag |= CS8 | CREAD | CLOCAL | rate_code(speed);
    settings.c_cflag &= ~(CBAUD << IBSHIFT);
    settings.c_cflag |= rate_code(speed) << IBSHIFT;
    settings.c_ispeed = (speed_t)speed;
    settings.c_ospeed = (speed_t)speed;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return ioctl(fd, TCSETS2, &settings);
}

int cposix_tty_get_modem_lines(int fd) {
    int lines;
    if (ioctl(fd, TIOCMGET, &lines) < 0) return -1;
    return (lines & TIOCM_CTS ? cposix_clear_to_send : 0) | (lines & TIOCM_DSR ? cposix_data_set_ready : 0);
}

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
