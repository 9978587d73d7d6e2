import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// What a simulator runs.
public struct SimulatorOptions: Sendable {
    public var firmware = Firmware.standard
    public var world = World.standard
    /// Modules, 1 and up.
    public var count = 1
    /// Bits per second that the modules' UARTs have stored, 80 to 5,000,000; `nil` is what the flash says.
    public var baud: UARTConfiguration.Baud?
    /// Bytes take the time that the bit rate gives them.
    public var isPaced = false
    /// A symbolic link to the tty; with several modules, each link's name has the module's number behind.
    public var linkPath: String?
    /// Where the settings in flash survive; with several modules, each file's name has the module's number behind.
    public var statePath: String?
    /// The first module's own loopback address; each further module has the next.
    public var hostAddress: IPv4Address?
    public var forwards: [HostForward] = []
    /// Nothing but the host's loopback is reached.
    public var isRestricted = false
    /// Where the control socket is; `nil` makes none.
    public var controlPath: String?

    public init() {}
}

extension World {
    /// Reads a world file; docs/World.md describes it.
    /// - Throws: `SystemError` if it cannot be read, `WorldFileError` if it is wrong.
    public static func load(_ path: String) throws -> World {
        try WorldFile(text: String(decoding: Files.read(path), as: UTF8.self), path: path).world
    }
}
