/// ESP-AT docs, TCP/IP AT Commands: received data.
let receiveCommands: [Command] = [
    Command(
        name: "CIPDINFO", family: .tcpIP,
        query: { call in call.answer(call.session.showsPeer ? "true" : "false") },
        set: .init(Flag("mode")) { call, shows in
            call.module.session.showsPeer = shows
            return .ok
        }),

    // The predecessor of CIPRECVTYPE: one mode for all links.
    Command(
        name: "CIPRECVMODE", family: .tcpIP,
        query: { call in call.answer(call.session.receivesPassively[0] ? "1" : "0") },
        set: .init(Flag("mode")) { call, passive in
            return setPassive(passive, 0..<Links.limit, call)
        }),

    Command(
        name: "CIPRECVTYPE", family: .tcpIP, firmware: .since(.v3_3),
        query: { call in
            for id in 0..<(call.session.multiplexes ? Links.limit : 1) {
                call.reply("\(id),\(call.session.receivesPassively[id] ? 1 : 0)")
            }
            return .ok
        },
        set: .init(LinkID(all: true), Flag("mode")) { call, id, passive in
            setPassive(passive, id == Links.limit ? 0..<Links.limit : id..<id + 1, call)
        }),

    Command(
        name: "CIPRECVDATA", family: .tcpIP,
        set: .init(LinkID(), Integer("len", 1...Int(Int32.max))) { (call, id, limit) throws(CommandError) in
            let module = call.module
            guard module.isPassive(id), let link = module.links[id], !link.received.isEmpty else { throw .failed }
            let (bytes, sender) = module.read(id, limit: limit)
            let peer = call.session.showsPeer ? sender : nil
            module.write(call.firmware.receivedDataHeader(count: bytes.count, peer: peer), bytes)
            module.write("\r\nOK\r\n")
            module.finishRead(id)
            return .answered
        }),

    Command(
        name: "CIPRECVLEN", family: .tcpIP,
        query: { call in
            let isOne = call.firmware.reportsOneLength && !call.session.multiplexes
            let ids = 0..<(isOne ? 1 : Links.limit)
            return call.answer(ids.map { "\(call.module.waitingLength($0))" }.joined(separator: ","))
        }),
]

/// Sets how links receive. The buffer of a link that becomes active is pushed after the answer.
private func setPassive(_ passive: Bool, _ ids: Range<Int>, _ call: Call) -> CommandOutcome {
    for id in ids { call.module.session.receivesPassively[id] = passive }
    call.module.write("\r\nOK\r\n")
    if !passive { for id in ids { call.module.pushBuffered(id) } }
    return .answered
}
