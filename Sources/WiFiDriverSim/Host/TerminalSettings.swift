import CPosix
import Glibc
import WiFiSimValues

/// The settings of a tty that concern its line.
///
/// A pty's master reads those that a client has set on the slave: bit rate, stop bits and flow control. The kernel
/// announces no change of them. Data bits and parity of a pty are always 8 and none.
package struct TerminalSettings: Equatable, Sendable {
    /// With 5 data bits, a long stop bit is one and a half; otherwise it is two.
    package var frame: UARTFrame
    /// True if RTS and CTS control the flow (CRTSCTS).
    package var hasFlowControl: Bool

    package init(_ frame: UARTFrame, hasFlowControl: Bool = false) {
        self.frame = frame
        self.hasFlowControl = hasFlowControl
    }
}

/// The modem lines of a tty.
package struct ModemLines: OptionSet, Sendable {
    /// TIOCM_ bits.
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// Outputs of this computer.
    package static let rts = ModemLines(rawValue: TIOCM_RTS)
    package static let dtr = ModemLines(rawValue: TIOCM_DTR)
    /// Inputs.
    package static let cts = ModemLines(rawValue: TIOCM_CTS)
    package static let dsr = ModemLines(rawValue: TIOCM_DSR)
    package static let dcd = ModemLines(rawValue: TIOCM_CAR)
    package static let ri = ModemLines(rawValue: TIOCM_RNG)
}

/// A descriptor of a tty.
extension FileDescriptor {
    /// The tty's settings, by one system call.
    /// - Throws: ENOTTY if this is no tty.
    package func terminalSettings() throws(SystemError) -> TerminalSettings {
        var settings = cposix_tty_settings()
        try systemCall("read the settings of the tty") { cposix_tty_get_settings(rawValue, &settings) }
        return TerminalSettings(settings)
    }

    /// Sets the tty to raw mode with these settings. Some drivers ignore what they do not support, or choose a bit rate
    /// nearby: read the settings again to see it.
    /// - Throws: ENOTTY if this is no tty, EINVAL if its driver refuses the settings.
    package func setTerminal(_ settings: TerminalSettings) throws(SystemError) {
        var settings = cposix_tty_settings(settings)
        try systemCall("set the tty to \(settings.speed) bits per second") {
            cposix_tty_set_settings(rawValue, &settings)
        }
    }

    /// The modem lines that are asserted.
    /// - Throws: ENOTTY or EINVAL if the tty has none, as a pty.
    package func modemLines() throws(SystemError) -> ModemLines {
        ModemLines(rawValue: try systemCall("read the modem lines of the tty") { cposix_tty_get_lines(rawValue) })
    }

    /// Asserts or releases modem lines of this computer.
    /// - Throws: ENOTTY or EINVAL if the tty has none, as a pty.
    package func setModemLines(_ lines: ModemLines, asserted areAsserted: Bool) throws(SystemError) {
        try systemCall("set the modem lines of the tty") {
            cposix_tty_set_lines(rawValue, lines.rawValue, areAsserted ? 1 : 0)
        }
    }

    /// Begins or ends a break. A pty takes it without effect.
    /// - Throws: ENOTTY if this is no tty.
    package func setBreak(_ isOn: Bool) throws(SystemError) {
        try systemCall("send a break on the tty") { cposix_tty_set_break(rawValue, isOn ? 1 : 0) }
    }
}

extension TerminalSettings {
    fileprivate init(_ settings: cposix_tty_settings) {
        let parity: UARTFrame.Parity =
            switch UInt8(bitPattern: settings.parity) {
            case UInt8(ascii: "O"): .odd
            case UInt8(ascii: "E"): .even
            case UInt8(ascii: "M"): .mark
            case UInt8(ascii: "S"): .space
            default: .none
            }
        let longStop: UARTFrame.StopBits = settings.data_bits == 5 ? .oneAndHalf : .two
        self.init(
            UARTFrame(
                bitRate: Int(settings.speed), dataBits: .init(Int(settings.data_bits)) ?? 8, parity: parity,
                stopBits: settings.has_long_stop != 0 ? longStop : .one),
            hasFlowControl: settings.has_flow_control != 0)
    }
}

extension cposix_tty_settings {
    fileprivate init(_ settings: TerminalSettings) {
        let parity: UInt8 =
            switch settings.frame.parity {
            case .none: UInt8(ascii: "N")
            case .odd: UInt8(ascii: "O")
            case .even: UInt8(ascii: "E")
            case .mark: UInt8(ascii: "M")
            case .space: UInt8(ascii: "S")
            }
        self.init(
            speed: Int32(clamping: settings.frame.bitRate), data_bits: Int32(settings.frame.dataBits.value),
            parity: CChar(bitPattern: parity), has_long_stop: settings.frame.stopBits == .one ? 0 : 1,
            has_flow_control: settings.hasFlowControl ? 1 : 0)
    }
}
