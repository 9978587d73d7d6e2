import CPosix
import Glibc

/// A failed system call: which one, on what, and the system's reason.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call and its object, for example `open /dev/ttyUSB0`.
    public let operation: String
    /// The value of `errno`.
    public let code: Int32
    /// A better explanation than that of `code`; `nil` if there is none.
    public let reason: String?

    /// Makes an error of `operation` with the value of `errno`, the current one unless another is given.
    public init(_ operation: String, code: Int32 = errno, reason: String? = nil) {
        self.operation = operation
        self.code = code
        self.reason = reason
    }

    /// The message: operation and explanation.
    public var description: String { "\(operation): \(explanation)" }

    /// The reason, without the operation.
    package var explanation: String { reason ?? String(cString: strerror(code)) }
}

/// Runs a system call that returns -1 on failure, and repeats it while a signal interrupts it.
@inline(__always)
func retryingInterrupts<Result: FixedWidthInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

/// As `retryingInterrupts`, but throws a `SystemError` with the operation on failure.
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
