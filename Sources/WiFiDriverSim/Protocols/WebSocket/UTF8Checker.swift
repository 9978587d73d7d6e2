/// Checks that bytes are UTF-8, in blocks of any size (RFC 3629).
struct UTF8Checker {
    /// The continuation bytes that the character still needs.
    private var missing = 0
    /// The allowed values of the next continuation byte.
    private var allowed: ClosedRange<UInt8> = 0x80...0xBF

    /// Whether the bytes end between two characters.
    var isComplete: Bool { missing == 0 }

    /// Takes bytes. Returns the place of the first one that cannot be part of the text; `nil` if there is none.
    mutating func take(_ bytes: ArraySlice<UInt8>) -> Int? {
        for (index, byte) in zip(bytes.indices, bytes) where missing > 0 || byte >= 0x80 {
            if missing > 0 {
                guard allowed.contains(byte) else { return index }
                (missing, allowed) = (missing - 1, 0x80...0xBF)
                continue
            }
            switch byte {
            case 0xC2...0xDF: missing = 1
            // Without overlong forms, surrogates, and what is above U+10FFFF.
            case 0xE0: (missing, allowed) = (2, 0xA0...0xBF)
            case 0xED: (missing, allowed) = (2, 0x80...0x9F)
            case 0xE1...0xEF: missing = 2
            case 0xF0: (missing, allowed) = (3, 0x90...0xBF)
            case 0xF1...0xF3: missing = 3
            case 0xF4: (missing, allowed) = (3, 0x80...0x8F)
            default: return index
            }
        }
        return nil
    }
}
