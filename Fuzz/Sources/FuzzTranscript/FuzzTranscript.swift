import CFuzz
import WiFiDriverSim

/// Any bytes are a transcript or an error with a place in them; what was read is printed so that it reads the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = Array(UnsafeBufferPointer(start: start, count: count))
    do throws(TranscriptError) {
        let transcript = try Transcript(parsing: text)
        let printed = transcript.description
        let again = try Transcript(parsing: printed)
        precondition(again == transcript, "another transcript was read from what was printed")
        precondition(again.description == printed, "it is printed otherwise the second time")
    } catch {
        let lineCount = text.count { $0 == 0x0A } + 1
        precondition((1...lineCount).contains(error.line) && error.column >= 1, "the place is outside: \(error)")
    }
    return 0
}

/// The package manager looks for the entry point under this name.
@_cdecl("FuzzTranscript_main")
public func run(_ argumentCount: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var argumentCount = argumentCount
    var arguments = arguments
    return LLVMFuzzerRunDriver(&argumentCount, &arguments) { fuzz($0, $1) }
}
