import WiFiSimValues

/// How fast the simulator's own time passes: the value of `--speed`.
public enum LoopSpeed: Sendable, Equatable {
    /// This many simulated seconds in a second; 1 is real time.
    case factor(Double)
    /// The time jumps to the next event once everything has been quiet for a moment.
    case max

    /// Real time.
    public static let real = LoopSpeed.factor(1)

    /// The factors that can be set.
    public static let factors = 0.01...1000.0

    /// Parses a factor from 0.01 to 1000, or `max`. `nil` for other text.
    public init?(_ text: String) {
        if text == "max" {
            self = .max
        } else {
            guard let factor = Double(text), Self.factors.contains(factor) else { return nil }
            self = .factor(factor)
        }
    }
}

/// The clock of an event loop: real time, scaled, and moved on by jumps.
struct LoopClock {
    let speed: LoopSpeed
    /// In nanoseconds: what the jumps so far add up to.
    private var skipped: Int64 = 0

    init(_ speed: LoopSpeed) { self.speed = speed }

    /// The loop's time. `elapsed` is the real time since the loop was made, in nanoseconds.
    func now(_ elapsed: Int64) -> Instant {
        switch speed {
        case .factor(1): Instant(nanoseconds: elapsed)
        case .factor(let factor): Instant(nanoseconds: Int64(Double(elapsed) * factor))
        case .max: Instant(nanoseconds: elapsed + skipped)
        }
    }

    /// The real time that a time of the loop takes, in nanoseconds.
    func realTime(_ time: Int64) -> Int64 {
        if case .factor(let factor) = speed, factor != 1 { Int64((Double(time) / factor).rounded(.up)) } else { time }
    }

    mutating func skip(_ time: Int64) { skipped += Swift.max(0, time) }
}
