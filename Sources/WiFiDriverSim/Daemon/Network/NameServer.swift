import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// Resolves names for a module on the computer's network: first the world's names, then those of the system's resolver,
/// as QEMU's name server does. Belongs to the event loop's thread.
final class NameServer {
    private let names: [String: [IPAddress]]
    /// `nil` if only the world's names resolve.
    private let resolver: Resolver?
    /// The number of look-ups in progress at the resolver. Above the limit look-ups fail, so that an impatient client
    /// does not create threads without limit.
    private var lookUpCount = 0
    private static let lookUpLimit = 32

    init(names: [String: [IPAddress]], resolver: Resolver?) {
        self.names = names
        self.resolver = resolver
    }

    /// Looks up a name.
    /// - Parameters:
    ///   - name: the name in lowercase.
    ///   - family: the address family wanted; `nil` for both.
    ///   - later: called with the outcome if the resolver is asked.
    /// - Returns: the outcome; `nil` if the resolver is asked.
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

    /// The answer to a DNS message; `nil` if there is no answer, or if the resolver is asked and `later` gets the
    /// answer.
    /// `limit` is the most bytes that the answer may have.
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
