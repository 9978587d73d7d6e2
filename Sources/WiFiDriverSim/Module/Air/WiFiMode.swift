/// The active interfaces of a radio. Raw values are those of CWMODE.
enum WiFiMode: Int, Codable, Sendable {
    case off, station, softAP, both

    var hasStation: Bool { self == .station || self == .both }
    var hasSoftAP: Bool { self == .softAP || self == .both }
}
