import Glibc
import Testing
@testable import WiFiSimHost

@Test func `A system error names the operation and the reason`() {
    #expect(SystemError("open /nowhere", code: ENOENT).description == "open /nowhere: No such file or directory")
}
