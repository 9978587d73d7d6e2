import CDriverWiFi
import Dispatch
import Testing
@testable import WiFiDriverSim
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

/// Many threads use sockets of their own at random on one driver. A model of each socket defines the permitted results.
@Suite struct `Random operations of eight threads` {
    private static let threads = 8
    private static let operations = 10_000

    /// The state of a socket for its user.
    private enum Model {
        case none, idle, bound, listening
        /// With the bytes that the echo server still has to send.
        case connected([UInt8])
    }

    private enum Operation: CaseIterable {
        case create, bind, listen, connect, send, send2, receive, receive2, peer, local, option, close
    }

    @Test(arguments: [20_261_125, 7, 99] as [UInt64])
    func `agree with the model`(seed: UInt64) throws {
        let station = try SimulatedStation()
        let server = try HostServer.echo()
        let peer = try SimulatedStation.host(server.port)
        let workers = try (0..<Self.threads).map { thread in
            try Background { try Self.run(station.driver, thread: thread, peer: peer, seed: seed &+ UInt64(thread)) }
        }
        for worker in workers { #expect(try worker.value() == []) }
        // Closes that found the line taken run later. After that, nothing is left.
        #expect(comesTrue { station.driver.perform { station.driver.core.links.allSatisfy { $0 == nil } } })
        #expect(station.driver.perform { station.driver.core.sockets.allSatisfy { $0 == nil } })
    }

    /// Returns the results that the model does not permit.
    private static func run(_ driver: WiFiDriver, thread: Int, peer: Endpoint, seed: UInt64) throws -> [String] {
        var random = SplitMix(seed: seed)
        var disagreements: [String] = []
        var model = Model.none
        var socket: Int32 = 99
        let port = UInt16(20_000 + thread)
        let local = try endpoint("0.0.0.0", port)

        func expect(_ operation: Operation, _ got: SocketFailure?, _ allowed: [SocketFailure?]) {
            if !allowed.contains(got) { disagreements.append("\(operation) on \(model): \(String(describing: got))") }
        }
        func failure(_ body: () throws -> Void) -> SocketFailure? {
            do {
                try body()
                return nil
            } catch { return error as? SocketFailure ?? .unspecified }
        }

        for _ in 0..<(operations / threads) {
            let operation = Operation.allCases.randomElement(using: &random) ?? .create
            switch (operation, model) {
            case (.create, .none):
                expect(
                    operation, failure { socket = Int32(try driver.createSocket(family: .v4, isStream: true)) }, [nil])
                model = .idle
            case (.create, _): break
            case (_, .none):
                expect(operation, failure { try driver.close(99) }, [.invalidSocket])

            case (.bind, .idle):
                expect(operation, failure { try driver.bind(socket, to: local) }, [nil])
                model = .bound
            case (.bind, .bound), (.bind, .listening):
                expect(operation, failure { try driver.bind(socket, to: local) }, [.invalidArgument])
            case (.bind, .connected): expect(operation, failure { try driver.bind(socket, to: local) }, [.isConnected])

            case (.listen, .bound):
                // The firmware has one server.
                let got = failure { try driver.listen(socket) }
                expect(operation, got, [nil, .noMemory])
                if got == nil { model = .listening }
            case (.listen, .idle), (.listen, .listening):
                expect(operation, failure { try driver.listen(socket) }, [.invalidArgument])
            case (.listen, .connected): expect(operation, failure { try driver.listen(socket) }, [.isConnected])

            case (.connect, .idle), (.connect, .bound):
                // The firmware has five links.
                let got = failure { try driver.connect(socket, to: peer) }
                expect(operation, got, [nil, .noMemory])
                model = got == nil ? .connected([]) : .idle
            case (.connect, .listening):
                expect(operation, failure { try driver.connect(socket, to: peer) }, [.invalidArgument])
            case (.connect, .connected):
                expect(operation, failure { try driver.connect(socket, to: peer) }, [.isConnected])

            case (.send, .connected(let owed)), (.send2, .connected(let owed)):
                let bytes = (0..<Int.random(in: 1...3000, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                expect(
                    operation,
                    failure { if try driver.send(socket, bytes) != bytes.count { throw SocketFailure.unspecified } },
                    [nil])
                model = .connected(owed + bytes)
            case (.send, _), (.send2, _):
                expect(operation, failure { _ = try driver.send(socket, [1]) }, [.notConnected])

            case (.receive, .connected(let owed)) where owed.isEmpty,
                (.receive2, .connected(let owed)) where owed.isEmpty:
                try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 1)
                expect(operation, failure { _ = try driver.receive(socket) }, [.wouldBlock])
                try driver.setSocketOption(ARM_SOCKET_IO_FIONBIO, of: socket, to: 0)
            case (.receive, .connected(let owed)), (.receive2, .connected(let owed)):
                var got: [UInt8] = []
                expect(
                    operation, failure { got = try driver.receive(socket, Int.random(in: 1...4000, using: &random)) },
                    [nil])
                if !owed.starts(with: got) || got.isEmpty { disagreements.append("received what was not sent") }
                model = .connected(Array(owed.dropFirst(got.count)))
            case (.receive, _), (.receive2, _):
                expect(operation, failure { _ = try driver.receive(socket) }, [.notConnected])

            case (.peer, .connected):
                expect(
                    operation,
                    failure { if try driver.peerAddress(of: socket) != peer { throw SocketFailure.unspecified } }, [nil]
                )
            case (.peer, _): expect(operation, failure { _ = try driver.peerAddress(of: socket) }, [.notConnected])
            case (.local, .idle):
                expect(operation, failure { _ = try driver.localAddress(of: socket) }, [.invalidArgument])
            case (.local, .connected): expect(operation, failure { _ = try driver.localAddress(of: socket) }, [nil])
            case (.local, _):
                expect(
                    operation,
                    failure { if try driver.localAddress(of: socket) != local { throw SocketFailure.unspecified } },
                    [nil])
            case (.option, _):
                expect(operation, failure { _ = try driver.socketOption(ARM_SOCKET_SO_TYPE, of: socket) }, [nil])
            case (.close, _):
                expect(operation, failure { try driver.close(socket) }, [nil])
                model = .none
            }
        }
        if case .none = model {} else { try driver.close(socket) }
        return disagreements
    }
}
