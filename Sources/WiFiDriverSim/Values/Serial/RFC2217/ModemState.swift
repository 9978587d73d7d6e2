/// The lines from the device, with the bits of NOTIFY-MODEMSTATE (RFC 2217, section 3).
package struct ModemState: OptionSet, Sendable {
    package let rawValue: UInt8

    /// Keeps the four lines of `rawValue` and drops the bits that say which of them have changed.
    package init(rawValue: UInt8) { self.rawValue = rawValue & 0xF0 }

    /// CTS.
    package static let clearToSend = ModemState(rawValue: 16)
    /// DSR.
    package static let dataSetReady = ModemState(rawValue: 32)
    /// RI.
    package static let ringIndicator = ModemState(rawValue: 64)
    /// DCD.
    package static let carrierDetect = ModemState(rawValue: 128)

    /// The bits that say which lines have changed since `earlier`. That of RI means the end of a ring.
    func changes(since earlier: ModemState) -> UInt8 {
        var changed = symmetricDifference(earlier)
        if contains(.ringIndicator) { changed.remove(.ringIndicator) }
        return changed.rawValue >> 4
    }
}
