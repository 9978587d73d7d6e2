import WiFiSimValues

/// ESP-AT docs, Basic AT Commands.
let basicCommands: [Command] = [
    Command(name: "", family: .basic, execute: { _ in .ok }),
    Command(name: "E0", family: .basic, execute: { call in echo(false, call) }),
    Command(name: "E1", family: .basic, execute: { call in echo(true, call) }),

    Command(name: "RST", family: .basic, firmware: .until(.esp8266_2_2), execute: { call in answerAndRestart(call) }),
    Command(
        name: "RST", family: .basic, firmware: .since(.v3_3),
        set: .init(Flag("mode")) { call, downloads in
            guard downloads else { return answerAndRestart(call) }
            call.module.write("\r\nOK\r\n")
            call.module.enterDownloadMode()
            return .answered
        },
        execute: { call in answerAndRestart(call) }),

    Command(
        name: "GMR", family: .basic,
        execute: { call in
            for line in call.firmware.versionLines { call.module.writeLine(line) }
            return .ok
        }),

    Command(
        name: "CMD", family: .basic, firmware: .since(.esp8266_2_2),
        query: { call in
            for (index, command) in CommandTable.of(call.firmware).commands.enumerated() {
                let flags = Command.Form.allCases.map { command.forms.contains($0) ? "1" : "0" }.joined(separator: ",")
                call.reply("\(index),\"\(command.typedName)\",\(flags)")
            }
            return .ok
        }),

    Command(
        name: "GSLP", family: .basic,
        set: .init(Integer("time", 0...Int(Int32.max))) { call, milliseconds in
            call.module.writeLine("\(milliseconds)")
            call.module.write("\r\nOK\r\n")
            call.module.deepSleep(for: .milliseconds(milliseconds))
            return .answered
        }),

    Command(
        name: "RESTORE", family: .basic,
        execute: { call in
            call.module.write("\r\nOK\r\n")
            call.module.restoreFactorySettings()
            return .answered
        }),

    Command(
        name: "UART_CUR", family: .basic,
        query: { call in call.answer(call.lineFields) },
        set: uartForm { call, configuration in changeLine(call, configuration) }),

    Command(
        name: "UART_DEF", family: .basic, storing: .stored,
        query: { call in
            let stored = call.module.storedSettings
            let isUnset = call.firmware.showsUnsetUARTAsZeros && stored.hasChosenUART != true
            return call.answer(isUnset ? "0,0,0,0,0" : stored.uart.fields(rate: stored.uart.baud.value))
        },
        set: uartForm { call, configuration in storeLine(call, configuration) }),

    // The bare name, on the oldest firmware. It stores the configuration.
    Command(
        name: "UART", family: .basic, firmware: .until(.nonOS1_7), storing: .stored,
        query: { call in call.answer(call.lineFields) },
        set: uartForm { call, configuration in storeLine(call, configuration) }),

    Command(
        name: "SLEEP", family: .basic,
        query: { call in
            let mode = call.session.sleepMode
            return call.answer("\(mode == call.firmware.lightSleepMode ? call.firmware.reportedLightSleep : mode)")
        },
        set: .init(Integer("sleep mode", 0...3).limited { $0.sleepModes }) { (call, mode) throws(CommandError) in
            let lightSleep = call.firmware.lightSleepMode
            // "This parameter cannot be set when the Wi-Fi mode is SoftAP or Station+SoftAP."
            if mode == lightSleep, call.settings.wifiMode.hasSoftAP { throw .failed }
            // "Modem-sleep mode and Light-sleep mode can be set only in station mode."
            if call.firmware.sleepsWithoutSoftAPOnly, mode != 0, call.settings.wifiMode.hasSoftAP { throw .failed }
            // Modem sleep requires Wi-Fi (core library of 4.1).
            if mode != 0, mode != lightSleep { try call.requireWiFi() }
            call.module.session.sleepMode = mode
            return .ok
        }),

    Command(
        name: "SYSRAM", family: .basic, newForms: [.set: .v4_1],
        query: { call in
            let heap = call.firmware.heap
            return call.answer(call.firmware.reportsLeastHeap ? "\(heap.free),\(heap.least)" : "\(heap.free)")
        },
        set: .init(Integer("caps", 0...Int(UInt32.max))) { call, _ in
            let heap = call.firmware.heap
            return call.answer("\(heap.free * 3 / 4),\(heap.free),\(heap.least),\(heap.free * 2)")
        }),

    Command(
        name: "SYSMSG", family: .basic, storing: .chosen,
        query: { call in call.answer("\(call.settings.systemMessages.rawValue)") },
        set: .init(Number("state", as: SystemMessages.Bits.self).limited { 0...$0.systemMessageBits }) { call, state in
            call.set(\.systemMessages, to: SystemMessages(rawValue: state))
            return .ok
        }),

    Command(
        name: "SYSLOG", family: .basic, firmware: .since(.esp32_2_1),
        query: { call in call.answer(call.session.logsErrors ? "1" : "0") },
        set: .init(Flag("status")) { call, logs in
            call.module.session.logsErrors = logs
            return .ok
        }),

    Command(
        name: "SYSSTORE", family: .basic, firmware: .since(.esp32_2_1),
        query: { call in call.answer(call.session.storesSettings ? "1" : "0") },
        set: .init(Flag("store mode")) { call, stores in
            call.module.session.storesSettings = stores
            return .ok
        }),

    Command(
        name: "RFPOWER", family: .basic, newForms: [.query: .esp32_2_1],
        query: { (call) throws(CommandError) in
            try call.requireWiFi()
            return call.answer(call.session.rfPower.map(String.init).joined(separator: ","))
        },
        set: .init(Integer("Wi-Fi power", 0...84).limited { $0.rfPowerRange }, Rest("Bluetooth LE powers")) {
            (call, power, rest) throws(CommandError) in
            try call.requireWiFi()
            var rest = rest
            var powers = call.session.rfPower
            if powers.isEmpty { powers = [0] }
            powers[0] = call.firmware.rfPowerSteps.last { $0 <= power } ?? power
            for index in powers.indices.dropFirst() {
                if let value = try Optionally(Integer("Bluetooth LE power", call.firmware.bluetoothPowerRange)).read(
                    from: &rest)
                {
                    powers[index] = value
                }
            }
            try rest.end()
            call.module.session.rfPower = powers
            return .ok
        }),
]

