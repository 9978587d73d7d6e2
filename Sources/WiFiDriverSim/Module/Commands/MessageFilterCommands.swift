/// ESP-AT docs, Basic AT Commands: filters for the module's messages.
let messageFilterCommands: [Command] = [
    Command(
        name: "SYSMSGFILTER", family: .basic, firmware: .since(.v3_3),
        query: { call in call.answer(call.session.messageFilters.isOn ? "1" : "0") },
        set: .init(Flag("enable")) { call, enables in
            // The answer is never filtered (ESP-AT docs, system message filter example).
            call.module.session.messageFilters.isOn = false
            call.module.write("\r\nOK\r\n")
            call.module.session.messageFilters.isOn = enables
            return .answered
        }),

    Command(
        name: "SYSMSGFILTERCFG", family: .basic, firmware: .since(.v3_3),
        query: { call in
            for (index, filter) in call.session.messageFilters.all.enumerated() {
                call.module.write("+\(call.name):\(index),\"", filter.head + Array("\",\"".utf8) + filter.tail)
                call.module.writeLine("\"")
            }
            return .ok
        },
        set: .init(
            Choice("operator", 0...2, as: FilterOperation.self), Optionally(Integer("head_regexp_len", 0...64)),
            Optionally(Integer("tail_regexp_len", 0...64))
        ) { (call, operation, headLength, tailLength) throws(CommandError) in
            if operation == .clear {
                guard headLength == nil, tailLength == nil else { throw .count(1) }
                call.module.session.messageFilters.removeAll()
                return .ok
            }
            guard let headLength, let tailLength else { throw .count(3) }
            guard headLength + tailLength > 0 else { throw CommandError(kind: .invalid, position: 2) }
            return .receiving(
                DataEntry(length: headLength + tailLength) { module, bytes in
                    let (head, tail) = (Array(bytes[..<headLength]), Array(bytes[headLength...]))
                    return module.changeFilters(operation, head: head, tail: tail) ? .ok : .failed(.failed)
                })
        }),
]

private enum FilterOperation: Int { case clear, add, delete }

extension Module {
    fileprivate func changeFilters(_ operation: FilterOperation, head: [UInt8], tail: [UInt8]) -> Bool {
        switch operation {
        case .clear: return false
        case .add:
            guard let filter = MessageFilter(head: head, tail: tail) else { return false }
            return session.messageFilters.add(filter)
        case .delete: return session.messageFilters.remove(head: head, tail: tail)
        }
    }
}
