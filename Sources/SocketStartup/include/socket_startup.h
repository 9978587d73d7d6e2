// Joins the network before the first socket is created, as the board layer of an embedded project does.
#ifndef SOCKET_STARTUP_H
#define SOCKET_STARTUP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Powers the WiFi module and joins the network WIFISIM_SSID with WIFISIM_PASSWORD. The defaults are `wifisim` and
/// `password`, as in the simulated world; an empty password joins an open network. Returns 0, or -1 with a message on
/// standard error.
extern int32_t socket_startup(void);

#ifdef __cplusplus
}
#endif

#endif
