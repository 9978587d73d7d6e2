import WiFiSimValues

/// A socket of the application's.
package final class DriverSocket {
    enum State {
        /// Created and nothing more, or back there after a failed Connect.
        case idle
        case bound(Endpoint)
        case listening(Listener)
        /// A connection is asked for; whoever completes it moves on from here.
        case connecting
        /// What a non-blocking Connect came to; reported once.
        case connectFailed(SocketFailure)
        case connected(DriverConnection)
        case datagram(Datagram)
    }

    /// Waiting connections of a listening socket.
    final class Listener {
        let local: Endpoint
        var pending: [DriverConnection] = []
        /// The module's server is gone without Close.
        var isAborted = false

        init(local: Endpoint) { self.local = local }
    }

    /// A datagram socket. It has a link once it is bound, connected or has sent.
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
    /// Milliseconds; 0 waits for ever.
    package var receiveTimeout: UInt32 = 0
    package var sendTimeout: UInt32 = 0
    var keepsAlive = false
    /// Close was called: whoever still has this object is to give up.
    package var isClosed = false

    init(number: Int, family: IPAddress.Family, isStream: Bool) {
        self.number = number
        self.family = family
        self.isStream = isStream
        state = isStream ? .idle : .datagram(Datagram())
    }

    /// The port it occupies by Bind or Listen.
    var localPort: UInt16? {
        switch state {
        case .bound(let local): local.port
        case .listening(let listener): listener.local.port
        case .datagram(let datagram): datagram.local?.port
        case .idle, .connecting, .connectFailed, .connected: nil
        }
    }
}
