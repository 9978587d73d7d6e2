import WiFiSimValues

/// ESP-AT docs, Basic AT Commands: the flash partitions for the host's data.
let flashCommands: [Command] = [
    Command(
        name: "SYSFLASH", family: .basic, firmware: .since(.esp32_2_1), storing: .stored,
        query: { call in
            for partition in call.firmware.partitions {
                let address = String(partition.address, radix: 16)
                let size = String(partition.size, radix: 16)
                call.reply("\"\(partition.name)\",\(partition.type),\(partition.subtype),0x\(address),0x\(size)")
            }
            return .ok
        },
        set: .init(
            Choice("operation", 0...2, as: FlashOperation.self), Text("partition"),
            Optionally(Integer("offset", 0...Int(Int32.max))), Optionally(Integer("length", 1...Int(Int32.max)))
        ) { (call, operation, name, offset, length) throws(CommandError) in
            guard let partition = call.firmware.partitions.first(where: { $0.name == name }) else { throw .failed }
            if operation == .erase, offset == nil, length == nil {
                erase(partition, 0..<partition.size, call)
                return .ok
            }
            guard let offset, let length else { throw .count(4) }
            guard offset + length <= partition.size else { throw CommandError(kind: .invalid, position: 3) }
            guard !partition.isNVS else {
                call.module.emit(.log("\(name) is erased as a whole only; SYSMFG reads and writes what is in it"))
                throw .failed
            }
            return try run(operation, on: partition, offset..<offset + length, call)
        }),

    Command(
        name: "SYSMFG", family: .basic, firmware: .since(.v3_3), storing: .stored,
        query: { call in replyNamespaces(call) },
        set: .init(
            Choice("operation", 0...2, as: ValueOperation.self),
            Rest("\"namespace\">,<\"key\">,<type or offset>,<value or length")
        ) { (call, operation, rest) throws(CommandError) in
            var rest = rest
            guard let namespace = try Optionally(name("namespace")).read(from: &rest) else {
                guard operation == .read else { throw .count(2) }
                try rest.end()
                return replyNamespaces(call)
            }
            let key = try Optionally(name("key")).read(from: &rest)
            switch (operation, key) {
            case (.erase, _):
                try rest.end()
                return try erase(key, in: namespace, call)
            case (.read, nil):
                try rest.end()
                return try replyKeys(of: namespace, call)
            case (.read, let key?): return try read(key, in: namespace, &rest, call)
            case (.write, nil): throw .count(5)
            case (.write, let key?): return try write(key, in: namespace, &rest, call)
            }
        }),
]

// MARK: Partitions

private enum FlashOperation: Int { case erase, write, read }

private func run(
    _ operation: FlashOperation, on partition: FlashPartition, _ range: Range<Int>, _ call: Call
) throws(CommandError) -> CommandOutcome {
    switch operation {
    case .erase:
        // "they have to be 4KB-aligned" (ESP-AT docs, Basic, SYSFLASH).
        guard range.lowerBound % FlashPartition.sectorSize == 0, range.count % FlashPartition.sectorSize == 0 else {
            throw CommandError(kind: .invalid, position: 2)
        }
        erase(partition, range, call)
        return .ok
    case .write:
        return .receiving(
            DataEntry(length: range.count) { _, bytes in
                change(call) { $0.write(bytes, to: partition.name, at: range.lowerBound) }
                return .ok
            })
    case .read:
        let content = (call.settings.userData ?? UserData()).content(of: partition.name)
        let erased = [UInt8](repeating: 0xFF, count: range.count)
        let bytes = (content.dropFirst(range.lowerBound) + erased).prefix(range.count)
        call.module.write("+\(call.name):\(range.count),")
        call.module.output.append(contentsOf: bytes)
        call.module.writeLine("")
        return .ok
    }
}

private func erase(_ partition: FlashPartition, _ range: Range<Int>, _ call: Call) {
    change(call) { userData in
        guard partition.isNVS else { return userData.erase(range, of: partition.name) }
        for namespace in userData.namespaces {
            for key in userData.values(in: namespace).keys { userData.set(key, in: namespace, to: nil) }
        }
    }
}

