/// Joins the bytes on one module's serial line into lines as a reader expects them. Clients often write single bytes,
/// and the module echoes each at once.
///
/// The host's bytes wait for a line end, for module output other than their echo, or for `patience`. The module's bytes
/// are cut at line ends and around announced data. Sans-IO: bytes and times go in through `add` and `advance`, entries
/// come out.
package struct LineJoiner {
    /// Bytes that passed in one direction, and when the last of them passed.
    package struct Entry: Equatable {
        package let direction: LineDirection
        package let bytes: [UInt8]
        package let at: Instant
    }

    /// The host's bytes that no entry contains yet.
    private var host: [UInt8] = []
    /// The module's echo of the host's line that no entry contains yet.
    private var echo: [UInt8] = []
    private var lastAt = Instant.zero
    /// The longest time that bytes wait for the rest of their line.
    static let patience = Duration.milliseconds(20)
    /// In bytes: a longer line of the host does not wait for its end.
    private static let longestWait = 64 * 1024

    package init() {}

    /// When `advance` has something to return; `nil` if nothing waits.
    package var nextDeadline: Instant? { host.isEmpty && echo.isEmpty ? nil : lastAt + Self.patience }

    /// Adds bytes that passed on the line.
    /// - Returns: the entries that they complete, in the order of the line.
    package mutating func add(_ bytes: UnsafeRawBufferPointer, _ direction: LineDirection, at now: Instant) -> [Entry] {
        var entries: [Entry] = []
        switch direction {
        case .toModule:
            if host.isEmpty { entries = flush() }
            host += bytes
            lastAt = now
            if host.last == UInt8(ascii: "\n") || host.count > Self.longestWait { entries += flushHost() }
        case .toHost:
            var said = echo + bytes
            if !host.isEmpty {
                if host.starts(with: said) {
                    echo = said
                    lastAt = now
                    return []
                }
                // Other output interrupts the host's line.
                entries = flush()
                said = Array(bytes)
            }
            echo = []
            entries += LineCutter.pieces(of: said).map { Entry(direction: .toHost, bytes: $0, at: now) }
        }
        return entries
    }

    /// Returns the entries whose wait is over.
    package mutating func advance(to now: Instant) -> [Entry] {
        if let deadline = nextDeadline, deadline <= now { flush() } else { [] }
    }

    /// Returns all that waits.
    package mutating func flush() -> [Entry] {
        var entries = flushHost()
        if !echo.isEmpty { entries.append(Entry(direction: .toHost, bytes: echo, at: lastAt)) }
        echo = []
        return entries
    }

    private mutating func flushHost() -> [Entry] {
        guard !host.isEmpty else { return [] }
        defer { host = [] }
        return [Entry(direction: .toModule, bytes: host, at: lastAt)]
    }
}
