import CPosix
import Glibc

/// A failed system call: which one, on what, and the system's reason.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call and its object, as `open /dev/ttyUSB0`.
    public let operation: String
    /// The value of `errno`.
    public let code: Int32
    /// What went wrong, where that can be said better than `code` does.
    public let reason: String?

    public init(_ operation: String, code: Int32 = errno, reason: String? = nil) {
        self.operation = operation
        self.code = code
        self.reason = reason
    }

    public var description: String { "\(operation): \(explanation)" }

    /// What went wrong, without the operation.
    package var explanation: String { reason ?? String(cString: strerror(code)) }
}

/// Runs a system call that answers -1 on failure, again while a signal interrupts it.
@inline(__always)
func retryingInterrupts<Result: FixedWidthInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

/// The same, with -1 turned into a `SystemError` that names the operation.
@discardableResult
@inline(__always)
package func systemCall<Result: FixedWidthInteger>(
    _ operation: @autoclosure () -> String, _ call: () -> Result
) throws(SystemError) -> Result {
    let result = retryingInterrupts(call)
    if result == -1 {
        let code = errno
        throw SystemError(operation(), code: code)
    }
    return result
}
