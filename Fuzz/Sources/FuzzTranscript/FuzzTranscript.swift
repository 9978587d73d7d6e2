import CFuzz
import WiFiDriverSim

/// Any bytes must parse to a transcript or give an error whose place is in the text. A parsed transcript must print to
/// text that parses to the same transcript.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = Array(UnsafeBufferPointer(start: start, count: count))
    do throws(TranscriptError) {
        let transcript = try Transcript(parsing: text)
        let printed = transcript.description
        let again = try Transcript(parsing: printed)
        precondition(again == transcript, "parsing the printed transcript gives a different one")
        precondition(again.description == printed, "the second printing differs from the first")
    } catch {
        let lineCount = text.count { $0 == 0x0A } + 1
        precondition((1...lineCount).contains(error.line) && error.column >= 1, "the place is outside: \(error)")
    }
    return 0
}

/// The entry point, under the name that the package manager expects.
@_cdecl("FuzzTranscript_main")
public func run(_ argumentCount: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var argumentCount = argumentCount
    var arguments = arguments
    return LLVMFuzzerRunDriver(&argumentCount, &arguments) { fuzz($0, $1) }
}
