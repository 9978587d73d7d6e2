import WiFiSimDaemon
import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// Reads and writes transcripts and the files that they refer to.
extension Transcript {
    /// Reads a transcript file.
    /// - Throws: `SystemError` if it cannot be read, `TranscriptError` if it is invalid.
    public init(contentsOf path: String) throws {
        self = try TranscriptParser.parse(try Files.read(path), file: path)
    }

    /// How a transcript names a world file: relative to the transcript's folder if the file is in it or below, absolute
    /// otherwise.
    static func pathOfWorld(_ world: String, inTranscript transcript: String) throws(SystemError) -> String {
        let world = try Files.canonicalPath(of: world)
        let folder =
            try Files.canonicalPath(of: transcript).split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/"
        return world.hasPrefix(folder) ? String(world.dropFirst(folder.count)) : world
    }

    /// Writes the transcript to a file, completely or not at all.
    /// - Throws: `SystemError` if the file cannot be written.
    public func write(to path: String) throws(SystemError) {
        try Files.write(Array(description.utf8), to: path)
    }
}

extension Transcript.Script {
    /// Reads a transcript, its world and the files that it refers to.
    /// - Throws: `SystemError` if a file cannot be read; `TranscriptError` or `WorldFileError` if one is invalid.
    public init(contentsOf path: String) throws {
        self.init(try Transcript(contentsOf: path))
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        if let file = transcript.header.world { world = try World.load(file.hasPrefix("/") ? file : folder + file) }
        for (event, line) in transcript.events {
            for case .reference(let reference) in event.payloads.flatMap(\.pieces) {
                guard let file = reference.path else { continue }
                let bytes = try contents[file] ?? Files.read(folder + file)
                guard Payload.Reference(bytes, path: file) == reference else {
                    throw TranscriptError(
                        file: path, line: line, column: 1,
                        reason:
                            "\(file) has \(bytes.count) bytes with the digest \(SHA256.hexDigest(of: bytes)): another file than was recorded"
                    )
                }
                contents[file] = bytes
            }
        }
    }
}

extension Transcript.Event {
    /// The payloads that are sent or expected in this event.
    var payloads: [Payload] {
        switch self {
        case .host(let payload), .peer(_, .sends(let payload)), .peer(_, .receives(let payload)): [payload]
        case .module(let expectation): [expectation.payload]
        case .unordered(let items): items.map(\.payload)
        case .wait, .quiet, .baud, .reset, .pin, .power, .peer, .name, .world: []
        }
    }
}
