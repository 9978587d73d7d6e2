/// A partition of the flash that is the host's own (ESP-AT, module_config/…/at_customize.csv).
struct FlashPartition: Sendable {
    let name: String
    let type: Int
    let subtype: Int
    let address: Int
    let size: Int

    /// Data of type NVS, whose content is the manufacturing NVS's values.
    var isNVS: Bool { type == 1 && subtype == 2 }

    /// What is erased at once, in bytes.
    static let sectorSize = 4096
}
