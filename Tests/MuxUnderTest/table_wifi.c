#include "../../Sources/IoTSocketMux/table_wifi.c"
