import WiFiSimValues

extension Payload {
    /// A payload as it is recorded: long data is a reference, preceded by the header that announces the data.
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
