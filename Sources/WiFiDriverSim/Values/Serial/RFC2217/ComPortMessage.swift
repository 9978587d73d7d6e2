/// A message of COM-PORT-OPTION (RFC 2217, sections 2 to 5).
enum ComPortMessage: Equatable {
    /// A request to change a setting, or the answer, which is the value in force.
    case set(LineSetting)
    /// A request for the value in force.
    case query(LineSetting.Kind)
    /// A request for a value that no port has, or for flow control by DCD, DTR or DSR.
    case impossible(LineSetting.Kind, value: UInt8)
    /// A text about the sender; empty to ask for that of the other side.
    case signature([UInt8])
    /// A notification of the server. A client asks for one, without a value.
    case lineState(UInt8)
    case modemState(UInt8)
    case lineStateMask(UInt8)
    case modemStateMask(UInt8)
    /// The receiver is to stop sending, or may send again.
    case suspend
    case resume
    case purge(PurgedBuffers)

    /// The raw value is the number that is added to the code of each message.
    enum Sender: UInt8 { case client = 0, server = 100 }

    private enum Code: UInt8 {
        case signature, bitRate, dataBits, parity, stopBits, control, lineState, modemState, suspend, resume
        case lineStateMask, modemStateMask, purge
    }

    /// Reads a subnegotiation, which starts with the option.
    /// - Throws: a notice that tells why there is no message.
    init(subnegotiation: [UInt8], from sender: Sender) throws(RFC2217Notice) {
        guard let option = subnegotiation.first else { throw .missingValue(command: nil) }
        guard option == Telnet.Option.comPort else { throw .foreignSubnegotiation(option: option) }
        try self.init(subnegotiation.dropFirst(), from: sender)
    }

    /// Reads a subnegotiation without its option. Bytes after the value are ignored: some servers send four after the
    /// bit rate.
    private init(_ body: ArraySlice<UInt8>, from sender: Sender) throws(RFC2217Notice) {
        guard let command = body.first else { throw .missingValue(command: nil) }
        let value = body.dropFirst()
        guard command >= sender.rawValue, let code = Code(rawValue: command - sender.rawValue) else {
            throw .unknownRequest(command: command, value: Array(value))
        }
        var byte: UInt8 { get throws(RFC2217Notice) { try Self.byte(of: value, command) } }
        switch code {
        case .signature: self = .signature(Array(value))
        case .bitRate:
            guard value.count >= 4 else { throw .missingValue(command: command) }
            let rate = value.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
            self = BitRate(rate).map { .set(.bitRate($0)) } ?? .query(.bitRate)
        case .dataBits:
            let count = try byte
            self = .init(.dataBits, count, UARTConfiguration.DataBits(Int(count)).map { .dataBits($0) })
        case .parity:
            let number = try byte
            self = .init(.parity, number, LineSettings.Parity(rawValue: number).map { .parity($0) })
        case .stopBits:
            let number = try byte
            self = .init(.stopBits, number, LineSettings.StopBits(rawValue: number).map { .stopBits($0) })
        case .control:
            let number = try byte
            guard let message = Self(control: number) else {
                throw .unknownRequest(command: command, value: Array(value))
            }
            self = message
        // A client that asks for the state sends no value.
        case .lineState: self = .lineState(sender == .server ? try byte : 0)
        case .modemState: self = .modemState(sender == .server ? try byte : 0)
        case .lineStateMask: self = .lineStateMask(try byte)
        case .modemStateMask: self = .modemStateMask(try byte)
        case .suspend: self = .suspend
        case .resume: self = .resume
        case .purge:
            guard let buffers = PurgedBuffers(rawValue: try byte) else {
                throw .unknownRequest(command: command, value: Array(value))
            }
            self = .purge(buffers)
        }
    }

    private static func byte(of value: ArraySlice<UInt8>, _ command: UInt8) throws(RFC2217Notice) -> UInt8 {
        guard let byte = value.first else { throw .missingValue(command: command) }
        return byte
    }

