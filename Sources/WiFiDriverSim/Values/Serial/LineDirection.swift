/// The direction of bytes on a serial line, as seen from the module.
public enum LineDirection: Sendable {
    /// From the host to the module.
    case toModule
    /// From the module to the host.
    case toHost
}
