/// The bytes of the Telnet protocol (RFC 854, RFC 855) that a serial port over TCP uses.
enum Telnet {
    /// Starts a command. In data it is doubled.
    static let iac: UInt8 = 255
    static let subnegotiationEnd: UInt8 = 240
    static let noOperation: UInt8 = 241
    static let dataMark: UInt8 = 242
    static let breakCommand: UInt8 = 243
    static let goAhead: UInt8 = 249
    static let subnegotiation: UInt8 = 250

    /// A step of the negotiation of an option.
    enum Verb: UInt8, Sendable { case will = 251, wont, doIt, dont }

    /// The options that either side of a serial port uses.
    enum Option {
        /// The bytes are data as they are, without the line ends of a terminal (RFC 856).
        static let binary: UInt8 = 0
        /// The sender repeats what it receives (RFC 857).
        static let echo: UInt8 = 1
        /// Both sides may send at any time (RFC 858).
        static let suppressGoAhead: UInt8 = 3
        /// The settings of the serial port (RFC 2217).
        static let comPort: UInt8 = 44
    }
}

extension ByteQueue {
    /// Appends data, with each IAC doubled.
    mutating func append(escaping data: UnsafeRawBufferPointer) {
        var rest = data
        while let iac = rest.firstIndex(of: Telnet.iac) {
            append(contentsOf: UnsafeRawBufferPointer(rebasing: rest[...iac]))
            append(Telnet.iac)
            rest.dropFirstBytes(iac + 1)
        }
        append(contentsOf: rest)
    }

    /// Appends the negotiation of an option.
    mutating func append(_ verb: Telnet.Verb, _ option: UInt8) {
        append(contentsOf: [Telnet.iac, verb.rawValue, option])
    }

    /// Appends a subnegotiation. `body` starts with the option.
    mutating func append(subnegotiation body: [UInt8]) {
        append(contentsOf: [Telnet.iac, Telnet.subnegotiation])
        body.withUnsafeBytes { append(escaping: $0) }
        append(contentsOf: [Telnet.iac, Telnet.subnegotiationEnd])
    }
}

extension UnsafeRawBufferPointer {
    /// Moves the start forward. `count` must not exceed the number of bytes.
    mutating func dropFirstBytes(_ count: Int) { self = UnsafeRawBufferPointer(rebasing: self[count...]) }
}
