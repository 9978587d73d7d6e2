// In a C program the Swift runtime of these libraries would print its own backtrace on each fatal signal. Restore the
// default handling, which C programmers expect, unless SWIFT_BACKTRACE is set.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/auxv.h>

// Any function of the runtime: the signal handlers are in the same object.
extern void swift_retain(void *) __attribute__((weak));

static void *object_of(const void *address) {
    Dl_info info;
    return address != NULL && dladdr(address, &info) ? info.dli_fbase : NULL;
}

// True if this code is part of a Swift program such as wifisim, not of a library.
static bool is_in_program(void) {
    return object_of((const void *)is_in_program) == object_of((const void *)getauxval(AT_ENTRY));
}

// Runs before main, but after the runtime has installed its handlers.
__attribute__((constructor)) static void leave_crashes_alone(void) {
    static const int signals[] = {SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
    if (swift_retain == NULL || getenv("SWIFT_BACKTRACE") != NULL || is_in_program()) return;
    void *runtime = object_of((const void *)swift_retain);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) != 0 || !(action.sa_flags & SA_SIGINFO)) continue;
        if (object_of((const void *)action.sa_sigaction) == runtime) signal(signals[i], SIG_DFL);
    }
}
