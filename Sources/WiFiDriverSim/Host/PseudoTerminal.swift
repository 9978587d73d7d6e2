import CPosix
import Glibc

/// A pseudo-terminal whose slave clients open as a serial port.
package final class PseudoTerminal {
    package let master: FileDescriptor
    /// The slave's path, as `/dev/pts/4`.
    package let path: String
    /// Keeps the master from hanging up while no client has the slave open.
    private var slave: FileDescriptor?

    /// Makes one that only its owner can open, raw, 8N1.
    package init(speed: Int) throws(SystemError) {
        let master = FileDescriptor(owning: try systemCall("open /dev/ptmx") { cposix_open_pty_master() })
        var name = [CChar](repeating: 0, count: 64)
        let result = ptsname_r(master.rawValue, &name, name.count)
        if result != 0 { throw SystemError("ptsname", code: result) }
        self.master = master
        path = name.withUnsafeBufferPointer { $0.baseAddress.map(String.init(cString:)) ?? "" }
        try holdSlave()
        try systemCall("chmod \(path)") { chmod(path, 0o600) }
        if let slave { try systemCall("set \(path) raw") { cposix_tty_set_raw(slave.rawValue, Int32(speed)) } }
    }

    /// Opens the slave, so that nobody's close hangs up the master.
    package func holdSlave() throws(SystemError) {
        guard slave == nil else { return }
        slave = FileDescriptor(
            owning: try systemCall("open \(path)") { cposix_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) })
    }

    /// Leaves the slave to the clients: the last one's close will show.
    package func releaseSlave() { slave = nil }

    /// Drops what was written and nobody has read.
    package func discardOutput() {
        // The slave's input is the master's output.
        if let slave { tcflush(slave.rawValue, TCIFLUSH) }
    }
}
