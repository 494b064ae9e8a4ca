import Testing

@testable import HealthReporter

@Suite("EvictionPace")
struct EvictionPaceTests {
    private let start = ContinuousClock.now

    @Test("so many may follow one another at once, and the next has to wait for its token")
    func burst() {
        var pace = EvictionPace(at: start)
        for _ in 0..<EvictionPace.burst {
            #expect(pace.pause(at: start) == nil)
            pace.take(at: start)
        }
        #expect(pace.pause(at: start) == nil, "the bucket is empty, nobody has borrowed from it")
        pace.take(at: start)
        #expect(pace.pause(at: start) == EvictionPace.interval)
        #expect(pace.pause(at: start + EvictionPace.interval) == nil)
    }

    @Test("whatever is tried, it comes to one in an interval")
    func flood() {
        var pace = EvictionPace(at: start)
        var now = start
        var taken = 0
        while now < start + .seconds(1) {
            if let pause = pace.pause(at: now) {
                now += pause
            } else {
                pace.take(at: now)
                taken += 1
            }
        }
        let share = Int(.seconds(1) / EvictionPace.interval)
        #expect((share...share + EvictionPace.burst + 1).contains(taken))
    }

    @Test("a bucket that has long been full holds no more for that")
    func rest() {
        var pace = EvictionPace(at: start)
        let later = start + .seconds(3_600)
        for _ in 0...EvictionPace.burst { pace.take(at: later) }
        #expect(pace.pause(at: later) != nil)
    }
}
