@testable import WiFiSimValues

/// A fault of the line, at a byte that the module sends.
enum LineFault: Equatable, CaseIterable {
    /// The rest of the bytes at that instant is lost.
    case cut
    /// A different byte arrives.
    case garbled
    case lost
    case repeated
    /// The module restarts, as by its reset line.
    case reset
    /// For some time, nothing arrives in either direction.
    case silence

    /// Whether data may arrive changed, which no AT driver can detect.
    var damagesData: Bool {
        switch self {
        case .cut, .garbled, .lost, .repeated: true
        case .reset, .silence: false
        }
    }
}

/// Carries the module's bytes to the driver, in pieces of any size, with one fault at a chosen byte.
struct FaultyLine {
    /// The fault, and the number of bytes before it.
    var fault: (kind: LineFault, after: Int)?
    private(set) var silentUntil: Instant?
    /// Whether a fault is due that the module has to carry out.
    private(set) var wantsReset = false
    private(set) var hasDamaged = false
    private(set) var faultCount = 0
    /// The number of bytes that the module has sent.
    private(set) var count = 0

    static let silence = Duration.seconds(20)

    /// The bytes that arrive when the module sends `bytes`.
    mutating func pass(_ bytes: [UInt8], at now: Instant) -> [UInt8] {
        defer { count += bytes.count }
        if isSilent(at: now) { return [] }
        guard let (kind, after) = fault else { return bytes }
        guard after < bytes.count else {
            fault = (kind, after - bytes.count)
            return bytes
        }
        fault = nil
        faultCount += 1
        if kind.damagesData { hasDamaged = true }
        var passed = bytes
        switch kind {
        case .cut: return Array(bytes[..<after])
        case .garbled: passed[after] ^= 0x15
        case .lost: passed.remove(at: after)
        case .repeated: passed.insert(bytes[after], at: after)
        case .reset:
            wantsReset = true
            return Array(bytes[..<after])
        case .silence:
            silentUntil = now + Self.silence
            return Array(bytes[..<after])
        }
        return passed
    }

    func isSilent(at now: Instant) -> Bool { silentUntil.map { now < $0 } ?? false }

    mutating func takeReset() -> Bool {
        defer { wantsReset = false }
        return wantsReset
    }
}
