/// The errors of the socket functions, with the values of the ARM_SOCKET_… codes.
package enum SocketFailure: Int32, Error {
    case unspecified = -1
    case invalidSocket = -2
    case invalidArgument = -3
    case notSupported = -4
    case noMemory = -5
    case wouldBlock = -6
    case inProgress = -7
    case timedOut = -8
    case isConnected = -9
    case notConnected = -10
    case refused = -11
    case reset = -12
    case aborted = -13
    case alreadyConnecting = -14
    case addressInUse = -15
    case hostNotFound = -16
}

/// The errors of the other functions, with the values of the ARM_DRIVER_ERROR… codes.
package enum DriverFailure: Int32, Error {
    case unspecified = -1
    case timedOut = -3
    case unsupported = -4
    case invalidParameter = -5
}
