/// The faults that a sweep tries at each place where they can happen.
package struct CatalogueFault: Sendable {
    /// The name, which is the same for the forms that a fault has at commands and at reports.
    package let name: String
    /// The parts of an exchange at which it can happen.
    private let phases: Set<Fault.Phase>
    private let effect: @Sendable (Fault.Phase) -> Fault.Effect

    private init(
        _ name: String, _ phases: Set<Fault.Phase>, _ effect: @escaping @Sendable (Fault.Phase) -> Fault.Effect
    ) {
        self.name = name
        self.phases = phases
        self.effect = effect
    }

    /// Whether it can happen at a place. Faults of the network happen at the commands that use it.
    package func isPossible(at place: FaultPlace) -> Bool {
        guard phases.contains(place.phase) else { return false }
        if case .network = effect(place.phase) { return place.name.hasPrefix("CIP") }
        return true
    }

    /// This fault at a place.
    package func fault(at place: FaultPlace) -> Fault { Fault(place.trigger, effect(place.phase)) }

    private static let commands: Set<Fault.Phase> = [.echo, .prompt, .data, .answer, .result]
    private static let said: Set<Fault.Phase> = [.echo, .prompt, .answer, .result, .report]
    private static let everywhere = Set(Fault.Phase.allCases)

    package static let all: [CatalogueFault] = [
        CatalogueFault("error", [.answer]) { _ in .answer("ERROR") },
        CatalogueFault("ignore", [.answer]) { _ in .ignore },
        CatalogueFault("busy", [.answer]) { _ in .busy(.seconds(2)) },
        CatalogueFault("busy-forever", [.answer]) { _ in .busy(nil) },
        CatalogueFault("no-memory", [.answer]) { _ in .outOfMemory },
        CatalogueFault("run-later", [.answer]) { _ in .runLater },
        CatalogueFault("late", [.prompt, .answer, .result]) { .bytes(.delay(longestDelay), of: $0) },
        CatalogueFault("pause", said) { .bytes(.split(after: 1, .milliseconds(500)), of: $0) },
        CatalogueFault("lose", everywhere) { .bytes(.lose(nil), of: $0) },
        CatalogueFault("lose-byte", everywhere) { .bytes(.lose(1), of: $0) },
        CatalogueFault("cut", everywhere) { .bytes(.cut(after: 2), of: $0) },
        CatalogueFault("garble", everywhere) { .bytes(.garble, of: $0) },
        CatalogueFault("double", said) { .bytes(.double, of: $0) },
        CatalogueFault("insert", said) { .bytes(.insert("WIFI DISCONNECT", .before), of: $0) },
        CatalogueFault("restart", commands) { .module(.restart(.panic), at: $0) },
        CatalogueFault("restart", [.report]) { _ in .module(.restart(.panic)) },
        CatalogueFault("boot-loop", [.answer]) { _ in .module(.bootLoop(3)) },
        CatalogueFault("hang", commands) { .module(.hang(isSilent: false), at: $0) },
        CatalogueFault("hang", [.report]) { _ in .module(.hang(isSilent: false)) },
        CatalogueFault("half-open", [.answer]) { _ in .network(NetworkFault(.halfOpen)) },
        CatalogueFault("reset", [.answer]) { _ in .network(NetworkFault(.reset(after: .zero))) },
        CatalogueFault("partial-send", [.data]) { _ in .network(NetworkFault(.partialSend(bytes: 1))) },
    ]

    /// The longest of their delays.
    package static let longestDelay = Duration.seconds(5)

    package static let names = all.reduce(into: [String]()) { if !$0.contains($1.name) { $0.append($1.name) } }
}
