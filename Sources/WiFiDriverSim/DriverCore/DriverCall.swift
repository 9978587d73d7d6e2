import CDriverWiFi
import WiFiSimValues

/// A call of the CMSIS-Driver that may have to wait for the module. `Driver_WiFi.h` describes each function.
package enum DriverCall {
    // Management
    case power(DriverCore.Power)
    case scan(limit: Int)
    case activate(DriverOptions.Interface, NetworkConfiguration)
    case deactivate(DriverOptions.Interface)
    case networkInformation
    case setOption(UInt32, DriverOptions.Interface, [UInt8])
    case getOption(UInt32, DriverOptions.Interface)
    case ping(IPAddress, until: Instant)

    // Sockets, by number
    case bind(Int32, to: Endpoint?)
    case listen(Int32)
    case accept(Int32)
    case connect(Int32, to: Endpoint?)
    case close(Int32)
    /// Ends when the socket has something to read. `DriverCore.read` takes it.
    case receive(DriverSocket, until: Instant?)
    /// Sends `count` bytes. The core asks for them in parts, with `Output.block`.
    case send(DriverSocket, count: Int, to: Endpoint?, until: Instant?)
    case localAddress(Int32)
    case peerAddress(Int32)
    case resolve(String, IPAddress.Family)
}

extension DriverCall {
    func pending(_ id: CallID) -> PendingCall {
        switch self {
        case .power(let state): PowerCall(id, to: state)
        case .scan(let limit): .scan(id, limit)
        case .activate(let interface, let configuration): ActivateCall(id, interface, configuration)
        case .deactivate(.station): .leaveNetwork(id)
        case .deactivate(.accessPoint): .stopAccessPoint(id)
        case .networkInformation: .networkInformation(id)
        case .setOption(let option, let interface, let bytes): .setOption(id, option, interface, bytes)
        case .getOption(let option, let interface): .getOption(id, option, interface)
        case .ping(let address, let deadline): PingCall(id, address, until: deadline)
        case .bind(let number, let local): BindCall(id, number, to: local)
        case .listen(let number): ListenCall(id, number)
        case .accept(let number): AcceptCall(id, number)
        case .connect(let number, let peer): ConnectCall(id, number, to: peer)
        case .close(let number): CloseCall(id, number)
        case .receive(let socket, let deadline): ReceiveCall(id, socket, until: deadline)
        case .send(let socket, let count, let peer, let deadline):
            SendCall(id, socket, count, to: peer, until: deadline)
        case .localAddress(let number): .localAddress(id, of: number)
        case .peerAddress(let number): .peerAddress(id, of: number)
        case .resolve(let name, let family): ResolveCall(id, name, family)
        }
    }
}

// MARK: Calls that are one piece of work

extension PendingCall {
    fileprivate static func scan(_ id: CallID, _ limit: Int) -> PendingCall {
        WorkCall(
            id, isLong: true,
            { core throws(CallFailure) -> SingleCommand? in
                guard core.hasPower else { throw .driver(.unspecified) }
                return SingleCommand(CommandText("CWLAP"), timeout: .seconds(15))
            },
            { work, _ in
                if let failure = work?.reply.outcome.driverFailure { return .failure(.driver(failure)) }
                let networks = work?.reply.fields("+CWLAP:").compactMap(ScannedNetwork.init) ?? []
                return .success(.networks(Array(networks.prefix(limit))))
            })
    }

    fileprivate static func leaveNetwork(_ id: CallID) -> PendingCall {
        WorkCall(
            id,
            { core throws(CallFailure) -> SingleCommand? in
                guard core.hasPower else { throw .driver(.unspecified) }
                return SingleCommand(CommandText("CWQAP"))
            },
            { work, core in
                core.forgetNetwork()
                return work?.reply.isDone ?? false ? .success(.nothing) : .failure(.driver(.unspecified))
            })
    }

    fileprivate static func stopAccessPoint(_ id: CallID) -> PendingCall {
        WorkCall(
            id,
            { core throws(CallFailure) -> StopAccessPoint? in
                guard core.hasPower else { throw .driver(.unspecified) }
                return core.accessPointIsActive ? StopAccessPoint() : nil
            }, { _, _ in .success(.nothing) })
    }

