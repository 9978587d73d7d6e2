import WiFiSimValues

// Feeds the fuzzer's inputs to the decoder, the client and the broker of MQTT, whole and in pieces. Nothing may crash,
// the pieces may not matter, and what is said must be well formed. Scripts/fuzz.sh builds and runs this together with
// the sources.

/// Calls `take` with pieces of the input.
private func cut(_ input: [UInt8], _ length: Int, _ take: ([UInt8]) -> Void) {
    for start in stride(from: 0, to: input.count, by: length) { take(Array(input[start...].prefix(length))) }
}

/// What a decoder makes of the input.
private struct Decoded: Equatable {
    var items: [MQTTDecoder.Item] = []
    var error: MQTTError?

    init(_ input: [UInt8], pieces: Int, limit: Int = .max, dividesPublish: Bool = false) {
        var decoder = MQTTDecoder(limit: limit, dividesPublish: dividesPublish)
        var items: [MQTTDecoder.Item] = []
        var failure: MQTTError?
        cut(input, pieces) { piece in
            decoder.receive(piece)
            do throws(MQTTError) {
                while let item = try decoder.next() { items.append(item) }
            } catch {
                failure = error
            }
        }
        self.items = items
        error = failure
    }
}

private func checkWellFormed(_ output: [UInt8]) {
    let said = Decoded(output, pieces: max(output.count, 1))
    precondition(said.error == nil, "said what is not well formed: \(said)")
}

/// The events of a client that is connected, has messages on their way and receives the input.
private func clientEvents(_ input: [UInt8], pieces: Int) -> [MQTTClient.Event] {
    guard var client = try? MQTTClient(MQTTConnect(clientID: "c", isCleanSession: false)) else { return [] }
    client.connected(at: .zero)
    client.receive([0x20, 2, 1, 0], at: .zero)
    var events: [MQTTClient.Event] = []
    func settle() { while let event = client.next() { events.append(event) } }
    settle()
    for qos in MQTTQoS.allCases {
        _ = try? client.publish(MQTTMessage(topic: "t", payload: [1], qos: qos), at: .zero)
    }
    _ = try? client.subscribe([MQTTSubscription(filter: "#", qos: .exactlyOnce)], at: .zero)
    cut(input, pieces) { piece in
        client.receive(piece, at: .zero)
        settle()
    }
    checkWellFormed(client.output.take(.max))
    client.closed(at: .zero)
    settle()
    return events
}

/// Two connections to a broker, of which one receives the input.
private func serve(_ input: [UInt8], pieces: Int) {
    var broker = MQTTBroker()
    var output: [[UInt8]] = [[], []]
    for id in 0...1 { broker.open(id, at: .zero) }
    var hello = ByteQueue()
    hello.append(.connect(MQTTConnect(clientID: "c", isCleanSession: false)))
    hello.append(.subscribe(1, [MQTTSubscription(filter: "#", qos: .exactlyOnce)]))
    broker.receive(hello.take(.max), from: 0, at: .zero)
    cut(input, pieces) { piece in
        broker.receive(piece, from: 1, at: .zero)
        while let id = broker.popNews() {
            output[id] += broker.takeOutput(of: id)
            if broker.isFinished(id) { broker.closed(id, at: .zero) }
        }
    }
    for bytes in output { checkWellFormed(bytes) }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMQTT(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // The first byte selects the size of the pieces.
    guard count > 1 else { return 0 }
    let pieces = Int(data[0]) + 1
    let input = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    for divides in [false, true] {
        let whole = Decoded(input, pieces: input.count, limit: 64, dividesPublish: divides)
        let cut = Decoded(input, pieces: pieces, limit: 64, dividesPublish: divides)
        precondition(whole == cut, "the pieces matter")
    }
    precondition(clientEvents(input, pieces: input.count) == clientEvents(input, pieces: pieces), "the pieces matter")
    serve(input, pieces: pieces)
    return 0
}
