import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// The options of a `Simulator`.
public struct SimulatorOptions: Sendable {
    /// The firmware of all modules.
    public var firmware = Firmware.standard
    /// The access points, names and their timeline.
    public var world = World.standard
    /// The number of modules, 1 or more.
    public var count = 1
    /// The stored bit rate of the modules' UARTs, 80 to 5,000,000 bits per second; `nil` keeps the value in the flash.
    public var baud: UARTConfiguration.Baud?
    /// Where the modules' ends of their lines are. With several modules, each has the next port or, for a Unix domain
    /// socket, a path with its number appended.
    public var line = LineAddress.pty
    /// The modem lines of the host that reset the module, on an RFC 2217 line or a tty. `nil` is those of the common boards
    /// on RFC 2217, and none on a tty.
    public var resetLine: ResetLine?
    /// True if bytes take the time that the bit rate gives them.
    public var isPaced = false
    /// True if the lines behave like UARTs, with bit rates, buffers and flow control. They are paced then.
    public var isUART = false
    /// The path of a symbolic link to the tty. With several modules, the module's number is appended to the path.
    public var linkPath: String?
    /// The path of the file that keeps the module's flash. With several modules, the module's number is appended to the
    /// path.
    public var statePath: String?
    /// The first module's own loopback address on the computer; each further module has the next address. `nil` is
    /// 127.0.0.1 for all.
    public var hostAddress: IPv4Address?
    /// Ports of the computer that lead to ports of the first module.
    public var forwards: [HostForward] = []
    /// True if the modules reach nothing but the computer's loopback.
    public var isRestricted = false
    /// How fast the simulator's time passes: boots, joins, time-outs and latencies. The host's time stays real.
    public var speed = LoopSpeed.real
    /// True if the modules take no time to boot.
    public var bootsInstantly = false
    /// Faults of all modules, besides those of the world.
    public var faults: [Fault] = []
    /// Determines what faults choose at random, in each module otherwise.
    public var seed: UInt64 = 0
    /// Called, on the simulator's thread, with each place of the first module's session at which a fault can happen.
    package var onPlace: (@Sendable (FaultPlace) -> Void)?
    /// Called, on the simulator's thread, with each fault of the first module when it happens.
    package var onFault: (@Sendable (Fault) -> Void)?
    /// The path of the control socket; `nil` makes none.
    public var controlPath: String?

    /// One module with the standard firmware in the standard world.
    public init() {}
}

extension World {
    /// Reads a world file (docs/World.md).
    /// - Throws: `SystemError` if the file cannot be read, `WorldFileError` if its content is invalid.
    public static func load(_ path: String) throws -> World {
        try WorldFile(text: String(decoding: Files.read(path), as: UTF8.self), path: path).world
    }
}
