/// The clock that a UART divides to its bit rate. No clock gives every rate, and the query of the rate shows the one that
/// comes out (ESP-AT docs 2.2, Basic, UART_CUR).
package struct UARTClock: Sendable {
    /// In Hz.
    let frequency: Int
    /// The divider has this many bits behind the point.
    var fractionBits = 0
    /// Before the divider, of so many bits before the point, stands another one that divides by whole numbers.
    var integerBits: Int?

    /// The ESP8266's (ESP8266_RTOS_SDK, uart_set_baudrate).
    package static let esp8266 = UARTClock(frequency: 80_000_000)
    /// The ESP32's APB clock (ESP-IDF 4.0, uart_set_baudrate).
    package static let esp32 = UARTClock(frequency: 80_000_000, fractionBits: 4)
    /// The ESP32-C3's APB clock, and its crystal (ESP-IDF 5, uart_ll_set_baudrate).
    package static let esp32c3 = UARTClock(frequency: 80_000_000, fractionBits: 4, integerBits: 12)
    package static let esp32c3Crystal = UARTClock(frequency: 40_000_000, fractionBits: 4, integerBits: 12)

    /// The bit rate that comes out where `rate` is wanted.
    package func actual(_ rate: Int) -> Int {
        let scaled = frequency << fractionBits
        var prescaler = 1
        if let integerBits {
            let longest = rate * ((1 << integerBits) - 1)
            prescaler = (frequency + longest - 1) / longest
        }
        let divider = max(1, scaled / (rate * prescaler))
        return scaled / (divider * prescaler)
    }
}
