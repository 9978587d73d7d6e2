/// The changes that a host has made to its flash partitions, including certificates and keys. Unchanged factory data is
/// not included.
struct UserData: Codable, Equatable, Sendable {
    /// The manufacturing NVS: namespaces, and the values in them by key.
    var values: [String: [String: Change]] = [:]
    /// Raw partitions by name, each up to its last byte that is not erased.
    var partitions: [String: FlashBytes] = [:]

    struct Change: Codable, Equatable, Sendable {
        /// `nil` if the factory value was erased.
        var value: StoredValue?
    }
}

/// A value of the manufacturing NVS.
enum StoredValue: Codable, Equatable, Sendable {
    case number(NumberType, Int)
    case string(FlashBytes)
    case binary(FlashBytes)

    /// ESP-AT docs, Basic, SYSMFG, `<type>`.
    enum NumberType: Int, Codable, Sendable {
        case u8 = 1, i8, u16, i16, u32, i32

        var range: ClosedRange<Int> {
            switch self {
            case .u8: 0...0xFF
            case .i8: -0x80...0x7F
            case .u16: 0...0xFFFF
            case .i16: -0x8000...0x7FFF
            case .u32: 0...0xFFFF_FFFF
            case .i32: -0x8000_0000...0x7FFF_FFFF
            }
        }

        var size: Int {
            switch self {
            case .u8, .i8: 1
            case .u16, .i16: 2
            case .u32, .i32: 4
            }
        }
    }

    static let stringType = 7
    static let binaryType = 8

    var type: Int {
        switch self {
        case .number(let type, _): type.rawValue
        case .string: Self.stringType
        case .binary: Self.binaryType
        }
    }

    /// The bytes of a string or binary value. `nil` for a number.
    var bytes: [UInt8]? {
        switch self {
        case .number: nil
        case .string(let bytes), .binary(let bytes): bytes.bytes
        }
    }
}

/// Bytes that a state file shows as text if they are text, as certificates are.
struct FlashBytes: Codable, Equatable, Sendable {
    var bytes: [UInt8]

    private enum CodingKeys: CodingKey { case text, hex }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let text = try container.decodeIfPresent(String.self, forKey: .text) {
            bytes = Array(text.utf8)
        } else {
            let hex = try container.decode(String.self, forKey: .hex)
            guard let decoded = [UInt8](hex: hex) else {
                throw DecodingError.dataCorruptedError(forKey: .hex, in: container, debugDescription: "not hexadecimal")
            }
            bytes = decoded
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if bytes.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x0D }) {
            try container.encode(String(decoding: bytes, as: UTF8.self), forKey: .text)
        } else {
            try container.encode(bytes.hex, forKey: .hex)
        }
    }
}

extension [UInt8] {
    /// Two digits for each byte. `nil` for any other text.
    init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16),
                digits[index] != UInt8(ascii: "+")
            else { return nil }
            bytes.append(byte)
        }
        self = bytes
    }

    var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

/// The certificates and keys in the flash, by purpose.
enum Credential: String, CaseIterable, Sendable {
    case clientAuthority = "client_ca"
    case clientCertificate = "client_cert"
    case clientKey = "client_key"
    case serverAuthority = "server_ca"
    case serverCertificate = "server_cert"
    case serverKey = "server_key"

    /// The factory values, by index.
    var factory: [String] {
        switch self {
        case .clientAuthority: [FactoryCertificates.authority0, FactoryCertificates.authority1]
        case .clientCertificate: [FactoryCertificates.client0, FactoryCertificates.client1]
        case .clientKey: [FactoryCertificates.client0Key, FactoryCertificates.client1Key]
        case .serverAuthority: [FactoryCertificates.authority0]
        case .serverCertificate: [FactoryCertificates.server]
        case .serverKey: [FactoryCertificates.serverKey]
        }
    }

    /// The names in the manufacturing NVS. A credential with a single value has no number in its name (ESP-AT,
    /// customized_partitions/generation_tools/mfg_nvs.py).
    var keys: [String] { factory.count == 1 ? [rawValue] : factory.indices.map { "\(rawValue).\($0)" } }
}

extension UserData {
    /// The factory content of the manufacturing NVS.
    static let factoryValues: [String: [String: StoredValue]] = {
        var values: [String: [String: StoredValue]] = [:]
        for credential in Credential.allCases {
            for (key, text) in zip(credential.keys, credential.factory) {
                values[credential.rawValue, default: [:]][key] = .binary(FlashBytes(Array(text.utf8)))
            }
        }
        return values
    }()

    /// The values of a namespace, by key.
    func values(in namespace: String) -> [String: StoredValue] {
        var all = Self.factoryValues[namespace] ?? [:]
        for (key, change) in values[namespace] ?? [:] { all[key] = change.value }
        return all
    }

    /// The namespaces that contain values.
    var namespaces: [String] {
        Set(Self.factoryValues.keys).union(values.keys).filter { !values(in: $0).isEmpty }.sorted()
    }

    /// Writes a value, or erases it with `nil`.
    mutating func set(_ key: String, in namespace: String, to value: StoredValue?) {
        let factory = Self.factoryValues[namespace]?[key]
        values[namespace, default: [:]][key] = value == factory ? nil : Change(value: value)
        if values[namespace]?.isEmpty == true { values[namespace] = nil }
    }

    /// The certificate or key with this number. Empty if there is none. `isInNVS` selects the manufacturing NVS,
    /// otherwise a partition for each kind.
    func credential(_ credential: Credential, _ number: Int = 0, isInNVS: Bool) -> [UInt8] {
        guard isInNVS else { return credential.item(number, in: content(of: credential.rawValue)) }
        let stored = values(in: credential.rawValue)
        return (stored["\(credential.rawValue).\(number)"] ?? (number == 0 ? stored[credential.rawValue] : nil))?.bytes
            ?? []
    }
}
