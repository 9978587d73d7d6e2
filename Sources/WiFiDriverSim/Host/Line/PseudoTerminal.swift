import CPosix
import Glibc

/// A pseudo-terminal whose slave clients open like a serial port.
package final class PseudoTerminal {
    package let master: FileDescriptor
    /// The path of the slave, for example `/dev/pts/4`.
    package let path: String
    /// Held open to keep the master from hanging up while no client has the slave open.
    private var slave: FileDescriptor?

    /// Makes a raw 8N1 pseudo-terminal that only its owner can open. `speed` is in bits per second.
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

    /// Opens the slave, so that a client's close does not hang up the master.
    package func holdSlave() throws(SystemError) {
        guard slave == nil else { return }
        slave = FileDescriptor(
            owning: try systemCall("open \(path)") { cposix_open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) })
    }

    /// Closes the slave, so that the close of the last client is visible.
    package func releaseSlave() { slave = nil }

    /// Drops the written bytes that no client has read.
    package func discardOutput() {
        // The slave's input is the master's output.
        if let slave { tcflush(slave.rawValue, TCIFLUSH) }
    }
}
