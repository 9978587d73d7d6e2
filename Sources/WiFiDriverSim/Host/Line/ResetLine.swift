/// Which modem lines of the host reset the module: the value of `--reset-line`.
public enum ResetLine: String, Sendable, CaseIterable {
    /// As the two transistors of the common boards: EN is low while RTS is asserted and DTR is not. A client that opens
    /// the port with both asserted resets nothing (esptool docs, Boot Mode Selection, automatic bootloader).
    case board
    /// RTS, while it is asserted.
    case rts
    /// DTR, while it is asserted.
    case dtr
    /// None.
    case nothing = "none"

    /// True if the module is held in reset.
    package func isHeld(rts: Bool, dtr: Bool) -> Bool {
        switch self {
        case .board: rts && !dtr
        case .rts: rts
        case .dtr: dtr
        case .nothing: false
        }
    }
}
