/// Joins the bytes on one module's line to what a person reads as lines: clients write theirs in pieces, often one byte at
/// a time, and the module repeats each at once.
///
/// The host's bytes wait for a line's end, for the module to say something else than their echo, or for `patience`. The
/// module's are cut at their line ends, and around the data that they announce. Sans-IO.
package struct LineJoiner {
    /// What passed in one direction, up to a point in time.
    package struct Entry: Equatable {
        package let direction: LineDirection
        package let bytes: [UInt8]
        package let at: Instant
    }

    /// What the host has sent and was not told yet.
    private var host: [UInt8] = []
    /// What the module has repeated of the host's line and was not told yet.
    private var echo: [UInt8] = []
    private var lastAt = Instant.zero
    /// Bytes that wait longer than this are told as they are.
    static let patience = Duration.milliseconds(20)
    private static let longestWait = 64 * 1024

    package init() {}

    /// When `advance` has something to tell.
    package var nextDeadline: Instant? { host.isEmpty && echo.isEmpty ? nil : lastAt + Self.patience }

    /// Takes bytes.
    /// - Returns: what is complete by them, in the order of the line.
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
                // It breaks into the host's line.
                entries = flush()
                said = Array(bytes)
            }
            echo = []
            entries += LineCutter.pieces(of: said).map { Entry(direction: .toHost, bytes: $0, at: now) }
        }
        return entries
    }

    /// Tells what has waited long enough by now.
    package mutating func advance(to now: Instant) -> [Entry] {
        if let deadline = nextDeadline, deadline <= now { flush() } else { [] }
    }

    /// Tells all that waits.
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
