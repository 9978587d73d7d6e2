/// A module in the same process, for a driver that is not told where its module is.
public enum EmbeddedModule {
    /// This build has none.
    struct Missing: Error, CustomStringConvertible {
        var description: String { "no module is built in: set WIFISIM_TTY to the line of one" }
    }

    /// Starts a module on a thread of its own and returns the client's end of its line; the module ends when it is closed.
    public static func start(profile: String?, worldPath: String?) throws -> Int32 { throw Missing() }
}
