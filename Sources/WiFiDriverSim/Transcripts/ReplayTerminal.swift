import CPosix
import Glibc
import WiFiSimDaemon
import WiFiSimHost
import WiFiSimValues

/// Plays the module's side of a transcript on a pseudo-terminal: what `wifisim replay` does.
///
/// Belongs to the thread that made it.
package final class ReplayTerminal {
    private let loop: EventLoop
    private let terminal: PseudoTerminal
    private var replay: ModuleReplay
    private var link: TerminalLink?
    private var output = ByteQueue()
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    private var hasClient = false
    /// The replay goes on when the client closes the tty, which may open it again.
    private let outlivesClient: Bool
    private var isStopped = false

    package var terminalPath: String { terminal.path }

    /// Makes the pseudo-terminal.
    /// - Parameters:
    ///   - replay: what is played.
    ///   - linkPath: a symbolic link to the tty.
    ///   - outlivesClient: when the client closes the tty, the replay waits for the next one.
    /// - Throws: `SystemError` or `TerminalLinkError` if that cannot be made.
    package init(_ replay: ModuleReplay, linkPath: String? = nil, outlivesClient: Bool = false) throws {
        self.replay = replay
        self.outlivesClient = outlivesClient
        loop = try EventLoop()
        terminal = try PseudoTerminal(speed: UARTConfiguration().baud.value)
        link = try linkPath.map { try TerminalLink(at: $0, to: terminal.path) }
        try loop.watch(terminal.master, for: .read) { [unowned self] readiness in
            if readiness.canRead || readiness.hasHungUp { _ = readLine() }
            writeLine()
        }
    }

    deinit { link?.remove() }

    /// Runs until the client has gone, unless the replay outlives it, the session diverges, or a signal comes for which
    /// `onSignal` says so.
    /// - Returns: the first divergence.
    package func run(until signals: SignalWatch, onSignal: @escaping (Int32) -> Bool = { _ in true }) throws
        -> Divergence?
    {
        try signals.watch(on: loop) { [unowned self] signal in
            if onSignal(signal) { isStopped = true }
        }
        while !isStopped, replay.divergence == nil {
            replay.advance(to: loop.now)
            writeLine()
            try loop.wait(until: replay.nextDeadline)
        }
        // What the client has sent before it ended still counts.
        while replay.divergence == nil, readLine() {}
        return replay.finish()
    }

    /// - Returns: whether there was something.
    private func readLine() -> Bool {
        let transfer = buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(SystemError) in try terminal.master.read(into: bytes) }
        }
        switch transfer {
        case .success(.done(let count)):
            // From now on its close can be seen.
            if !hasClient { terminal.releaseSlave() }
            hasClient = true
            replay.receive(Array(buffer[..<count]), at: loop.now)
            return true
        case .success(.wouldBlock): return false
        case .success(.ended), .failure:
            clientLeft()
            return false
        }
    }

    private func clientLeft() {
        hasClient = false
        guard outlivesClient, (try? terminal.holdSlave()) != nil else { return isStopped = true }
        // What it has not read is lost, as on a line with nobody at its end.
        output.removeAll()
        terminal.discardOutput()
    }

    private func writeLine() {
        output.append(contentsOf: replay.takeOutput())
        while !output.isEmpty {
            let transfer = output.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try terminal.master.write(bytes) }
            }
            guard case .success(.done(let count)) = transfer, count > 0 else { break }
            output.removeFirst(count)
        }
        try? loop.update(terminal.master, for: output.isEmpty ? .read : .init(reads: true, writes: true))
    }
}
