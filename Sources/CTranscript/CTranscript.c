// The functions are implemented in Swift; this file makes the header a target.
#include "wifisim_transcript.h"
