import CPosix
import Dispatch
import Glibc
import Synchronization
import WiFiSimValues

/// Looks up names with the system's resolver, on other threads.
package final class Resolver {
    private let answers: Answers
    private var pending: [UInt64: ([IPAddress]?) -> Void] = [:]
    private var nextQuery: UInt64 = 0

    /// The answers that the resolving threads have produced.
    private final class Answers: Sendable {
        let wakeup: Wakeup
        let waiting = Mutex<[(query: UInt64, addresses: [IPAddress]?)]>([])
        init() throws(SystemError) { wakeup = try Wakeup() }

        func add(_ query: UInt64, _ addresses: [IPAddress]?) {
            waiting.withLock { $0.append((query, addresses)) }
            wakeup.signal()
        }

        func take() -> [(query: UInt64, addresses: [IPAddress]?)] {
            waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
        }
    }

    package init(loop: EventLoop) throws(SystemError) {
        answers = try Answers()
        try answers.wakeup.watch(on: loop) { [weak self] in self?.deliver() }
    }

    /// Looks up a name, and calls `completion` on the loop's thread with its addresses: an empty list if it has none,
    /// `nil` if the look-up failed.
    package func resolve(_ name: String, _ family: IPAddress.Family?, completion: @escaping ([IPAddress]?) -> Void) {
        nextQuery += 1
        let query = nextQuery
        pending[query] = completion
        let answers = answers
        DispatchQueue.global().async { answers.add(query, Self.lookUp(name, family)) }
    }

    private func deliver() {
        for (query, addresses) in answers.take() { pending.removeValue(forKey: query)?(addresses) }
    }

    /// EAI_NODATA, which glibc's headers define only with _GNU_SOURCE.
    private static let noData: Int32 = -5

    static func lookUp(_ name: String, _ family: IPAddress.Family?) -> [IPAddress]? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family =
            switch family {
            case nil: AF_UNSPEC
            case .v4: AF_INET
            case .v6: AF_INET6
            }
        var list: UnsafeMutablePointer<addrinfo>?
        switch getaddrinfo(name, nil, &hints, &list) {
        case 0: break
        case EAI_NONAME, Self.noData: return []
        default: return nil
        }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = SocketAddress(entry.ai_addr)?.endpoint?.address, !addresses.contains(address) {
                addresses.append(address)
            }
            next = entry.ai_next
        }
        return addresses
    }
}
