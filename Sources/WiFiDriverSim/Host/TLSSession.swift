import COpenSSL
import WiFiSimValues

/// TLS on one connection; replaces `send` and `receive` of the socket.
///
/// Call `shakeHands` until it returns true, then `send` and `receive`, then `end`. OpenSSL works in memory only, and
/// the owner of the socket decides when to read and write. The session reads at most one read ahead of what was asked
/// for, and holds at most one record that the socket had no room for.
package final class TLSSession {
    private let library: OpenSSL
    private let ssl: OpaquePointer
    // Owned by `ssl`.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private let preSharedKey: TLSConfiguration.PreSharedKey?
    /// Records that the socket has not yet taken.
    private var unsent = ByteQueue()
    /// True if the peer sends no more.
    private var isEnded = false
    private var wire = [UInt8](repeating: 0, count: TLSSession.longestRecord)

    package enum Role { case client, server }

    /// In bytes: the most plain text that one record holds.
    private static let longestRecord = 16 * 1024

    /// Makes a session.
    /// - Throws: `TLSFailure` if OpenSSL is missing, or a certificate, key or cipher suite cannot be used.
    package init(_ configuration: TLSConfiguration, as role: Role) throws(TLSFailure) {
        library = try OpenSSL.shared.get()
        let functions = library.functions
        guard let context = functions.SSL_CTX_new(functions.TLS_method()) else {
            throw TLSFailure(reason: library.takeError())
        }
        defer { functions.SSL_CTX_free(context) }
        preSharedKey = configuration.preSharedKey
        try Self.prepare(context, configuration, as: role, library)
        guard let ssl = functions.SSL_new(context), let incoming = functions.BIO_new(functions.BIO_s_mem()),
            let outgoing = functions.BIO_new(functions.BIO_s_mem())
        else { throw TLSFailure(reason: library.takeError()) }
        functions.SSL_set_bio(ssl, incoming, outgoing)
        self.ssl = ssl
        self.incoming = incoming
        self.outgoing = outgoing
        try prepare(configuration, as: role)
    }

    deinit { library.functions.SSL_free(ssl) }

    // MARK: Preparation

    private static func prepare(
        _ context: OpaquePointer, _ configuration: TLSConfiguration, as role: Role, _ library: OpenSSL
    ) throws(TLSFailure) {
        let functions = library.functions
        // TLS 1.2 only, like the firmware.
        _ = functions.SSL_CTX_ctrl(context, OpenSSLConstant.setMinimumVersion, OpenSSLConstant.tls1_2, nil)
        _ = functions.SSL_CTX_ctrl(context, OpenSSLConstant.setMaximumVersion, OpenSSLConstant.tls1_2, nil)
        var verification = OpenSSLConstant.verifyNone
        if configuration.verifiesPeer {
            verification = OpenSSLConstant.verifyPeer
            if role == .server { verification |= OpenSSLConstant.failIfNoPeerCertificate }
            let authorities = library.certificates(configuration.authorities)
            guard !authorities.isEmpty else { throw TLSFailure(reason: "the flash holds no CA certificate for it") }
            for authority in authorities {
                _ = functions.X509_STORE_add_cert(functions.SSL_CTX_get_cert_store(context), authority)
                functions.X509_free(authority)
            }
        }
        functions.SSL_CTX_set_verify(context, verification, nil)
        if let identity = configuration.identity { try show(identity, context, library) }
        if !configuration.protocols.isEmpty {
            let list = configuration.protocols.flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) }
            _ = functions.SSL_CTX_set_alpn_protos(context, list, UInt32(list.count))
        }
        if configuration.preSharedKey != nil {
            functions.SSL_CTX_set_psk_client_callback(context) { ssl, _, identity, identitySize, key, keySize in
                TLSSession.givePreSharedKey(ssl, identity, Int(identitySize), key, Int(keySize))
            }
        }
    }

    private static func show(
        _ identity: TLSConfiguration.Identity, _ context: OpaquePointer, _ library: OpenSSL
    ) throws(TLSFailure) {
        let functions = library.functions
        let chain = library.certificates(identity.certificate)
        guard let own = chain.first else { throw TLSFailure(reason: "the flash holds no certificate for it") }
        var isUsed = functions.SSL_CTX_use_certificate(context, own) == 1
        functions.X509_free(own)
        // The context takes ownership of the rest of the chain.
        for link in chain.dropFirst() {
            _ = functions.SSL_CTX_ctrl(context, OpenSSLConstant.addChainCertificate, 0, UnsafeMutableRawPointer(link))
        }
        if let key = library.privateKey(identity.key) {
            isUsed = isUsed && functions.SSL_CTX_use_PrivateKey(context, key) == 1
            functions.EVP_PKEY_free(key)
        } else {
            isUsed = false
        }
        guard isUsed else { throw TLSFailure(reason: "the flash holds no key for its certificate") }
    }

    private func prepare(_ configuration: TLSConfiguration, as role: Role) throws(TLSFailure) {
        let functions = library.functions
        let parameters = functions.SSL_get0_param(ssl)
        if let time = configuration.time {
            functions.X509_VERIFY_PARAM_set_time(parameters, Int64(time))
        } else {
            _ = functions.X509_VERIFY_PARAM_set_flags(parameters, OpenSSLConstant.noCheckTime)
        }
        switch role {
        case .client: functions.SSL_set_connect_state(ssl)
        case .server: functions.SSL_set_accept_state(ssl)
        }
        if let name = configuration.commonName, configuration.verifiesPeer { _ = functions.SSL_set1_host(ssl, name) }
        if let name = configuration.serverName {
            var bytes = Array(name.utf8CString)
            _ = functions.SSL_ctrl(ssl, OpenSSLConstant.setServerName, 0, &bytes)
        }
        if preSharedKey != nil {
            _ = functions.SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        }
        guard !configuration.cipherSuites.isEmpty else { return }
        let names = configuration.cipherSuites.compactMap { code in
            functions.SSL_CIPHER_find(ssl, [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]).map {
                String(cString: functions.SSL_CIPHER_get_name($0))
            }
        }
        guard functions.SSL_set_cipher_list(ssl, names.joined(separator: ":")) == 1, !names.isEmpty else {
            throw TLSFailure(reason: "none of the cipher suites is known to OpenSSL")
        }
    }

    /// Called by OpenSSL when the server asks for a pre-shared key; returns its length, or 0 for none.
    private static func givePreSharedKey(
        _ ssl: OpaquePointer, _ identity: UnsafeMutablePointer<CChar>, _ identitySize: Int,
        _ key: UnsafeMutablePointer<UInt8>, _ keySize: Int
    ) -> UInt32 {
        guard let session = (try? OpenSSL.shared.get())?.functions.SSL_get_ex_data(ssl, 0),
            let known = Unmanaged<TLSSession>.fromOpaque(session).takeUnretainedValue().preSharedKey,
            known.identity.count < identitySize, known.key.count <= keySize
        else { return 0 }
        for (index, byte) in known.identity.enumerated() { identity[index] = CChar(bitPattern: byte) }
        identity[known.identity.count] = 0
        for (index, byte) in known.key.enumerated() { key[index] = byte }
        return UInt32(known.key.count)
    }

    // MARK: Use

    /// True if there are records that the socket has not taken yet.
    package var hasUnsent: Bool { !unsent.isEmpty }

    /// True if `receive` may return bytes without more input from the socket.
    package var hasReceived: Bool {
        isEnded || library.functions.SSL_pending(ssl) > 0 || library.functions.BIO_ctrl_pending(incoming) > 0
    }

    /// Continues the handshake as far as the socket allows.
    /// - Returns: true if the handshake is complete.
    /// - Throws: `TLSFailure` if the handshake fails.
    package func shakeHands(over socket: Socket) throws(TLSFailure) -> Bool {
        while true {
            library.functions.ERR_clear_error()
            let result = library.functions.SSL_do_handshake(ssl)
            let error = library.functions.SSL_get_error(ssl, result)
            let reason = result == 1 || error == OpenSSLConstant.wantRead ? "" : failureReason
            // Send the last flight, or an alert with the reason.
            _ = flush(to: socket)
            if result == 1 { return true }
            guard error == OpenSSLConstant.wantRead else { throw TLSFailure(reason: reason) }
            switch fill(from: socket) {
            case .success(.done): continue
            case .success(.wouldBlock): return false
            case .success(.ended): throw TLSFailure(reason: "the peer closed the connection")
            case .failure(let error): throw TLSFailure(reason: error.description)
            }
        }
    }

    private var failureReason: String {
        let functions = library.functions
        let verification = functions.SSL_get_verify_result(ssl)
        let reason = library.takeError()
        guard verification != 0 else { return reason }
        return "\(reason): \(String(cString: functions.X509_verify_cert_error_string(verification)))"
    }

    /// Sends at most one record; nothing while the previous record is not sent completely.
    package func send(
        _ bytes: UnsafeRawBufferPointer, over socket: Socket
    ) -> Result<FileDescriptor.Transfer, SystemError> {
        if case .failure(let error) = flush(to: socket) { return .failure(error) }
        guard unsent.isEmpty else { return .success(.wouldBlock) }
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return .success(.done(0)) }
        library.functions.ERR_clear_error()
        let count = library.functions.SSL_write(ssl, start, Int32(min(bytes.count, Self.longestRecord)))
        guard count > 0 else { return .success(.ended) }
        return flush(to: socket).map { _ in .done(Int(count)) }
    }

    /// Receives the available bytes, at most as many as the buffer holds.
    package func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: Socket
    ) -> Result<FileDescriptor.Transfer, SystemError> {
        var total = 0
        while total < buffer.count, !isEnded {
            library.functions.ERR_clear_error()
            let count = library.functions.SSL_read(
                ssl, buffer.baseAddress.unsafelyUnwrapped + total, Int32(buffer.count - total))
            if count > 0 {
                total += Int(count)
                continue
            }
            guard library.functions.SSL_get_error(ssl, count) == OpenSSLConstant.wantRead else {
                isEnded = true
                break
            }
            switch fill(from: socket) {
            case .success(.done): continue
            case .success(.wouldBlock): break
            case .success(.ended), .failure: isEnded = true
            }
            break
        }
        // TLS answers some messages by itself.
        if library.functions.BIO_ctrl_pending(outgoing) > 0 { _ = flush(to: socket) }
        if total > 0 { return .success(.done(total)) }
        return .success(isEnded ? .ended : .wouldBlock)
    }

    /// Tells the peer that no more bytes follow, if the socket has room for the message.
    package func end(over socket: Socket) {
        library.functions.ERR_clear_error()
        _ = library.functions.SSL_shutdown(ssl)
        _ = flush(to: socket)
        library.functions.ERR_clear_error()
    }

    private func fill(from socket: Socket) -> Result<FileDescriptor.Transfer, SystemError> {
        let result = wire.withUnsafeMutableBytes(socket.receive)
        if case .success(.done(let count)) = result {
            _ = library.functions.BIO_write(incoming, wire, Int32(count))
        }
        return result
    }

    private func flush(to socket: Socket) -> Result<FileDescriptor.Transfer, SystemError> {
        while true {
            let count = library.functions.BIO_read(outgoing, &wire, Int32(wire.count))
            guard count > 0 else { break }
            unsent.append(contentsOf: wire[..<Int(count)])
        }
        while !unsent.isEmpty {
            switch unsent.withUnsafeBytes(socket.send) {
            case .success(.done(let count)): unsent.removeFirst(count)
            case let other: return other
            }
        }
        return .success(.done(0))
    }
}
