import WiFiSimValues

/// ESP-AT docs, Wi-Fi AT Commands: addresses.
let addressCommands: [Command] = [
    Command(
        name: "CWDHCP", family: .wifi, storing: .chosen,
        query: { call in
            let bits = call.firmware.dhcpStationFirst ? (station: 1, softAP: 2) : (station: 2, softAP: 1)
            let hasClient = !call.firmware.restartsDHCPServer || call.settings.wifiMode != .softAP
            let state =
                (hasClient && call.settings.stationUsesDHCP ? bits.station : 0)
                + (call.settings.softAPUsesDHCP ? bits.softAP : 0)
            return call.answer("\(state)")
        },
        set: .init(Integer("operate", 0...3), Integer("mode", 0...3)) { (call, first, second) throws(CommandError) in
            let enables: Bool
            let interfaces: (station: Bool, softAP: Bool)
            if call.firmware.dhcpStationFirst {
                guard first <= 1 else { throw CommandError(kind: .invalid, position: 0) }
                enables = first == 1
                interfaces = (second & 1 != 0, second & 2 != 0)
            } else {
                guard first <= 2 else { throw CommandError(kind: .invalid, position: 0) }
                guard second <= 1 else { throw CommandError(kind: .invalid, position: 1) }
                enables = second == 1
                // 0 is the soft-AP, 1 the station, 2 both.
                interfaces = (first != 0, first != 1)
            }
            let asksForAddress = interfaces.station && enables && !call.settings.stationUsesDHCP
            if interfaces.station { call.set(\.stationUsesDHCP, to: enables) }
            if asksForAddress { call.module.useDHCP() }
            if interfaces.station, !enables, let address = call.settings.stationAddress {
                call.module.useStaticAddress(address)
            }
            if interfaces.softAP { call.set(\.softAPUsesDHCP, to: enables) }
            call.module.updateSoftAP()
            return .ok
        }),

    Command(
        name: "CWDHCPS", family: .wifi, storing: .chosen,
        query: { call in
            let server = call.settings.leasesInUse
            return call.answer("\(server.leaseMinutes),\(server.first),\(server.last)")
        },
        set: .init(
            Flag("enable"), Optionally(Number("lease time", as: DHCPServer.LeaseMinutes.self)),
            Optionally(Quoted("start IP", as: IPv4Address.self)), Optionally(Quoted("end IP", as: IPv4Address.self))
        ) { (call, enables, minutes, first, last) throws(CommandError) in
            try call.requireSoftAP()
            guard enables else {
                call.set(\.dhcpServer, to: nil)
                call.module.updateSoftAP()
                return .ok
            }
            guard let minutes, let first, let last else { throw .count(4) }
            let own = call.settings.softAPAddress
            // "The IPv4 address should be in the same network segment as the IPv4 address of the SoftAP."
            guard first <= last, own.covers(first), own.covers(last) else {
                throw CommandError(kind: .invalid, position: 2)
            }
            call.set(\.dhcpServer, to: DHCPServer(leaseMinutes: minutes, first: first, last: last))
            call.module.updateSoftAP()
            return .ok
        }),

    Command(
        name: "CIPSTAMAC", family: .wifi, storing: .chosen,
        query: { call in call.answer("\"\(call.settings.stationMAC)\"") },
        set: .init(Quoted("mac", as: MACAddress.self)) { (call, address) throws(CommandError) in
            try call.requireOwnAddress(address, otherThan: \.softAPMAC)
            call.set(\.stationMAC, to: address)
            return .ok
        }),

    Command(
        name: "CIPAPMAC", family: .wifi, storing: .chosen,
        query: { call in call.answer("\"\(call.settings.softAPMAC)\"") },
        set: .init(Quoted("mac", as: MACAddress.self)) { (call, address) throws(CommandError) in
            try call.requireOwnAddress(address, otherThan: \.stationMAC)
            call.set(\.softAPMAC, to: address)
            call.module.updateSoftAP()
            return .ok
        }),

    Command(
        name: "CIPSTA", family: .wifi, storing: .chosen,
        query: { (call) throws(CommandError) in
            call.replyAddress(call.module.stationAddress)
            if let address = call.module.stationIPv6.linkLocal { call.reply("ip6ll:\"\(address)\"") }
            if let address = call.module.stationIPv6.global { call.reply("ip6gl:\"\(address)\"") }
            return .ok
        },
        set: addressForm { (call, address) throws(CommandError) in
            try call.requireStation()
            call.set(\.stationAddress, to: address)
            call.set(\.stationUsesDHCP, to: false)
            call.module.useStaticAddress(address)
            return .ok
        }),

    Command(
        name: "CIPAP", family: .wifi, storing: .chosen,
        query: { (call) throws(CommandError) in
            call.replyAddress(call.settings.softAPAddress)
            if call.settings.ipv6 { call.reply("ip6ll:\"\(call.settings.softAPMAC.linkLocal)\"") }
            return .ok
        },
        set: addressForm { (call, address) throws(CommandError) in
            try call.requireSoftAP()
            call.set(\.softAPAddress, to: address)
            if call.firmware.restartsDHCPServer { call.set(\.softAPUsesDHCP, to: true) }
            call.module.updateSoftAP()
            return .ok
        }),

    Command(
        name: "CIPV6", family: .tcpIP, firmware: .since(.esp8266_2_2), storing: .chosen,
        query: { call in call.answer(call.settings.ipv6 ? "1" : "0") },
        set: .init(Flag("enable")) { call, enables in
            call.set(\.ipv6, to: enables)
            call.module.ipv6Changed()
            return .ok
        }),

    Command(
        name: "CIFSR", family: .tcpIP, emptyTest: .until(.nonOS1_7),
        execute: { call in
            let module = call.module
            if call.settings.wifiMode.hasSoftAP {
                call.reply("APIP,\"\(call.settings.softAPAddress.address)\"")
                if call.settings.ipv6 { call.reply("APIP6LL,\"\(call.settings.softAPMAC.linkLocal)\"") }
                call.reply("APMAC,\"\(call.settings.softAPMAC)\"")
            }
            if call.settings.wifiMode.hasStation {
                call.reply("STAIP,\"\(module.stationAddress.address)\"")
                if let address = module.stationIPv6.linkLocal { call.reply("STAIP6LL,\"\(address)\"") }
                if let address = module.stationIPv6.global { call.reply("STAIP6GL,\"\(address)\"") }
                call.reply("STAMAC,\"\(call.settings.stationMAC)\"")
            }
            return .ok
        }),
]

