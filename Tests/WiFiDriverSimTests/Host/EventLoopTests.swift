import Glibc
import Testing
@testable import WiFiSimHost
@testable import WiFiSimValues

struct EventLoopTests {
    @Test func `An interest that holds once is renewed by an update`() throws {
        let loop = try EventLoop()
        var ends: [Int32] = [-1, -1]
        try systemCall("pipe") { pipe(&ends) }
        let reader = FileDescriptor(owning: ends[0])
        var writer: FileDescriptor? = FileDescriptor(owning: ends[1])
        var events = 0
        let once = EventLoop.Interest(reads: true, isOnce: true)
        try loop.watch(reader, for: once) { _ in events += 1 }
        var byte: UInt8 = 1
        #expect(write(ends[1], &byte, 1) == 1)
        try loop.wait(until: loop.now)
        try loop.wait(until: loop.now)
        #expect(events == 1)
        try loop.update(reader, for: once)
        try loop.wait(until: loop.now)
        #expect(events == 2)
        // Not even the end of the other side is reported.
        writer = nil
        _ = writer
        try loop.wait(until: loop.now)
        #expect(events == 2)
        try loop.update(reader, for: once)
        try loop.wait(until: loop.now)
        #expect(events == 3)
    }
}
