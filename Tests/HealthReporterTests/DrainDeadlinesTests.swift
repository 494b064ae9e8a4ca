import Testing

@testable import HealthReporter

@Suite("DrainDeadlines")
struct DrainDeadlinesTests {
    static let start = DrainDeadlines.Instant.now

    static func drained(until: Timestamp?) -> AdminState {
        AdminState().asking(for: .drain, of: ["web"], reason: "", until: until, now: noon, generation: 9)
    }

    @Test(
        "a drain of 60 s ends after 60 s, whatever the wall clock is set to meanwhile",
        arguments: [-86_400 * 365, -61, -1, 0, 1, 61, 86_400 * 365] as [Int64])
    func jump(by seconds: Int64) throws {
        var deadlines = DrainDeadlines()
        var admin = Self.drained(until: noon.adding(seconds: 60))
        deadlines.follow(admin, now: noon, instant: Self.start)
        let jumped = noon.adding(seconds: 10 + seconds)
        let later = Self.start + .seconds(10)
        #expect(deadlines.expired(at: later) == [])
        let corrected = deadlines.corrected(admin, now: jumped, instant: later)
        #expect((corrected == nil) == (abs(seconds) <= DrainDeadlines.tolerance))
        if let corrected {
            #expect(corrected.services["web"]?.until == jumped.adding(seconds: 50))
            admin = corrected
            deadlines.follow(admin, now: jumped, instant: later)
        }
        #expect(deadlines.corrected(admin, now: jumped, instant: later) == nil, "once is enough")
        #expect(deadlines.expired(at: Self.start + .seconds(59)) == [])
        #expect(deadlines.expired(at: Self.start + .seconds(60)) == ["web"])
        // What a restart reads then leads to the same end.
        var again = DrainDeadlines()
        again.follow(admin, now: jumped, instant: later)
        let error = abs(seconds) <= DrainDeadlines.tolerance ? abs(seconds) : 0
        #expect(again.expired(at: Self.start + .seconds(59 - error)) == [])
        #expect(again.expired(at: Self.start + .seconds(61 + error)) == ["web"])
    }

    @Test("rounding never ends a drain early")
    func rounding() {
        var deadlines = DrainDeadlines()
        var admin = Self.drained(until: noon.adding(seconds: 60))
        deadlines.follow(admin, now: noon, instant: Self.start)
        for step in 1...50 {
            // 1.1 s pass, and each time the clock is set forward by an hour.
            let (now, instant) = (noon.adding(seconds: Int64(step) * 3_600), Self.start + .milliseconds(1_100) * step)
            guard let corrected = deadlines.corrected(admin, now: now, instant: instant) else { continue }
            admin = corrected
            deadlines.follow(admin, now: now, instant: instant)
        }
        #expect(deadlines.expired(at: Self.start + .milliseconds(59_999)) == [])
    }

    @Test("an end in the past is due at once, one without an end never; a recorded end that is absurd is bounded")
    func limits() {
        var deadlines = DrainDeadlines()
        deadlines.follow(Self.drained(until: noon.adding(seconds: -5)), now: noon, instant: Self.start)
        #expect(deadlines.expired(at: Self.start) == ["web"])
        deadlines.follow(Self.drained(until: nil), now: noon, instant: Self.start)
        #expect(deadlines.expired(at: Self.start + .seconds(1_000_000)) == [])
        let absurd = Timestamp(secondsSinceEpoch: .max / 2)
        deadlines.follow(Self.drained(until: absurd), now: noon, instant: Self.start)
        #expect(deadlines.expired(at: Self.start + .seconds(ControlRequest.longestTTL)) == ["web"])
    }
}
