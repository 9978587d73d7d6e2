// A C program that crashes is its author's affair, in the way that the author is used to. The Swift runtime of these libraries
// would print a backtrace of its own on each fatal signal: here it is taken back, unless SWIFT_BACKTRACE asks for it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/auxv.h>

// Any function of the runtime; its object is where the handlers are.
extern void swift_retain(void *) __attribute__((weak));

static void *object_of(const void *address) {
    Dl_info info;
    return address != NULL && dladdr(address, &info) ? info.dli_fbase : NULL;
}

// As a part of a Swift program, as wifisim is, this is not a library.
static bool is_in_program(void) {
    return object_of((const void *)is_in_program) == object_of((const void *)getauxval(AT_ENTRY));
}

// After the runtime has been set up, which it does before it is used, and before main.
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
