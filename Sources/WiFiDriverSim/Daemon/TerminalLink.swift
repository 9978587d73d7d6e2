import WiFiSimHost

/// A symbolic link to a tty, so that the tty has the same name in every run.
package final class TerminalLink {
    let path: String
    private let target: String

    /// Makes the link. Replaces a link to a tty, as a killed run leaves behind. Leaves anything else alone.
    /// - Throws: `TerminalLinkError` if something else exists at `path`, or the link cannot be made.
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

    /// Removes the link if it still leads to this tty.
    package func remove() {
        if Files.linkTarget(path) == target { Files.remove(path) }
    }
}

/// A `--link` that cannot be made.
public struct TerminalLinkError: Error, CustomStringConvertible {
    /// The path of the link.
    public let path: String
    /// What is wrong.
    public let reason: String
    /// The message: path, reason and rule.
    public var description: String { "\(path): \(reason); a link replaces nothing but a link to a tty" }
}
