import NetworkAddress
import Testing

@testable import RealServerSetup

@Suite("What somebody else undoes at once is not fought over in a loop")
struct RepairLimitTests {
    private let change = Change.add(.vip(IPv4Address(192, 0, 2, 10)))
    private let other = Change.add(.vip(IPv4Address(192, 0, 2, 11)))
    private let start = ContinuousClock.now

    @Test("ten repairs of one thing at once, then one in every 100 ms, however often it is asked")
    func burst() {
        var limit = RepairLimit()
        let atOnce = (0..<1_000).filter { _ in limit.allows(change, at: start) }
        #expect(atOnce.count == RepairLimit.burst)
        var allowed = 0
        for millisecond in 1...1_000 where limit.allows(change, at: start + .milliseconds(millisecond)) { allowed += 1 }
        #expect(allowed == 10)
    }

    @Test("one thing that is fought over does not hold back another")
    func independent() {
        var limit = RepairLimit()
        while limit.allows(change, at: start) {}
        let isAllowed = limit.allows(other, at: start)
        #expect(isAllowed)
    }

    @Test("what was left in peace may be repaired at once ten times again, and no more")
    func refilled() {
        var limit = RepairLimit()
        while limit.allows(change, at: start) {}
        let later = start + .seconds(3600)
        #expect((0..<100).filter { _ in limit.allows(change, at: later) }.count == RepairLimit.burst)
    }

    @Test("a clock that stands still, or an instant of before, is no error")
    func backwards() {
        var limit = RepairLimit()
        let answers = [limit.allows(change, at: start), limit.allows(change, at: start - .seconds(5))]
        #expect(answers == [true, true])
    }

    @Test("many things that were repaired long ago are forgotten, one that is fought over is not")
    func forgotten() {
        var limit = RepairLimit()
        while limit.allows(change, at: start) {}
        for number in 0..<5_000 {
            _ = limit.allows(.add(.vip(IPv4Address(rawValue: 0x0A00_0000 + UInt32(number)))), at: start)
        }
        let isAllowed = limit.allows(change, at: start)
        #expect(!isAllowed)
    }
}
