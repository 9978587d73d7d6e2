import CDriverWiFi

/// GetOpt and SetOpt, and what the entry points ask about a socket first.
extension WiFiDriver {
    func socketOption(_ option: Int32, of number: Int32) throws(SocketFailure) -> UInt32 {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            switch option {
            case ARM_SOCKET_SO_RCVTIMEO: return socket.receiveTimeout
            case ARM_SOCKET_SO_SNDTIMEO: return socket.sendTimeout
            case ARM_SOCKET_SO_KEEPALIVE: return socket.keepsAlive ? 1 : 0
            case ARM_SOCKET_SO_TYPE: return UInt32(socket.isStream ? ARM_SOCKET_SOCK_STREAM : ARM_SOCKET_SOCK_DGRAM)
            // FIONBIO is set only.
            default: throw .invalidArgument
            }
        }
    }

    /// Sets an option to `value`, which is nil when the caller gave none or a short one.
    func setSocketOption(_ option: Int32, of number: Int32, to value: UInt32?) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            guard let value else { throw .invalidArgument }
            switch option {
            case ARM_SOCKET_IO_FIONBIO: socket.isBlocking = value == 0
            case ARM_SOCKET_SO_RCVTIMEO: socket.receiveTimeout = value
            case ARM_SOCKET_SO_SNDTIMEO: socket.sendTimeout = value
            case ARM_SOCKET_SO_KEEPALIVE: socket.keepsAlive = value != 0
            // TYPE is get only.
            default: throw .invalidArgument
            }
        }
    }

    /// The socket exists and an address of its family fits in `room` bytes, where one is wanted.
    func check(_ number: Int32, room: UInt32?) throws(SocketFailure) {
        try perform { () throws(SocketFailure) in
            let socket = try socket(number)
            if let room, room < socket.family.byteCount { throw .invalidArgument }
        }
    }
}