private func addressForm(
    _ run: @escaping @Sendable (Call, StaticAddress) throws(CommandError) -> CommandOutcome
) -> Command.SetForm {
    .init(
        Quoted("ip", as: IPv4Address.self), Optionally(Quoted("gateway", as: IPv4Address.self)),
        Optionally(Quoted("netmask", as: IPv4Address.self))
    ) { (call, address, gateway, netmask) throws(CommandError) in
        // The default gateway is the first address of the /24.
        let assumed = IPv4Address(rawValue: address.rawValue & 0xFFFF_FF00 | 1)
        let whole = StaticAddress(
            address: address, gateway: gateway ?? assumed, netmask: netmask ?? IPv4Address(255, 255, 255, 0))
        if let part = whole.wrongPart { throw CommandError(kind: .invalid, position: part.rawValue) }
        return try run(call, whole)
    }
}

extension Call {
    /// The address must differ from that of the other interface, both in use and, if this one is stored, in flash.
    fileprivate func requireOwnAddress(
        _ address: MACAddress, otherThan other: KeyPath<Settings, MACAddress>
    ) throws(CommandError) {
        let isStoredOther = storing == .stored && module.storedSettings[keyPath: other] == address
        guard address.isUnicast, settings[keyPath: other] != address, !isStoredOther else {
            throw CommandError(kind: .invalid, position: 0)
        }
    }

    /// Writes the three lines of CIPSTA and CIPAP.
    fileprivate func replyAddress(_ address: StaticAddress) {
        reply("ip:\"\(address.address)\"")
        reply("gateway:\"\(address.gateway)\"")
        reply("netmask:\"\(address.netmask)\"")
    }
}
