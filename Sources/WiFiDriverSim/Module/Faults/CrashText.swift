/// What the hardware prints when it fails, before its ROM prints its own lines.
extension Firmware {
    /// The text at the bit rate of the AT port. Profiles whose console is another port print it there.
    func crashText(_ cause: Fault.ModuleEffect.Cause) -> String {
        switch (cause, readsLinesAsNonOS) {
        case (.nothing, _): ""
        // The NONOS SDK prints the exception, its cause and five registers.
        case (.panic, true):
            """
            \r\nFatal exception 28(LoadProhibitedCause):\r\nepc1=0x4021a0b6, epc2=0x00000000, epc3=0x00000000, \
            excvaddr=0x00000010, depc=0x00000000\r\n
            """
        case (.watchdog, true): "\r\nwdt reset\r\n"
        // The detector of the ESP8266 resets the chip without a word.
        case (.brownout, true): ""
        // ESP-IDF and ESP8266_RTOS_SDK, panic handler, task watchdog and brown-out detector.
        case (.panic, false):
            "\r\nGuru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\r\n"
        case (.watchdog, false):
            "\r\nGuru Meditation Error: Core  0 panic'ed (Interrupt wdt timeout on CPU0). \r\n"
        case (.brownout, false): "\r\nBrownout detector was triggered\r\n\r\n"
        }
    }
}
