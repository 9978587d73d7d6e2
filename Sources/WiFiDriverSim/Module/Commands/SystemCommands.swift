/// ESP-AT docs, Basic AT Commands: the chip and its firmware image.
let systemCommands: [Command] = [
    Command(
        name: "SYSROLLBACK", family: .basic, firmware: .since(.esp32_2_1), newForms: [.query: .v4_1],
        query: { call in
            let slots = call.firmware.firmwareSlots
            let images = call.settings.images ?? FirmwareImages()
            let (running, other) = images.runsSecond ? (slots.second, slots.first) : (slots.first, slots.second)
            return call.answer(
                "\(running.hexadecimal),\"\(images.running ?? call.firmware.version)\",\(other.hexadecimal),"
                    + "\"\(images.other ?? "unknown")\"")
        },
        execute: { (call) throws(CommandError) in
            // The other partition is empty before the first update.
            guard let images = call.settings.images, let other = images.other else { throw .failed }
            let running = images.running ?? call.firmware.version
            call.module.set(
                \.images, to: FirmwareImages(runsSecond: !images.runsSecond, running: other, other: running), .stored)
            return answerAndRestart(call)
        }),

    // Sleep is visible only on a line that behaves like a UART: see LightSleep.
    Command(
        name: "SLEEPWKCFG", family: .basic, firmware: .since(.esp32_2_1),
        set: .init(
            Choice("wakeup source", 0...2, as: WakeSource.self), Integer("param1", 0...Int(Int32.max)),
            Optionally(Flag("param2"))
        ) { (call, source, value, level) throws(CommandError) in
            guard call.firmware.wakeSources.contains(source.rawValue) else {
                throw CommandError(kind: .invalid, position: 0)
            }
            switch source {
            case .timer, .uart: guard level == nil else { throw .count(2) }
            case .pin:
                guard call.firmware.wakePins.contains(value) else { throw CommandError(kind: .invalid, position: 1) }
                guard level != nil else { throw .count(3) }
            }
            call.module.session.lightSleep.wakePin = level.map { (value, $0) }
            return .ok
        }),

    // Registers hold the last value written to them, initially 0.
    Command(
        name: "SYSREG", family: .basic, firmware: .since(.esp8266_2_2),
        set: .init(
            Flag("direct"), Integer("address", 0...Int(UInt32.max)),
            Optionally(Integer("write value", 0...Int(UInt32.max)))
        ) { (call, writes, address, value) throws(CommandError) in
            guard writes == (value != nil) else { throw .count(writes ? 3 : 2) }
            guard let value else { return call.answer((call.session.registers[address] ?? 0).hexadecimal) }
            call.module.session.registers[address] = value
            return .ok
        }),

    Command(
        name: "SYSTEMP", family: .basic, firmware: .since(.v3_3),
        query: { call in call.answer("41.50") }),

    Command(name: "RFCAL", family: .basic, firmware: .since(.v4_1), execute: { call in call.hasNoEffect() }),
]

/// The sources that end light sleep.
private enum WakeSource: Int { case timer, uart, pin }

extension Int {
    /// As C's `0x%x` prints it.
    fileprivate var hexadecimal: String { "0x" + String(self, radix: 16) }
}
