#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Driver_WiFi.h"
#include "mux_under_test.h"

int32_t create_in_child(const iotSocketApi_t *api) {
    pid_t child = fork();
    if (child < 0) return -1000;
    if (child == 0) {
        // A call that hangs ends as a signal.
        alarm(20);
        if (Driver_WiFi0.IsConnected()) _exit(100);
        int32_t code = api->SocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0);
        _exit(code < 0 ? -code : 0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1001;
    return -WEXITSTATUS(status);
}