extension Command {
    /// The full name: `AT`, `ATE0`, `AT+CWMODE`.
    var typedName: String { name.isEmpty || name == "E0" || name == "E1" ? "AT" + name : "AT+" + name }
}

/// Answers OK and restarts the firmware.
func answerAndRestart(_ call: Call) -> CommandOutcome {
    call.module.write("\r\nOK\r\n")
    call.module.restart()
    return .answered
}

private func echo(_ echoes: Bool, _ call: Call) -> CommandOutcome {
    call.module.session.echoes = echoes
    return .ok
}

// MARK: UART

private func uartForm(
    _ run: @escaping @Sendable (Call, UARTConfiguration) -> CommandOutcome
) -> Command.SetForm {
    .init(
        Number("baudrate", as: UARTConfiguration.Baud.self), Number("databits", as: UARTConfiguration.DataBits.self),
        Number("stopbits", as: UARTConfiguration.StopBits.self), Number("parity", as: UARTConfiguration.Parity.self),
        Number("flow control", as: UARTConfiguration.FlowControl.self)
    ) { call, baud, dataBits, stopBits, parity, flowControl in
        var configuration = UARTConfiguration()
        configuration.baud = baud
        configuration.dataBits = dataBits
        configuration.stopBits = stopBits
        configuration.parity = parity
        configuration.flowControl = flowControl
        return run(call, configuration)
    }
}

/// The answer is sent with the previous configuration.
private func changeLine(_ call: Call, _ configuration: UARTConfiguration) -> CommandOutcome {
    call.module.write("\r\nOK\r\n")
    call.module.setLine(configuration)
    return .answered
}

private func storeLine(_ call: Call, _ configuration: UARTConfiguration) -> CommandOutcome {
    call.set(\.uart, to: configuration)
    call.set(\.hasChosenUART, to: true)
    return changeLine(call, configuration)
}

extension UARTConfiguration {
    fileprivate func fields(rate: Int) -> String { "\(rate),\(dataBits),\(stopBits),\(parity),\(flowControl)" }
}

extension Call {
    /// The UART's settings in use. The bit rate is the one that the chip's clock divider gives, close to the configured
    /// one.
    fileprivate var lineFields: String {
        let uart = settings.uart
        return uart.fields(rate: firmware.uartClock?.actual(uart.baud.value) ?? uart.baud.value)
    }
}
