import WiFiSimValues

/// Writes faults as the sentences that `Fault.init` reads.
extension Fault: CustomStringConvertible {
    /// The sentence.
    public var description: String { text(quoting: Words.quoted) }

    /// The sentence. `quoted` writes texts and names.
    package func text(quoting quoted: (String) -> String) -> String {
        trigger.text(quoting: quoted) + effect.text(quoting: quoted)
    }
}

extension Fault.Trigger {
    fileprivate func text(quoting quoted: (String) -> String) -> String {
        switch self {
        case .always: ""
        case .at(let time): "at \(time.text) "
        case .command(.any, let occurrence): "on any \(occurrence.text)"
        case .command(let pattern, let occurrence): "on \(pattern.text.asWord(quoted)) \(occurrence.text)"
        case .report(let name, let occurrence): "on report \(name.asWord(quoted)) \(occurrence.text)"
        }
    }
}

extension String {
    /// The text as a word, in quotes only if it needs them.
    fileprivate func asWord(_ quoted: (String) -> String) -> String {
        isEmpty || utf8.contains { !(0x21...0x7E ~= $0) || [0x22, 0x5C].contains($0) } ? quoted(self) : self
    }
}

extension Fault.Occurrence {
    fileprivate var text: String {
        switch self {
        case .each: ""
        case .nth(let number): "the \(number.ordinal) time "
        case .every(let number): "every \(number.ordinal) time "
        case .afterNth(let number): "after the \(number.ordinal) time "
        case .chance(let chance): "with \(chance) "
        }
    }
}

extension Int {
    /// `1st`, `2nd`, `3rd`, `4th`, …
    fileprivate var ordinal: String {
        let isTeen = (11...13).contains(self % 100)
        switch self % 10 {
        case 1 where !isTeen: return "\(self)st"
        case 2 where !isTeen: return "\(self)nd"
        case 3 where !isTeen: return "\(self)rd"
        default: return "\(self)th"
        }
    }
}

extension Fault.Effect {
    fileprivate func text(quoting quoted: (String) -> String) -> String {
        switch self {
        case .bytes(let effect, let phase): effect.text(phase, quoting: quoted)
        case .answer(let text): "answer \(quoted(text))"
        case .ignore: "ignore"
        case .busy(nil): "busy forever"
        case .busy(let time?): "busy for \(time.text)"
        case .runLater: "run later"
        case .outOfMemory: "run out of memory"
        case .module(let effect, let phase): effect.text + (phase.map { " at the \($0.rawValue)" } ?? "")
        case .line(let effect, let direction):
            effect.text
                + (direction.map { $0 == .toModule ? " to the module" : " to the host" } ?? "")
        case .network(let fault): "network \(fault.text(quoting: quoted))"
        case .world(let change): change.text(quoting: quoted)
        }
    }
}

extension Fault.ByteEffect {
    fileprivate func text(_ phase: Fault.Phase, quoting quoted: (String) -> String) -> String {
        let phase = "the \(phase.rawValue)"
        return switch self {
        case .lose(nil): "lose \(phase)"
        case .lose(let count?): "lose \(count.bytes) of \(phase)"
        case .cut(let count): "cut \(phase) after \(count.bytes)"
        case .garble: "garble \(phase)"
        case .double: "double \(phase)"
        case .insert(let text, let place): "insert \(quoted(text)) \(place.rawValue) \(phase)"
        case .delay(let time): "delay \(phase) by \(time.text)"
        case .split(let count, let time): "split \(phase) after \(count.bytes) for \(time.text)"
        }
    }
}

extension Int {
    fileprivate var bytes: String { self == 1 ? "1 byte" : "\(self) bytes" }
}

extension Fault.ModuleEffect {
    fileprivate var text: String {
        switch self {
        case .restart(let cause): "restart with \(cause.rawValue)"
        case .bootLoop(nil): "boot-loop"
        case .bootLoop(let count?): "boot-loop \(count) times"
        case .hang(let isSilent): isSilent ? "hang silently" : "hang"
        case .forgetFlash: "forget flash"
        case .damageFlash: "damage flash"
        }
    }
}

extension Fault.LineEffect {
    fileprivate var text: String {
        switch self {
        case .lose(let part): "lose \(part)"
        case .flip(let part): "flip \(part)"
        case .double(let part): "double \(part)"
        case .insert(let part): "insert \(part)"
        case .mute(let time): "mute for \(time.text)"
        }
    }
}

extension NetworkFault {
    fileprivate func text(quoting quoted: (String) -> String) -> String {
        var text = effect.text(quoting: quoted)
        switch scope {
        case .all: break
        case .link(let id): text += " link \(id)"
        case .peer(let address, nil): text += " peer \(address)"
        case .peer(let address, let port?): text += " peer \(Endpoint(address, port))"
        }
        switch direction {
        case .toModule: text += " to module"
        case .fromModule: text += " to network"
        case .both: break
        }
        return text
    }
}

extension NetworkFault.Effect {
    fileprivate func text(quoting quoted: (String) -> String) -> String {
        switch self {
        case .latency(let latency, .zero): "latency \(latency.text)"
        case .latency(let latency, let jitter): "latency \(latency.text) jitter \(jitter.text)"
        case .bandwidth(let rate): "bandwidth \(rate)"
        case .loss(let part): "loss \(part)"
        case .reorder(let part): "reorder \(part)"
        case .slice(let count, let delay): "slice \(count.bytes) every \(delay.text)"
        case .limit(let count): "limit \(count.bytes)"
        case .timeout(nil): "timeout"
        case .timeout(let time?): "timeout \(time.text)"
        case .reset(let time): "reset after \(time.text)"
        case .slowClose(let time): "slow-close \(time.text)"
        case .halfOpen: "half-open"
        case .deaf: "deaf"
        case .partialSend(let count): "partial-send \(count.bytes)"
        case .name(let name, let resolution): "name \(name.asWord(quoted)) \(resolution.text)"
        case .brokenCertificate: "broken-certificate"
        case .refuse: "refuse"
        case .unreachable(.zero): "unreachable"
        case .unreachable(let time): "unreachable after \(time.text)"
        case .noAnswer: "no-answer"
        }
    }
}

extension NetworkFault.Resolution {
    fileprivate var text: String {
        switch self {
        case .slow(let time): "slow \(time.text)"
        case .unknown(.zero): "unknown"
        case .unknown(let time): "unknown after \(time.text)"
        case .silent: "silent"
        case .addresses(let addresses): "is \(addresses.map { "\($0)" }.joined(separator: ","))"
        }
    }
}

extension FaultChange {
    package func text(quoting quoted: (String) -> String) -> String {
        switch self {
        case .add(let fault, let module):
            (module.map { "module \($0) " } ?? "") + fault.text(quoting: quoted)
        case .clear: "clear"
        }
    }
}
