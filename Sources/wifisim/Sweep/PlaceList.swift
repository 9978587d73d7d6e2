import Synchronization
import WiFiDriverSim

/// The places of a session at which a fault can happen, in the order of the session.
///
/// A file of them has a place on each line: the part of the exchange, the number of the occurrence, and the name of the
/// command or the begin of the report.
final class PlaceList: Sendable {
    private let places = Mutex<[FaultPlace]>([])

    func add(_ place: FaultPlace) { places.withLock { $0.append(place) } }

    func write(to path: String) throws(SystemError) {
        let text = places.withLock { $0.map { "\($0.phase.rawValue) \($0.number) \($0.name)\n" }.joined() }
        try Files.write(Array(text.utf8), to: path)
    }

    /// Reads a file of places. Lines that are not a place are left out.
    static func read(_ path: String) throws(SystemError) -> [SweepPlace] {
        String(decoding: try Files.read(path), as: UTF8.self).split(separator: "\n").compactMap { SweepPlace(String($0)) }
    }
}

/// A place of a session, as a sweep names it.
struct SweepPlace: Hashable {
    let phase: String
    let number: Int
    let name: String

    init?(_ line: String) {
        let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
        guard parts.count == 3, let number = Int(parts[1]) else { return nil }
        phase = parts[0]
        self.number = number
        name = parts[2]
    }

    var isReport: Bool { phase == "report" }

    /// The place for people: `CIPSEND 2 prompt`.
    var title: String { "\(name) \(number) \(phase)" }

    /// The begin of the fault's sentence.
    var trigger: String {
        let name = name.contains(" ") || name.contains("\"") ? "\"\(name.replacing("\"", with: "\\\""))\"" : name
        return "on \(isReport ? "report " : "")\(name) the \(number)\(Self.suffix(number)) time"
    }

    private static func suffix(_ number: Int) -> String {
        switch (number % 10, number % 100) {
        case (1, let last) where last != 11: "st"
        case (2, let last) where last != 12: "nd"
        case (3, let last) where last != 13: "rd"
        default: "th"
        }
    }
}
