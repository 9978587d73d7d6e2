import WiFiSimValues

/// A socket of the application.
package final class DriverSocket {
    enum State {
        /// New, or reset after a failed Connect.
        case idle
        case bound(Endpoint)
        case listening(Listener)
        /// A connection is being opened. The work that opens it sets the next state.
        case connecting
        /// The error of a non-blocking Connect. Reported once.
        case connectFailed(SocketFailure)
        case connected(DriverConnection)
        case datagram(Datagram)
    }

    /// A listening socket, and the connections that wait for Accept.
    final class Listener {
        let local: Endpoint
        var pending: [DriverConnection] = []
        /// The server in the module stopped without a Close.
        var isAborted = false

        init(local: Endpoint) { self.local = local }
    }

    /// A datagram socket. It gets a link when it is bound or connected, or when it first sends.
    struct Datagram {
        var local: Endpoint?
        var peer: Endpoint?
        var connection: DriverConnection?
    }

    let number: Int
    let family: IPAddress.Family
    let isStream: Bool
    var state: State
    var isBlocking = true
    /// In milliseconds. 0 waits without limit.
    package var receiveTimeout: UInt32 = 0
    /// In milliseconds. 0 waits without limit.
    package var sendTimeout: UInt32 = 0
    var keepsAlive = false
    /// Close was called. Calls that still hold this object have to end.
    package var isClosed = false

    init(number: Int, family: IPAddress.Family, isStream: Bool) {
        self.number = number
        self.family = family
        self.isStream = isStream
        state = isStream ? .idle : .datagram(Datagram())
    }

    /// The port that it occupies through Bind or Listen.
    var localPort: UInt16? {
        switch state {
        case .bound(let local): local.port
        case .listening(let listener): listener.local.port
        case .datagram(let datagram): datagram.local?.port
        case .idle, .connecting, .connectFailed, .connected: nil
        }
    }
}
