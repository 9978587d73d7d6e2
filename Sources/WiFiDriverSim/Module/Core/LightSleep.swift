import WiFiSimValues

/// Light sleep, as the serial line sees it: the UART hears nothing while the chip sleeps (esp-at issues 393, 429, 493).
///
/// The chip sleeps when it has had nothing to do for a moment. A wake-up pin keeps it awake while it has the level of
/// SLEEPWKCFG. Without a pin, the edges on the line wake the chip, and the first bytes are lost.
struct LightSleep {
    /// The pin that wakes the chip, and its level; `nil` if the line wakes it.
    var wakePin: (number: Int, isHigh: Bool)?
    private var highPins: Set<Int> = []
    private var awakeUntil = Instant.zero
    private var lostCount = 0

    /// How long the chip stays awake with nothing to do.
    private static let patience = Duration.milliseconds(10)
    /// The bytes that pass while the chip wakes up (ESP-IDF, uart_set_wakeup_threshold: at least three edges).
    private static let bytesToWake = 3

    mutating func setPin(_ number: Int, isHigh: Bool) {
        if isHigh { highPins.insert(number) } else { highPins.remove(number) }
    }

    /// The number of bytes, of those that arrive at `now`, that are lost.
    mutating func loss(of count: Int, at now: Instant, isBusy: Bool) -> Int {
        if isBusy || now < awakeUntil {
            awakeUntil = now + Self.patience
            return 0
        }
        if let wakePin {
            guard highPins.contains(wakePin.number) == wakePin.isHigh else { return count }
            awakeUntil = now + Self.patience
            return 0
        }
        let lost = min(count, Self.bytesToWake - lostCount)
        lostCount += lost
        if lostCount == Self.bytesToWake {
            lostCount = 0
            awakeUntil = now + Self.patience
        }
        return lost
    }
}
