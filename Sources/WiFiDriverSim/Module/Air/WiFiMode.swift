/// Which of its two interfaces a radio has on; raw values are CWMODE's.
enum WiFiMode: Int, Codable, Sendable {
    case off, station, softAP, both

    var hasStation: Bool { self == .station || self == .both }
    var hasSoftAP: Bool { self == .softAP || self == .both }
}
