/// Prints what the application called on the left, and what went over the wire meanwhile on the right.
struct DemoTrace {
    private static let width = 46
    private let tap: LineTap
    /// All bytes, not their number only.
    private let isVerbose: Bool
    private(set) var bytesOnTheLine = 0

    init(_ tap: LineTap, isVerbose: Bool) {
        self.tap = tap
        self.isVerbose = isVerbose
    }

    func section(_ title: String) { Console.print("\n\(title)") }

    /// A call that has returned.
    mutating func call(_ text: String, gave result: String) {
        var wire: [String] = []
        for passage in tap.take() {
            bytesOnTheLine += passage.bytes.count
            wire += lines(of: passage)
        }
        let call = "  \(text)".padded(to: Self.width)
        let answer = "    = \(result)".padded(to: Self.width)
        for row in 0..<max(2, wire.count) {
            let left = row == 0 ? call : row == 1 ? answer : "".padded(to: Self.width)
            Console.print((left + (row < wire.count ? wire[row] : "")).trimmedRight)
        }
    }

    /// The passage's lines, with an arrow in front. Runs of long ones are data: their beginning and length are shown.
    private func lines(of passage: LineTap.Passage) -> [String] {
        let arrow = passage.isFromClient ? "→ " : "← "
        var result: [String] = []
        var data: (beginning: String, count: Int)?
        func endData() {
            if let (beginning, count) = data { result.append("\(arrow)\(beginning)… \(count) bytes") }
            data = nil
        }
        for line in passage.bytes.split(separator: UInt8(ascii: "\n")) {
            let bytes = line.filter { $0 != UInt8(ascii: "\r") }
            let text = escaped(bytes)
            if text.isEmpty { continue }
            if isVerbose || text.count <= 64 {
                endData()
                result.append(arrow + text)
            } else {
                data = (data?.beginning ?? String(text.prefix(40)), (data?.count ?? 0) + line.count + 1)
            }
        }
        endData()
        return result
    }

    private func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            (0x20..<0x7f).contains(byte)
                ? String(UnicodeScalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension String {
    fileprivate var trimmedRight: String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