    /// A setting with a value of one byte, of which 0 asks for the value in force.
    private init(_ kind: LineSetting.Kind, _ value: UInt8, _ setting: LineSetting?) {
        if let setting {
            self = .set(setting)
        } else {
            self = value == 0 ? .query(kind) : .impossible(kind, value: value)
        }
    }

    /// A message of SET-CONTROL; `nil` if RFC 2217 does not define the value.
    private init?(control value: UInt8) {
        switch value {
        case 0: self = .query(.flowControl)
        case 4: self = .query(.breakSignal)
        case 5, 6: self = .set(.breakSignal(value == 5))
        case 7: self = .query(.dtr)
        case 8, 9: self = .set(.dtr(value == 8))
        case 10: self = .query(.rts)
        case 11, 12: self = .set(.rts(value == 11))
        case 13: self = .query(.inboundFlowControl)
        case 17, 19: self = .impossible(.flowControl, value: value)
        case 18: self = .impossible(.inboundFlowControl, value: value)
        default:
            if let control = LineSettings.FlowControl(rawValue: value) {
                self = .set(.flowControl(control))
            } else if let control = LineSettings.FlowControl(rawValue: value &- Self.inbound) {
                self = .set(.inboundFlowControl(control))
            } else {
                return nil
            }
        }
    }

    /// The distance in SET-CONTROL from outbound to inbound flow control.
    private static let inbound: UInt8 = 13

    /// The message as the body of a subnegotiation, which starts with the option.
    func body(from sender: Sender) -> [UInt8] {
        let (code, value) = codeAndValue
        return [Telnet.Option.comPort, code.rawValue + sender.rawValue] + value
    }

    private var codeAndValue: (Code, [UInt8]) {
        switch self {
        case .set(let setting): Self.codeAndValue(of: setting)
        case .query(let kind): Self.query(kind)
        case .impossible(let kind, let value): (Self.query(kind).0, [value])
        case .signature(let text): (.signature, text)
        case .lineState(let state): (.lineState, [state])
        case .modemState(let state): (.modemState, [state])
        case .lineStateMask(let mask): (.lineStateMask, [mask])
        case .modemStateMask(let mask): (.modemStateMask, [mask])
        case .suspend: (.suspend, [])
        case .resume: (.resume, [])
        case .purge(let buffers): (.purge, [buffers.rawValue])
        }
    }

    private static func codeAndValue(of setting: LineSetting) -> (Code, [UInt8]) {
        switch setting {
        case .bitRate(let rate):
            (.bitRate, [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rate.value >> $0) })
        case .dataBits(let count): (.dataBits, [UInt8(count.value)])
        case .parity(let parity): (.parity, [parity.rawValue])
        case .stopBits(let count): (.stopBits, [count.rawValue])
        case .flowControl(let control): (.control, [control.rawValue])
        case .inboundFlowControl(let control): (.control, [control.rawValue + inbound])
        case .breakSignal(let isOn): (.control, [isOn ? 5 : 6])
        case .dtr(let isOn): (.control, [isOn ? 8 : 9])
        case .rts(let isOn): (.control, [isOn ? 11 : 12])
        }
    }

    private static func query(_ kind: LineSetting.Kind) -> (Code, [UInt8]) {
        switch kind {
        case .bitRate: (.bitRate, [0, 0, 0, 0])
        case .dataBits: (.dataBits, [0])
        case .parity: (.parity, [0])
        case .stopBits: (.stopBits, [0])
        case .flowControl: (.control, [0])
        case .inboundFlowControl: (.control, [inbound])
        case .breakSignal: (.control, [4])
        case .dtr: (.control, [7])
        case .rts: (.control, [10])
        }
    }
}

/// The buffers of a server that PURGE-DATA empties. The raw values are those of RFC 2217.
package enum PurgedBuffers: UInt8, CaseIterable, Sendable {
    /// Bytes from the module that the client has not received.
    case receive = 1
    /// Bytes from the client that the module has not received.
    case transmit
    case both
}
