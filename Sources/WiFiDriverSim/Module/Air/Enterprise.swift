/// Who may join an enterprise network, and how: what an access point's authentication server knows, or a station brings.
public struct Enterprise: Codable, Equatable, Sendable {
    public var method: Method
    /// Of the outer exchange.
    public var identity: String
    /// Of the inner exchange, which EAP-TLS has not: both are empty there.
    public var username: String
    public var password: String

    /// Raw values are CWJEAP's `<method>` (ESP-AT docs, Wi-Fi, CWJEAP).
    public enum Method: Int, Codable, Sendable, CaseIterable {
        case tls, peap, ttls

        /// The word for it in a world file.
        public var name: String {
            switch self {
            case .tls: "tls"
            case .peap: "peap"
            case .ttls: "ttls"
            }
        }
    }

    /// In bytes (ESP-AT docs, Wi-Fi, CWJEAP).
    static let longestText = 32

    public init(method: Method, identity: String, username: String = "", password: String = "") {
        self.method = method
        self.identity = identity
        self.username = method == .tls ? "" : username
        self.password = method == .tls ? "" : password
    }
}
