import COpenSSL

/// The system's OpenSSL, loaded when TLS is first used.
struct OpenSSL: Sendable {
    /// OpenSSL's functions under their own names.
    let functions: copenssl

    static let shared = Result { () throws(TLSFailure) in try OpenSSL() }

    private init() throws(TLSFailure) {
        let table = UnsafeMutablePointer<copenssl>.allocate(capacity: 1)
        defer { table.deallocate() }
        guard copenssl_load(table) != 0 else {
            throw TLSFailure(reason: "SSL needs OpenSSL 3 (libssl.so.3): install the package libssl3")
        }
        functions = table.pointee
    }

    /// The certificates in a PEM text, or the single certificate in DER.
    func certificates(_ bytes: [UInt8]) -> [OpaquePointer] {
        var found: [OpaquePointer] = []
        withInput(bytes) { input in
            while let certificate = functions.PEM_read_bio_X509(input, nil, nil, nil) { found.append(certificate) }
        }
        if found.isEmpty { withInput(bytes) { found = [functions.d2i_X509_bio($0, nil)].compactMap { $0 } } }
        functions.ERR_clear_error()
        return found
    }

    /// A private key in PEM or DER.
    func privateKey(_ bytes: [UInt8]) -> OpaquePointer? {
        var key: OpaquePointer?
        withInput(bytes) { key = functions.PEM_read_bio_PrivateKey($0, nil, nil, nil) }
        if key == nil { withInput(bytes) { key = functions.d2i_PrivateKey_bio($0, nil) } }
        functions.ERR_clear_error()
        return key
    }

    private func withInput(_ bytes: [UInt8], _ body: (OpaquePointer) -> Void) {
        bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress, let input = functions.BIO_new_mem_buf(start, Int32(buffer.count))
            else { return }
            body(input)
            _ = functions.BIO_free(input)
        }
    }

    /// Takes OpenSSL's last error as text, and clears its error queue.
    func takeError() -> String {
        let code = functions.ERR_get_error()
        functions.ERR_clear_error()
        return functions.ERR_reason_error_string(code).map { String(cString: $0) } ?? "the peer closed the connection"
    }
}

/// The reason why a TLS handshake failed or a TLS connection ended.
package struct TLSFailure: Error, Equatable {
    package let reason: String
}

// The values of macros in OpenSSL's headers.
enum OpenSSLConstant {
    static let verifyNone: Int32 = 0
    static let verifyPeer: Int32 = 1
    static let failIfNoPeerCertificate: Int32 = 2
    static let setMinimumVersion: Int32 = 123
    static let setMaximumVersion: Int32 = 124
    static let tls1_2 = 0x0303
    static let addChainCertificate: Int32 = 89
    static let setServerName: Int32 = 55
    static let wantRead: Int32 = 2
    static let noCheckTime: UInt = 0x20_0000
}
