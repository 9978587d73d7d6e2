/// A fault that a sweep tries at each place where it can happen.
struct SweepFault: Hashable {
    let name: String
    /// The parts of an exchange at which it can happen.
    let phases: Set<String>
    /// The sentence after the place; `PHASE` stands for the part.
    let effect: String

    init(_ name: String, _ phases: Set<String>, _ effect: String) {
        self.name = name
        self.phases = phases
        self.effect = effect
    }

    /// The whole sentence of this fault at a place.
    func sentence(at place: SweepPlace) -> String {
        "\(place.trigger) \(effect.replacing("PHASE", with: place.phase))"
    }

    private static let said: Set<String> = ["echo", "prompt", "answer", "result", "report"]
    private static let all = said.union(["data"])

    /// All faults, by their names.
    static let catalogue = [
        SweepFault("error", ["answer"], "answer ERROR"),
        SweepFault("ignore", ["answer"], "ignore"),
        SweepFault("busy", ["answer"], "busy for 2s"),
        SweepFault("busy-forever", ["answer"], "busy forever"),
        SweepFault("no-memory", ["answer"], "run out of memory"),
        SweepFault("run-later", ["answer"], "run later"),
        SweepFault("late", ["prompt", "answer", "result"], "delay the PHASE by 5s"),
        SweepFault("pause", said, "split the PHASE after 1 byte for 500ms"),
        SweepFault("lose", all, "lose the PHASE"),
        SweepFault("lose-byte", all, "lose 1 byte of the PHASE"),
        SweepFault("cut", all, "cut the PHASE after 2 bytes"),
        SweepFault("garble", all, "garble the PHASE"),
        SweepFault("double", said, "double the PHASE"),
        SweepFault("insert", said, "insert \"WIFI DISCONNECT\" before the PHASE"),
        SweepFault("restart", ["echo", "prompt", "data", "answer", "result"], "restart with panic at the PHASE"),
        SweepFault("restart", ["report"], "restart with panic"),
        SweepFault("hang", ["echo", "prompt", "data", "answer", "result"], "hang at the PHASE"),
        SweepFault("hang", ["report"], "hang"),
        SweepFault("half-open", ["answer"], "network half-open"),
        SweepFault("reset", ["answer"], "network reset after 0s"),
        SweepFault("partial-send", ["data"], "network partial-send 1 byte"),
    ]

    static let names = catalogue.reduce(into: [String]()) { if !$0.contains($1.name) { $0.append($1.name) } }
}
