import WiFiSimHost

/// A symbolic link to a tty, under a name that stays the same from run to run.
package final class TerminalLink {
    let path: String
    private let target: String

    /// Makes the link. One to a tty, as a run that was killed leaves behind, is replaced; anything else is left alone.
    package init(at path: String, to target: String) throws {
        self.path = path
        self.target = target
        if let old = Files.linkTarget(path) {
            guard old.hasPrefix("/dev/pts/") else { throw TerminalLinkError(path: path, reason: "is a link to \(old)") }
            try Files.unlink(path)
        } else if Files.exists(path) {
            throw TerminalLinkError(path: path, reason: "exists and is not a link")
        }
        do throws(SystemError) {
            try Files.makeLink(at: path, to: target)
        } catch {
            throw TerminalLinkError(path: path, reason: error.explanation)
        }
    }

    /// Removes the link, unless it leads elsewhere by now.
    package func remove() {
        if Files.linkTarget(path) == target { Files.remove(path) }
    }
}

/// A `--link` that cannot be made.
public struct TerminalLinkError: Error, CustomStringConvertible {
    public let path: String
    public let reason: String
    public var description: String { "\(path): \(reason); a link is only made where nothing is, or a link to a tty" }
}
