/// The settings of a serial port that RFC 2217 carries.
package struct LineSettings: Equatable, Sendable {
    package var bitRate: BitRate = 115_200
    package var dataBits: UARTConfiguration.DataBits = 8
    package var parity = Parity.none
    package var stopBits = StopBits.one
    /// For bytes to the module.
    package var flowControl = FlowControl.none
    /// For bytes from the module.
    package var inboundFlowControl = FlowControl.none
    package var breakSignal = false
    package var dtr = true
    package var rts = true

    /// 115,200 bits per second, 8N1, no flow control, with DTR and RTS on, as a port is once it is open.
    package init() {}

    /// The raw values are those of SET-PARITY.
    package enum Parity: UInt8, CaseIterable, Sendable { case none = 1, odd, even, mark, space }
    /// The raw values are those of SET-STOPSIZE.
    package enum StopBits: UInt8, CaseIterable, Sendable { case one = 1, two, oneAndHalf }
    /// The raw values are those of SET-CONTROL.
    package enum FlowControl: UInt8, CaseIterable, Sendable { case none = 1, xonXoff, hardware }

    /// The value of one setting.
    package subscript(kind: LineSetting.Kind) -> LineSetting {
        switch kind {
        case .bitRate: .bitRate(bitRate)
        case .dataBits: .dataBits(dataBits)
        case .parity: .parity(parity)
        case .stopBits: .stopBits(stopBits)
        case .flowControl: .flowControl(flowControl)
        case .inboundFlowControl: .inboundFlowControl(inboundFlowControl)
        case .breakSignal: .breakSignal(breakSignal)
        case .dtr: .dtr(dtr)
        case .rts: .rts(rts)
        }
    }

    /// Changes one setting. `flowControl` changes the inbound flow control too: RFC 2217 calls it "outbound/both".
    package mutating func apply(_ setting: LineSetting) {
        switch setting {
        case .bitRate(let rate): bitRate = rate
        case .dataBits(let count): dataBits = count
        case .parity(let parity): self.parity = parity
        case .stopBits(let count): stopBits = count
        case .flowControl(let control): (flowControl, inboundFlowControl) = (control, control)
        case .inboundFlowControl(let control): inboundFlowControl = control
        case .breakSignal(let isOn): breakSignal = isOn
        case .dtr(let isOn): dtr = isOn
        case .rts(let isOn): rts = isOn
        }
    }
}

/// One setting of a serial port and its value.
package enum LineSetting: Equatable, Sendable {
    case bitRate(BitRate)
    case dataBits(UARTConfiguration.DataBits)
    case parity(LineSettings.Parity)
    case stopBits(LineSettings.StopBits)
    case flowControl(LineSettings.FlowControl)
    case inboundFlowControl(LineSettings.FlowControl)
    case breakSignal(Bool)
    case dtr(Bool)
    case rts(Bool)

    /// A setting without its value, in the order in which a client sets them.
    package enum Kind: CaseIterable, Sendable {
        case bitRate, dataBits, parity, stopBits, flowControl, inboundFlowControl, breakSignal, dtr, rts
    }

    package var kind: Kind {
        switch self {
        case .bitRate: .bitRate
        case .dataBits: .dataBits
        case .parity: .parity
        case .stopBits: .stopBits
        case .flowControl: .flowControl
        case .inboundFlowControl: .inboundFlowControl
        case .breakSignal: .breakSignal
        case .dtr: .dtr
        case .rts: .rts
        }
    }
}
