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
        let text = places.withLock { $0.map { "\($0)\n" }.joined() }
        try Files.write(Array(text.utf8), to: path)
    }

    /// Reads a file of places. Lines that are not a place are left out.
    static func read(_ path: String) throws(SystemError) -> [FaultPlace] {
        String(decoding: try Files.read(path), as: UTF8.self).split(separator: "\n").compactMap {
            FaultPlace(String($0))
        }
    }
}
