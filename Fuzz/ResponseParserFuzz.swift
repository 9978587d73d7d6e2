// Feeds the fuzzer's inputs to the response parser, whole and in pieces. Nothing may crash, and both must give the
// same. Scripts/fuzz.sh builds and runs this together with the parser's own sources.

private struct Found: ResponseHandler, Equatable {
    enum Item: Equatable {
        case message(ModuleMessage)
        case payload([UInt8])
    }
    var items: [Item] = []

    mutating func message(_ message: ModuleMessage) { items.append(.message(message)) }

    mutating func payload(_ bytes: UnsafeRawBufferPointer) {
        if case .payload(let before) = items.last {
            items[items.count - 1] = .payload(before + bytes)
        } else {
            items.append(.payload(Array(bytes)))
        }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponseParser(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // The first byte selects the settings and the size of the pieces.
    guard count > 1 else { return 0 }
    let choice = data[0]
    let input = UnsafeRawBufferPointer(start: data + 1, count: count - 1)
    func parse(pieces: Int) -> Found {
        var parser = ResponseParser()
        parser.readsShowSource = choice & 1 != 0
        parser.maximumRead = choice & 2 != 0 ? 64 : 65536
        var found = Found()
        var rest = input
        while !rest.isEmpty {
            let length = min(pieces, rest.count)
            parser.parse(UnsafeRawBufferPointer(rebasing: rest[..<length]), into: &found)
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        }
        precondition(parser.payloadRemaining >= 0)
        return found
    }
    precondition(parse(pieces: input.count) == parse(pieces: Int(choice >> 2) + 1), "the pieces matter")
    return 0
}