    fileprivate static func networkInformation(_ id: CallID) -> PendingCall {
        WorkCall(
            id,
            { core throws(CallFailure) -> SingleCommand? in
                guard core.hasPower, core.station.isConnected else { throw .driver(.unspecified) }
                return SingleCommand(.query(core.dialect.volatile("CWJAP")))
            },
            { work, core in
                guard let work, let network = JoinedNetwork(work.reply, core) else {
                    return .failure(.driver(.unspecified))
                }
                return .success(
                    .network(
                        NetworkInformation(
                            ssid: network.ssid, password: core.station.password, security: core.station.security,
                            channel: UInt8(clamping: network.channel), rssi: Int8(clamping: network.rssi))))
            })
    }

    fileprivate static func setOption(
        _ id: CallID, _ option: UInt32, _ interface: DriverOptions.Interface, _ bytes: [UInt8]
    ) -> PendingCall {
        WorkCall(
            id,
            { core throws(CallFailure) -> ApplyOption? in
                guard core.hasPower else { throw .driver(.unspecified) }
                do throws(DriverFailure) {
                    try core.options.choose(option, of: interface, bytes: bytes)
                } catch {
                    throw .driver(error)
                }
                return ApplyOption(option, of: interface)
            }, { _, _ in .success(.nothing) })
    }

    fileprivate static func getOption(
        _ id: CallID, _ option: UInt32, _ interface: DriverOptions.Interface
    ) -> PendingCall {
        WorkCall<LineWork>(
            id,
            { core throws(CallFailure) -> LineWork? in
                guard core.hasPower else { throw .driver(.unspecified) }
                switch option {
                case ARM_WIFI_MAC:
                    return core.options.isChosen(option, of: interface) ? nil : ReadMAC(of: interface)
                case ARM_WIFI_IP...ARM_WIFI_IP_DNS2, ARM_WIFI_IP6_GLOBAL, ARM_WIFI_IP6_LINK_LOCAL:
                    return core.hasStaleAddresses ? ReadAddresses() : nil
                default: return nil
                }
            }, { _, core in .success(.bytes(core.options[option, interface])) })
    }

    fileprivate static func localAddress(_ id: CallID, of number: Int32) -> PendingCall {
        endpoint(id) { core throws(SocketFailure) in
            let socket = try core.socket(number)
            switch socket.state {
            case .bound(let local): return .known(local)
            case .listening(let listener): return .known(listener.local)
            case .datagram(let datagram):
                guard let local = datagram.local else { throw .invalidArgument }
                guard datagram.peer != nil, local.address.isUnspecified else { return .known(local) }
                return .asked([ReadAddresses()]) { Endpoint($0.ownAddress(socket.family), local.port) }
            case .connected(let connection):
                let links: [LineWork] = connection.localPort == nil ? [QueryLinks()] : []
                return .asked(links + [ReadAddresses()]) {
                    Endpoint($0.ownAddress(socket.family), connection.localPort ?? 0)
                }
            case .idle, .connecting, .connectFailed: throw .invalidArgument
            }
        }
    }

    fileprivate static func peerAddress(_ id: CallID, of number: Int32) -> PendingCall {
        endpoint(id) { core throws(SocketFailure) in
            let socket = try core.socket(number)
            switch socket.state {
            case .connected(let connection):
                if let peer = connection.peer { return .known(peer) }
                return .asked([QueryLinks()]) { _ in connection.peer }
            case .datagram(let datagram):
                guard let peer = datagram.peer else { throw .notConnected }
                return .known(peer)
            case .idle, .bound, .listening, .connecting, .connectFailed: throw .notConnected
            }
        }
    }

    private enum Lookup {
        case known(Endpoint)
        /// The module has to be asked first: the work to do, and the result after it.
        case asked([LineWork], (DriverCore) -> Endpoint?)
    }

    private static func endpoint(
        _ id: CallID, _ look: @escaping (DriverCore) throws(SocketFailure) -> Lookup
    ) -> PendingCall {
        var result: (DriverCore) -> Endpoint? = { _ in nil }
        return WorkCall<LineWork>(
            id,
            { core throws(CallFailure) -> LineWork? in
                do throws(SocketFailure) {
                    switch try look(core) {
                    case .known(let endpoint):
                        result = { _ in endpoint }
                        return nil
                    case .asked(let works, let conclude):
                        result = conclude
                        let needed = works.filter { !($0 is ReadAddresses) || core.hasStaleAddresses }
                        return needed.isEmpty ? nil : WorkSequence(needed)
                    }
                } catch {
                    throw .socket(error)
                }
            },
            { _, core in result(core).map { .success(.endpoint($0)) } ?? .failure(.socket(.unspecified)) })
    }
}
