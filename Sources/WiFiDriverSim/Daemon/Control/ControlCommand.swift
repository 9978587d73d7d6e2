import WiFiSimModule

/// A command of the control socket (docs/Control.md).
package enum ControlCommand: Equatable {
    /// Reports all modules and access points.
    case state
    /// Reports the faults that are set.
    case faults
    /// Changes the world, or its faults.
    case change(WorldChange)
    case module(Int, ModuleAction)

    package enum ModuleAction: Equatable {
        /// Pulses the reset pin.
        case reset
        case power(isOn: Bool)
        /// Sets the level of a pin, which may wake the module.
        case pin(Int, isHigh: Bool)
        /// Makes the module send this line as a report.
        case report(String)
    }

    init(_ words: Words) throws(WordError) {
        var rest = words
        let keyword = try rest.next("a command")
        switch keyword.text {
        case "state": self = .state
        case "fault" where rest.take("list"): self = .faults
        case "module":
            let index = try rest.integer("the module's number", 0...999)
            self = .module(index, try ModuleAction(&rest))
        case _ where WorldChange.keywords.contains(keyword.text):
            self = .change(try WorldChange(words))
            return
        default:
            let known = (["state", "module"] + WorldChange.keywords).joined(separator: ", ")
            throw keyword.error("there is no command \"\(keyword.text)\"; there are \(known)")
        }
        try rest.finish()
    }
}

extension ControlCommand.ModuleAction {
    fileprivate init(_ words: inout Words) throws(WordError) {
        let keyword = try words.next("what the module is to do")
        switch keyword.text {
        case "reset": self = .reset
        case "power":
            let state = try words.next("on or off")
            guard ["on", "off"].contains(state.text) else { throw state.error("power is on or off") }
            self = .power(isOn: state.text == "on")
        case "pin":
            let number = try words.integer("the number of the pin", 0...48)
            let level = try words.next("high or low")
            guard ["high", "low"].contains(level.text) else { throw level.error("a pin is high or low") }
            self = .pin(number, isHigh: level.text == "high")
        case "report": self = .report(try words.text("the line to report"))
        default: throw keyword.error("a module's command is reset, power on, power off, pin or report")
        }
    }
}
