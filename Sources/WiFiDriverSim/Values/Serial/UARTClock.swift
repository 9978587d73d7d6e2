/// The clock that a UART divides to its bit rate. No clock gives every rate; the query of the rate shows the actual one
/// (ESP-AT docs 2.2, Basic, UART_CUR).
package struct UARTClock: Sendable {
    /// In Hz.
    let frequency: Int
    /// The number of fractional bits of the divider.
    var fractionBits = 0
    /// The number of integer bits of the divider, if an integer prescaler precedes it; `nil` if there is none.
    var integerBits: Int?

    /// The ESP8266's clock (ESP8266_RTOS_SDK, uart_set_baudrate).
    package static let esp8266 = UARTClock(frequency: 80_000_000)
    /// The ESP32's APB clock (ESP-IDF 4.0, uart_set_baudrate).
    package static let esp32 = UARTClock(frequency: 80_000_000, fractionBits: 4)
    /// The ESP32-C3's APB clock (ESP-IDF 5, uart_ll_set_baudrate).
    package static let esp32c3 = UARTClock(frequency: 80_000_000, fractionBits: 4, integerBits: 12)
    /// The ESP32-C3's crystal (ESP-IDF 5, uart_ll_set_baudrate).
    package static let esp32c3Crystal = UARTClock(frequency: 40_000_000, fractionBits: 4, integerBits: 12)

    /// The actual bit rate when `rate` is requested, both in bits per second.
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
