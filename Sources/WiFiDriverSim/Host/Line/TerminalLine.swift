import WiFiSimValues

/// A line on a pseudo-terminal. Clients open and close the tty; output waits for the next one.
package final class TerminalLine: ModuleLine {
    private let terminal: PseudoTerminal
    private let loop: EventLoop
    private var watch: LineWatch?
    /// True while a client is known to have the terminal open: it has written since the last hang-up.
    private var hasClient = false

    /// Makes a pseudo-terminal. `speed` is in bits per second.
    package init(speed: Int, on loop: EventLoop) throws(SystemError) {
        terminal = try PseudoTerminal(speed: speed)
        self.loop = loop
    }

    package var name: String { terminal.path }

    package var hostSettings: TerminalSettings? { try? terminal.master.terminalSettings() }

    package func start(_ handlers: LineHandlers) throws(SystemError) {
        watch = try LineWatch(terminal.master, for: .read, on: loop, handler: handlers.onReady)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        let transfer = try terminal.master.read(into: buffer)
        if !hasClient, case .done = transfer {
            // The first bytes show that a client has the terminal open. From now on its close is visible.
            hasClient = true
            terminal.releaseSlave()
        }
        return transfer
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> FileDescriptor.Transfer {
        try terminal.master.write(bytes)
    }

    package func update(for interest: EventLoop.Interest) { watch?.update(for: interest) }

    /// The bytes that the client did not read are lost, as on a line with nothing connected.
    package func clientEnded() throws(SystemError) -> Bool {
        hasClient = false
        do throws(SystemError) {
            try terminal.holdSlave()
        } catch {
            watch?.end()
            throw error
        }
        terminal.discardOutput()
        return true
    }
}
