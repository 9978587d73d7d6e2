/// The buffers of a UART and of its driver, in bytes.
package struct UARTBuffers: Sendable {
    /// The driver's ring for received bytes, behind the FIFO.
    package let receiveRing: Int
    /// The driver's ring for bytes to send. While it is full, the firmware waits.
    package let transmitRing: Int

    /// ESP32 and ESP32-C3 (esp-at, at_uart_task.c, uart_driver_install; at_uart.h since 4.0).
    package static let esp32 = UARTBuffers(receiveRing: 2048, transmitRing: 8192)
    /// ESP8266 (esp-at 2.2, at_uart_task.c, uart_driver_install).
    package static let esp8266 = UARTBuffers(receiveRing: 1024, transmitRing: 2048)

    /// The hardware's FIFO, one in each direction (ESP-IDF, SOC_UART_FIFO_LEN; ESP8266_RTOS_SDK, UART_FIFO_LEN).
    package static let fifo = 128
    /// The driver empties the FIFO into its ring when it holds this many bytes, or after a pause of ten byte times
    /// (esp-at, at_uart_intr_config: rxfifo_full_thresh).
    package static let emptiedAt = 100
    /// RTS asks the host to wait while the FIFO holds this many bytes (esp-at, at_uart_config_init:
    /// rx_flow_ctrl_thresh). The hardware has no second threshold below it.
    package static let waitsAt = 122
}
