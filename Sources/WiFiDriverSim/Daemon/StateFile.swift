import FoundationEssentials
import WiFiSimHost
import WiFiSimModule

/// The file that keeps the flash of one module.
struct StateFile {
    /// The path as the user gave it, for messages.
    let path: String
    /// The path of the file itself, if `path` is a symbolic link.
    private let file: String
    private let firmware: Firmware

    init(path: String, firmware: Firmware) throws(SystemError) {
        self.path = path
        self.firmware = firmware
        file = try Files.canonicalPath(of: path)
    }

    private struct Content: Codable {
        var profile: String
        var settings: Settings
    }

    /// Reads the settings; `nil` if the file does not exist.
    func load() throws -> Settings? {
        Files.removeLeftovers(of: file)
        guard Files.exists(file) else { return nil }
        let content: Content
        do {
            content = try JSONDecoder().decode(Content.self, from: Data(try Files.read(file)))
        } catch let error as SystemError {
            throw error
        } catch let error as DecodingError {
            throw mistake(error.placeAndReason ?? "is not a state file of wifisim")
        } catch {
            throw mistake("is not a state file of wifisim")
        }
        guard content.profile == firmware.name else {
            throw StateFileError(
                path: path,
                reason:
                    "holds the flash of profile \(content.profile), not \(firmware.name); name another file or profile")
        }
        if let reason = content.settings.mistake(for: firmware) { throw mistake("settings.\(reason)") }
        return content.settings
    }

    private func mistake(_ reason: String) -> StateFileError {
        StateFileError(path: path, reason: "\(reason); move the file away to start with factory settings")
    }

    func save(_ settings: Settings) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let data = try encoder.encode(Content(profile: firmware.name, settings: settings))
        try Files.write(Array(data) + Array("\n".utf8), to: file, .secret)
    }
}

extension DecodingError {
    /// The place in the JSON and the reason; `nil` if the error concerns the whole text.
    fileprivate var placeAndReason: String? {
        let (path, reason): ([any CodingKey], String)
        switch self {
        case .dataCorrupted(let context): (path, reason) = (context.codingPath, context.debugDescription)
        case .keyNotFound(let key, let context): (path, reason) = (context.codingPath + [key], "is missing")
        case .valueNotFound(_, let context): (path, reason) = (context.codingPath, "must not be null")
        case .typeMismatch(_, let context): (path, reason) = (context.codingPath, "has the wrong type")
        @unknown default: return nil
        }
        return path.isEmpty ? nil : "\(JSONPlace.text(of: path)): \(reason)"
    }
}

/// A state file that cannot be used.
public struct StateFileError: Error, CustomStringConvertible {
    /// The path as the user gave it.
    public let path: String
    /// What is wrong, and what to do.
    public let reason: String
    /// The message: path and reason.
    public var description: String { "\(path): \(reason)" }
}
