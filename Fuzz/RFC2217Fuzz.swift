// Feeds the fuzzer's inputs to both sides of RFC 2217, whole and in pieces. Nothing may crash, and both must give the
// same. Scripts/fuzz.sh builds and runs this together with the sources of both sides.

/// What one side makes of the input.
private struct Found<Item: Equatable>: Equatable {
    var items: [Item] = []
    var data: [UInt8] = []
    var output: [UInt8] = []
}

/// Calls `take` with pieces of the input.
private func cut(_ input: UnsafeRawBufferPointer, _ length: Int, _ take: (UnsafeRawBufferPointer) -> Void) {
    var rest = input
    while !rest.isEmpty {
        let piece = rest[..<min(length, rest.count)]
        take(UnsafeRawBufferPointer(rebasing: piece))
        rest = UnsafeRawBufferPointer(rebasing: rest[piece.endIndex...])
    }
}

private func serve(_ input: UnsafeRawBufferPointer, pieces: Int) -> Found<RFC2217Server.Input> {
    var server = RFC2217Server()
    var found = Found<RFC2217Server.Input>()
    cut(input, pieces) { piece in
        for item in server.receive(piece) {
            if case .data(let bytes) = item { found.data += bytes } else { found.items.append(item) }
        }
    }
    found.output = server.output.take(.max)
    return found
}

private func connect(_ input: UnsafeRawBufferPointer, pieces: Int) -> Found<RFC2217Client.Event> {
    var client = RFC2217Client()
    for kind in LineSetting.Kind.allCases { client.set(LineSettings()[kind]) }
    var found = Found<RFC2217Client.Event>()
    cut(input, pieces) { piece in
        for item in client.receive(piece) {
            if case .data(let bytes) = item { found.data += bytes } else { found.items.append(item) }
        }
    }
    found.output = client.output.take(.max)
    return found
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRFC2217(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // The first byte selects the size of the pieces.
    guard count > 1 else { return 0 }
    let pieces = Int(data[0]) + 1
    let input = UnsafeRawBufferPointer(start: data + 1, count: count - 1)
    precondition(serve(input, pieces: input.count) == serve(input, pieces: pieces), "the pieces matter")
    precondition(connect(input, pieces: input.count) == connect(input, pieces: pieces), "the pieces matter")
    // What the server sends is no command that the client does not know.
    let answer = serve(input, pieces: pieces).output
    for item in answer.withUnsafeBytes({ connect($0, pieces: pieces) }).items {
        if case .notice(let notice) = item, case .signature = notice { continue }
        if case .notice(let notice) = item { preconditionFailure("the server said what it may not: \(notice)") }
    }
    return 0
}
