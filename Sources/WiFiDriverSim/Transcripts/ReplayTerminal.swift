import CPosix
import Glibc
import WiFiSimDaemon
import WiFiSimHost
import WiFiSimValues

/// Plays the module's side of a transcript on a line. This is what `wifisim replay` does.
///
/// Belongs to the thread that made it.
package final class ReplayTerminal {
    private let loop: EventLoop
    private let line: any ModuleLine
    private var replay: ModuleReplay
    private var link: TerminalLink?
    private var output = ByteQueue()
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    /// True if the replay continues when the client closes the tty. The client may then open it again.
    private let outlivesClient: Bool
    private var isStopped = false

    /// How a client opens the line.
    package var lineName: String { line.name }

    /// Makes the line.
    /// - Parameters:
    ///   - replay: the replay to play.
    ///   - lineAddress: where the line is.
    ///   - linkPath: the path of a symbolic link to the tty; `nil` makes none.
    ///   - outlivesClient: true to wait for another client when the client closes the tty.
    /// - Throws: `SystemError`, or `TerminalLinkError` if the link cannot be made.
    package init(
        _ replay: ModuleReplay, line lineAddress: LineAddress = .pty, linkPath: String? = nil,
        outlivesClient: Bool = false
    ) throws {
        self.replay = replay
        self.outlivesClient = outlivesClient
        loop = try EventLoop()
        line = try lineAddress.open(speed: UARTConfiguration().baud.value, resetLine: .nothing, on: loop)
        link = try linkPath.map { try TerminalLink(at: $0, to: line.name) }
        try line.start(
            LineHandlers(
                onReady: { [unowned self] readiness in
                    if readiness.canRead || readiness.hasHungUp { readAvailable() }
                    writeLine()
                }, onSignal: { [unowned self] in if $0 == .purgeOutput { output.removeAll() } }))
    }

    deinit {
        link?.remove()
        line.close()
    }

    /// Runs until the client closes the tty (unless the replay outlives its clients), the session diverges, or a signal
    /// arrives for which `onSignal` returns true.
    /// - Returns: the first divergence; `nil` if there is none.
    /// - Throws: `SystemError` if the event loop fails.
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
        // Bytes that the client sent before it ended still count.
        while replay.divergence == nil, readLine() {}
        return replay.finish()
    }

    private func readAvailable() {
        repeat { _ = readLine() } while line.hasPendingInput && !isStopped
    }

    /// Reads from the client.
    /// - Returns: true if there were bytes.
    private func readLine() -> Bool {
        let transfer = buffer.withUnsafeMutableBytes { bytes in
            Result { () throws(SystemError) in try line.read(into: bytes) }
        }
        switch transfer {
        case .success(.done(let count)):
            replay.receive(Array(buffer[..<count]), at: loop.now)
            return true
        case .success(.wouldBlock): return false
        case .success(.ended), .failure:
            clientLeft()
            return false
        }
    }

    private func clientLeft() {
        guard outlivesClient else { return isStopped = true }
        // Unread output is lost, as on a line with nothing connected.
        output.removeAll()
        if (try? line.clientEnded()) != true { isStopped = true }
    }

    private func writeLine() {
        output.append(contentsOf: replay.takeOutput())
        while !output.isEmpty, line.takesOutput {
            let transfer = output.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try line.write(bytes) }
            }
            guard case .success(.done(let count)) = transfer, count > 0 else { break }
            output.removeFirst(count)
        }
        line.update(for: output.isEmpty ? .read : .init(reads: true, writes: true))
    }
}
