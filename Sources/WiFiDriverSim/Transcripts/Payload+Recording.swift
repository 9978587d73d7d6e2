import WiFiSimValues

extension Payload {
    /// Makes the payload that a recording writes for these bytes. Of long data it writes the header, and a reference to the
    /// rest.
    init(recording bytes: [UInt8]) {
        guard bytes.count > LongData.threshold else {
            self.init(bytes)
            return
        }
        let header =
            bytes.prefix(LongData.headLength).firstIndex(of: UInt8(ascii: ":")).map { Array(bytes[...$0]) } ?? []
        let data = Piece.reference(Reference(Array(bytes.dropFirst(header.count))))
        self.init(header.isEmpty ? [data] : [.bytes(header), data])
    }
}
