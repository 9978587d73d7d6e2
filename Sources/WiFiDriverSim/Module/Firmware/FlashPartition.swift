/// A flash partition for the host's data (ESP-AT, module_config/…/at_customize.csv).
struct FlashPartition: Sendable {
    let name: String
    let type: Int
    let subtype: Int
    let address: Int
    let size: Int

    /// Whether it holds the values of the manufacturing NVS: type data, subtype NVS.
    var isNVS: Bool { type == 1 && subtype == 2 }

    /// The unit of erasure in bytes.
    static let sectorSize = 4096
}
