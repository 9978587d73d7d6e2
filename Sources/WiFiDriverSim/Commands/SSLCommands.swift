/// The part of ESP-AT docs, TCP/IP AT Commands, that configures SSL links. The links themselves are refused (README, Limits).
let sslCommands: [Command] = [
    Command(
        name: "CIPSSLCCONF", family: .tcpIP, storing: .stored,
        query: { call in
            for (id, ssl) in call.settings.ssl.enumerated().prefix(call.session.multiplexes ? Links.limit : 1) {
                call.reply("\(id),\(ssl.authentication),\(ssl.certificate),\(ssl.authority)")
            }
            return .ok
        },
        set: .init(
            LinkID(all: true), Integer("auth_mode", 0...3), Optionally(Integer("pki_number", 0...255)),
            Optionally(Integer("ca_number", 0...255))
        ) { call, id, authentication, certificate, authority in
            var all = call.settings.ssl
            for id in id == Links.limit ? 0..<Links.limit : id..<id + 1 {
                all[id] = SSLSettings(
                    authentication: authentication, certificate: certificate ?? 0, authority: authority ?? 0)
            }
            call.set(\.ssl, to: all)
            return .ok
        })
]
