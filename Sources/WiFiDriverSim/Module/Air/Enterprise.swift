/// An account of an enterprise network, as an authentication server accepts it or a station presents it.
public struct Enterprise: Codable, Equatable, Sendable {
    /// The EAP method.
    public var method: Method
    /// The identity of the outer exchange.
    public var identity: String
    /// The account of the inner exchange. EAP-TLS has none; both are empty there.
    public var username: String
    /// The password of the inner exchange.
    public var password: String

    /// Raw values are CWJEAP's `<method>` (ESP-AT docs, Wi-Fi, CWJEAP).
    public enum Method: Int, Codable, Sendable, CaseIterable {
        case tls, peap, ttls

        /// The value in a world file.
        public var name: String {
            switch self {
            case .tls: "tls"
            case .peap: "peap"
            case .ttls: "ttls"
            }
        }
    }

    /// The limit of each text in bytes (ESP-AT docs, Wi-Fi, CWJEAP).
    static let longestText = 32

    /// Creates an account. With EAP-TLS, `username` and `password` are ignored.
    public init(method: Method, identity: String, username: String = "", password: String = "") {
        self.method = method
        self.identity = identity
        self.username = method == .tls ? "" : username
        self.password = method == .tls ? "" : password
    }
}
