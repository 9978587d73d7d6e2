// Joins the network before the first socket is made, as the board layer of an embedded project does.
#ifndef SOCKET_STARTUP_H
#define SOCKET_STARTUP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Powers the WiFi module and joins the network named by WIFISIM_SSID with WIFISIM_PASSWORD: by default that of the
/// simulated world, `wifisim` and `password`; an empty password joins an open network. Gives 0, or -1 with the reason
/// on standard error.
extern int32_t socket_startup(void);

#ifdef __cplusplus
}
#endif

#endif
