import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// The names that a module on the host's network knows: the world's, and those of the system's resolver, as with QEMU's name
/// server. Belongs to the event loop's thread.
final class NameServer {
    private let names: [String: [IPAddress]]
    /// `nil` where no others are to be asked for.
    private let resolver: Resolver?
    /// Names that the resolver is asked for at the moment. Further ones fail, so that a client without patience does not
    /// make threads without end.
    private var lookUpCount = 0
    private static let lookUpLimit = 32

    init(names: [String: [IPAddress]], resolver: Resolver?) {
        self.names = names
        self.resolver = resolver
    }

    /// What there is of a name.
    /// - Parameters:
    ///   - name: in small letters.
    ///   - family: the addresses that are wanted; `nil` for both.
    ///   - later: gets it where the resolver is asked.
    /// - Returns: `nil` where the resolver is asked.
    func lookUp(
        _ name: String, _ family: IPAddress.Family?, later: @escaping (DNSMessage.Outcome) -> Void
    ) -> DNSMessage.Outcome? {
        if let known = names[name] {
            return known.isEmpty ? .unknown : .found(known.filter { family == nil || $0.family == family })
        }
        guard let resolver else { return .unknown }
        guard lookUpCount < Self.lookUpLimit else { return .failed }
        lookUpCount += 1
        resolver.resolve(name, family) { [weak self] addresses in
            self?.lookUpCount -= 1
            later(addresses.map { $0.isEmpty ? .unknown : .found($0) } ?? .failed)
        }
        return nil
    }

    /// The answer to a message; `nil` where there is none, or the resolver is asked, and `later` gets it.
    func answer(to message: [UInt8], limit: Int, later: @escaping ([UInt8]) -> Void) -> [UInt8]? {
        switch DNSMessage.read(message) {
        case nil: return nil
        case .refused(let answer)?: return answer
        case .question(let question)?:
            func answer(_ outcome: DNSMessage.Outcome) -> [UInt8] {
                DNSMessage.answer(to: question, outcome, limit: limit)
            }
            guard let name = question.name else { return answer(.unknown) }
            return lookUp(name, nil) { later(answer($0)) }.map(answer)
        }
    }
}
