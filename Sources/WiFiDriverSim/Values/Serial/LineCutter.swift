/// Cuts a module's output where a reader would: at line ends, and around data that the output announces.
package enum LineCutter {
    /// The pieces of `bytes`. An empty line stays with the next line, so that `\r\nOK\r\n` is one piece.
    package static func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, pieceEnd(in: bytes, from: start) ?? bytes.count)
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    /// The number of bytes that form complete pieces, while more bytes may follow.
    package static func completeCount(of bytes: [UInt8]) -> Int {
        var start = 0
        while start < bytes.count, let end = pieceEnd(in: bytes, from: start), end <= bytes.count { start = end }
        return start
    }

    /// Where the piece at `start` ends, which may be beyond the available bytes; `nil` if more bytes are needed to
    /// know.
    private static func pieceEnd(in bytes: [UInt8], from start: Int) -> Int? {
        dataEnd(in: bytes, from: start) ?? lineEnd(in: bytes, from: start)
    }

    private static func lineEnd(in bytes: [UInt8], from start: Int) -> Int? {
        for index in start..<bytes.count where bytes[index] == 0x0A {
            let isEmptyLine = index == start || index == start + 1 && bytes[start] == 0x0D
            if !isEmptyLine { return index + 1 }
        }
        return nil
    }

    /// Where the data of `+IPD,[link,]length[,address,port]:` ends; `nil` if the bytes at `start` are not such a
    /// header.
    private static func dataEnd(in bytes: [UInt8], from start: Int) -> Int? {
        var position = start
        if bytes[position...].starts(with: [0x0D, 0x0A]) { position += 2 }
        guard bytes[position...].starts(with: "+IPD,".utf8) else { return nil }
        position += 5
        var fields: [Int?] = [0]
        var isQuoted = false
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ":") where !isQuoted:
                // An even number of fields includes the link; an address and port add two fields.
                let length = fields.count.isMultiple(of: 2) ? fields[1] : fields[0]
                guard let length, fields.count <= 4 else { return nil }
                return position + length
            case UInt8(ascii: ",") where !isQuoted: fields.append(0)
            case 0x0D, 0x0A: return nil
            default:
                let last = fields.count - 1
                let digit = Int(byte) - 0x30
                fields[last] = fields[last].flatMap { (0...9).contains(digit) && $0 < 1 << 24 ? $0 * 10 + digit : nil }
            }
        }
        return nil
    }
}
