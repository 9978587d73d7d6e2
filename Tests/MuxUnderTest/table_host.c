#include "../../Sources/IoTSocketMux/table_host.c"
