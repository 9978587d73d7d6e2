// CMSIS-Driver: what every driver interface shares. API 2.0.
// Names, values and layouts follow the CMSIS-Driver specification, so code written for the target compiles unchanged.
#ifndef DRIVER_COMMON_H_
#define DRIVER_COMMON_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Packs a version as major * 256 + minor.
#define ARM_DRIVER_VERSION_MAJOR_MINOR(major, minor) (((major) << 8) | (minor))

/// Versions of the interface and of the implementation behind it, each packed as above.
typedef struct _ARM_DRIVER_VERSION {
    uint16_t api;
    uint16_t drv;
} ARM_DRIVER_VERSION;

// Execution status. Interfaces add codes of their own from ARM_DRIVER_ERROR_SPECIFIC downwards.
#define ARM_DRIVER_OK                 0  ///< Done
#define ARM_DRIVER_ERROR             -1  ///< Failed for a reason without a code
#define ARM_DRIVER_ERROR_BUSY        -2  ///< Another operation is in progress
#define ARM_DRIVER_ERROR_TIMEOUT     -3  ///< No answer in time
#define ARM_DRIVER_ERROR_UNSUPPORTED -4  ///< The driver or the device cannot do this
#define ARM_DRIVER_ERROR_PARAMETER   -5  ///< A parameter is out of range
#define ARM_DRIVER_ERROR_SPECIFIC    -6  ///< First code of the interface's own

/// What PowerControl takes.
typedef enum _ARM_POWER_STATE {
    ARM_POWER_OFF,   ///< No operation possible
    ARM_POWER_LOW,   ///< State kept, reduced consumption
    ARM_POWER_FULL   ///< Full operation
} ARM_POWER_STATE;

#endif
