// Feeds the fuzzer's inputs to the decoder of frames and to both sessions of WebSocket, whole and in pieces. Nothing may
// crash, and the pieces must not matter. Scripts/fuzz.sh builds and runs this together with the sources.

import WiFiSimValues

/// Calls `take` with pieces of the input.
private func cut(_ input: [UInt8], _ length: Int, _ take: ([UInt8]) -> Void) {
    var rest = input[...]
    while !rest.isEmpty {
        take(Array(rest.prefix(length)))
        rest = rest.dropFirst(length)
    }
}

/// The events of a decoder, with the pieces of each frame put together.
private func decode(_ input: [UInt8], isMasked: Bool, pieces: Int) -> ([WebSocketDecoder.Event], WebSocketError?) {
    var decoder = WebSocketDecoder(isMasked: isMasked, longestMessage: 100_000)
    var events: [WebSocketDecoder.Event] = []
    var failure: WebSocketError?
    cut(input, pieces) { piece in
        var rest = piece[...]
        do throws(WebSocketError) {
            while let event = try decoder.next(from: &rest) {
                if case .payload(let new) = event, case .payload(let old) = events.last {
                    events[events.count - 1] = .payload(old + new)
                } else {
                    events.append(event)
                }
            }
        } catch {
            failure = error
        }
    }
    return (events, failure)
}

/// What a client says and reports after its handshake.
private func runClient(_ input: [UInt8], pieces: Int) -> ([WebSocketClient.Event], [UInt8]) {
    var client = WebSocketClient(URL(.ws, .name("h")), random: SeededGenerator(1), at: .zero)
    var server = WebSocketServer()
    client.connected(at: .zero)
    _ = server.receive(client.takeOutput(), at: .zero)
    var events = client.receive(server.takeOutput(), at: .zero)
    precondition(events == [.opened(subprotocol: nil)], "the handshake fails")
    cut(input, pieces) { events += client.receive($0, at: .zero) }
    events += client.connectionClosed(at: .zero)
    precondition(client.isFinished, "the client has no end")
    var output = client.takeOutput()
    output += client.takeOutput()
    // What the client says is no offence to a server.
    precondition(decode(output, isMasked: true, pieces: output.count).1 == nil, "the client said what it may not")
    return (events, output)
}

/// What a server says and reports, without and after its handshake.
private func runServer(_ input: [UInt8], isOpen: Bool, pieces: Int) -> ([WebSocketServer.Event], [UInt8]) {
    var server = WebSocketServer()
    if isOpen {
        var client = WebSocketClient(URL(.ws, .name("h")), random: SeededGenerator(1), at: .zero)
        client.connected(at: .zero)
        _ = server.receive(client.takeOutput(), at: .zero)
    }
    var events: [WebSocketServer.Event] = []
    cut(input, pieces) { events += server.receive($0, at: .zero) }
    return (events, server.takeOutput())
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzWebSocket(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // The first byte selects the size of the pieces.
    guard count > 1 else { return 0 }
    let pieces = Int(data[0]) + 1
    let input = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    for isMasked in [false, true] {
        let whole = decode(input, isMasked: isMasked, pieces: input.count)
        precondition(whole == decode(input, isMasked: isMasked, pieces: pieces), "the pieces matter")
    }
    precondition(runClient(input, pieces: input.count) == runClient(input, pieces: pieces), "the pieces matter")
    for isOpen in [false, true] {
        let whole = runServer(input, isOpen: isOpen, pieces: input.count)
        precondition(whole == runServer(input, isOpen: isOpen, pieces: pieces), "the pieces matter")
    }
    return 0
}
