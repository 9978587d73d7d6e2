#include "socket_startup.h"

#include <stdio.h>
#include <stdlib.h>

#include "Driver_WiFi.h"

static int32_t failed(const char *step, int32_t code) {
    fprintf(stderr, "socket_startup: %s failed with %d\n", step, (int)code);
    return -1;
}

int32_t socket_startup(void) {
    const char *ssid = getenv("WIFISIM_SSID");
    const char *password = getenv("WIFISIM_PASSWORD");
    ARM_WIFI_CONFIG_t config = {
        .ssid = ssid ? ssid : "wifisim",
        .pass = password ? password : "password",
    };
    config.security = config.pass[0] ? ARM_WIFI_SECURITY_WPA2 : ARM_WIFI_SECURITY_OPEN;

    int32_t code = Driver_WiFi0.Initialize(NULL);
    if (code != ARM_DRIVER_OK) return failed("Initialize", code);
    code = Driver_WiFi0.PowerControl(ARM_POWER_FULL);
    if (code != ARM_DRIVER_OK) return failed("PowerControl", code);
    code = Driver_WiFi0.Activate(0, &config);
    if (code != ARM_DRIVER_OK) return failed("Activate", code);
    return 0;
}
