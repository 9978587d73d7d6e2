// The functions are implemented in Swift. This file exists so that the header forms a target.
#include "wifisim_transcript.h"