/// Changes the host's data in flash. Data equal to the factory's is not kept.
/// - Returns: the outcome of the command, a failure if there is not enough room.
@discardableResult
private func change(_ call: Call, _ body: (inout UserData) -> Void) -> CommandOutcome {
    var userData = call.settings.userData ?? UserData()
    body(&userData)
    if userData.mistake(for: call.firmware) != nil { return .failed(.failed) }
    call.set(\.userData, to: userData == UserData() ? nil : userData)
    return .ok
}

// MARK: Values

private enum ValueOperation: Int { case erase, read, write }

private func name(_ parameter: String) -> Text { Text(parameter, UserData.nameLength) }

private func replyNamespaces(_ call: Call) -> CommandOutcome {
    for namespace in (call.settings.userData ?? UserData()).namespaces { call.reply("\"\(namespace)\"") }
    return .ok
}

private func values(in namespace: String, _ call: Call) throws(CommandError) -> [String: StoredValue] {
    let values = (call.settings.userData ?? UserData()).values(in: namespace)
    guard !values.isEmpty else { throw .failed }
    return values
}

private func replyKeys(of namespace: String, _ call: Call) throws(CommandError) -> CommandOutcome {
    for (key, value) in try values(in: namespace, call).sorted(by: { $0.key < $1.key }) {
        call.reply("\"\(namespace)\",\"\(key)\",\(value.type)")
    }
    return .ok
}

private func erase(_ key: String?, in namespace: String, _ call: Call) throws(CommandError) -> CommandOutcome {
    let known = try values(in: namespace, call)
    if let key, known[key] == nil { throw .failed }
    change(call) { userData in
        for key in key.map({ [$0] }) ?? Array(known.keys) { userData.set(key, in: namespace, to: nil) }
    }
    return .ok
}

private func read(
    _ key: String, in namespace: String, _ rest: inout Arguments, _ call: Call
) throws(CommandError) -> CommandOutcome {
    let offset = try Optionally(Integer("offset", 0...Int(Int32.max))).read(from: &rest)
    let length = try Optionally(Integer("length", 1...Int(Int32.max))).read(from: &rest)
    try rest.end()
    guard (offset == nil) == (length == nil) else { throw .count(5) }
    guard let value = try values(in: namespace, call)[key] else { throw .failed }
    let start = "\"\(namespace)\",\"\(key)\",\(value.type)"
    switch value {
    case .number(let type, let number): return call.answer("\(start),\(type.size),\(number)")
    case .string(let stored), .binary(let stored):
        let offset = offset ?? 0
        guard offset < stored.bytes.count else { throw CommandError(kind: .invalid, position: 3) }
        let part = stored.bytes.dropFirst(offset).prefix(length ?? stored.bytes.count)
        call.module.write("+\(call.name):\(start),\(part.count),")
        call.module.output.append(contentsOf: part)
        call.module.writeLine("")
        return .ok
    }
}

private func write(
    _ key: String, in namespace: String, _ rest: inout Arguments, _ call: Call
) throws(CommandError) -> CommandOutcome {
    let type = try Integer("type", 1...StoredValue.binaryType).read(from: &rest)
    if let type = StoredValue.NumberType(rawValue: type) {
        let number = try Integer("value", type.range).read(from: &rest)
        try rest.end()
        return change(call) { $0.set(key, in: namespace, to: .number(type, number)) }
    }
    let longest = type == StoredValue.stringType ? UserData.longestString : UserData.longestBinary
    let length = try Integer("value", 1...longest).read(from: &rest)
    try rest.end()
    return .receiving(
        DataEntry(length: length) { _, bytes in
            let stored = FlashBytes(bytes)
            return change(call) {
                $0.set(key, in: namespace, to: type == StoredValue.stringType ? .string(stored) : .binary(stored))
            }
        })
}
