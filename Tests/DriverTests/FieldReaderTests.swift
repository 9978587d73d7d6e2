import Testing
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

/// Replies have no escapes: an SSID is printed unchanged, and the fields after it determine where it ends.
@Suite struct `Fields of a reply` {
    @Test(arguments: ["cafe", "a,b\"c\\d", "\",\"", "", "x\",-1,\"y", "caf\u{e9}"])
    func `A name may contain any characters`(name: String) {
        let line = Array("3,\"\(name)\",-45,\"1e:30:6c:a2:45:5e\",6,-1,-1,4,4,7,1)".utf8)
        line.withUnsafeBytes { bytes in
            var fields = FieldReader(bytes)
            #expect(fields.integer() == 3)
            let text = fields.text(quotesAfter: 2)
            #expect(text == Array(name.utf8))
            #expect(fields.integer() == -45)
            #expect(fields.mac()?.description == "1e:30:6c:a2:45:5e")
            #expect(fields.integer() == 6)
        }
    }

    @Test(arguments: [("", nil), ("\"", ""), ("\"cafe", "cafe"), ("cafe,1", "cafe"), ("\"cafe\",1", "cafe")])
    func `A damaged line gives the rest of its name, and no field after it`(line: String, name: String?) {
        Array(line.utf8).withUnsafeBytes { bytes in
            var fields = FieldReader(bytes)
            #expect(fields.text(quotesAfter: 2) == name.map { Array($0.utf8) })
            #expect(fields.mac() == nil)
        }
    }
}
