import Logging
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("DirectorPresence")
struct DirectorPresenceTests {
    let one = address("10.0.0.1")
    let two = address("10.0.0.2")
    let start = DirectorPresence.Instant.now

    private func at(_ seconds: Double) -> DirectorPresence.Instant { start + .seconds(seconds) }

    private func presence(_ directors: [IPAddress]? = nil) -> DirectorPresence {
        DirectorPresence(directors: directors ?? [one, two], silence: .seconds(10), now: start)
    }

    @Test("before any director has asked the order is the configuration's, however long that takes")
    func nobody() {
        let presence = presence()
        for second in [0, 9, 11, 3_600] { #expect(presence.order(at: at(Double(second))) == [one, two]) }
        #expect(presence.silent(at: at(10)) == [])
    }

    @Test("a director that stops asking goes behind those that ask, and comes back with its next question")
    func stops() {
        var presence = presence()
        for second in 0...20 { presence.hear(two, at: at(Double(second))) }
        for second in 0...5 { presence.hear(one, at: at(Double(second))) }
        #expect(presence.order(at: at(15)) == [one, two])
        #expect(presence.order(at: at(15.1)) == [two, one])
        presence.hear(one, at: at(20))
        #expect(presence.order(at: at(20)) == [one, two])
    }

    @Test("one that has never asked gets the same time from the start")
    func never() {
        var presence = presence()
        for second in 1...20 { presence.hear(two, at: at(Double(second))) }
        #expect(presence.order(at: at(10)) == [one, two])
        #expect(presence.order(at: at(10.1)) == [two, one])
    }

    @Test("where all are silent nothing is known against any of them")
    func all() {
        var presence = presence()
        for second in 0...30 { presence.hear(two, at: at(Double(second))) }
        #expect(presence.order(at: at(30)) == [two, one])
        #expect(presence.silent(at: at(41)) == [one, two])
        #expect(presence.order(at: at(41)) == [one, two])
    }

    @Test("a poll that is held is a sign of life, and silence counts from its end")
    func held() {
        var presence = presence()
        presence.hear(one, at: at(0))
        presence.beginHolding(one)
        presence.hear(two, at: at(55))
        #expect(presence.order(at: at(59)) == [one, two])
        presence.endHolding(one, at: at(60))
        #expect(presence.silent(at: at(70)) == [two])
        #expect(presence.silent(at: at(70.1)) == [one, two])
    }

    @Test("of two polls that are held the last to end counts, and one that was never held ends nothing")
    func heldTwice() {
        var presence = presence([one])
        presence.endHolding(one, at: at(0))
        presence.beginHolding(one)
        presence.beginHolding(one)
        presence.endHolding(one, at: at(1))
        #expect(presence.silent(at: at(50)) == [])
        presence.endHolding(one, at: at(50))
        #expect(presence.silent(at: at(60.1)) == [one])
    }

    @Test("what a long poll waits for is no pause: after it the director is silent as soon as any other")
    func longPollsAreNoPause() {
        var presence = presence([one])
        for round in 0..<5 {
            presence.hear(one, at: at(Double(round * 60)))
            presence.beginHolding(one)
            presence.endHolding(one, at: at(Double(round * 60 + 60)))
        }
        #expect(presence.silent(at: at(310)) == [])
        #expect(presence.silent(at: at(310.1)) == [one])
    }

    @Test("a director that asks once a minute is silent after three minutes, and does not come and go")
    func slow() {
        var presence = presence()
        for second in 0...400 { presence.hear(two, at: at(Double(second))) }
        for minute in 0...5 {
            presence.hear(one, at: at(Double(minute * 60)))
            if minute > 0 { #expect(presence.silent(at: at(Double(minute * 60 + 59))) == []) }
        }
        #expect(presence.silent(at: at(300 + 180)) == [two])
        #expect(presence.silent(at: at(300 + 181)) == [one, two])
    }

    @Test("an absence is no interval: one that was longer is not learnt from, and a shorter one is forgotten")
    func absence() {
        var presence = presence([one])
        for second in [0, 1, 2, 93, 94] { presence.hear(one, at: at(Double(second))) }
        #expect(presence.silent(at: at(105)) == [one], "91 s")
        for second in [144, 145] { presence.hear(one, at: at(Double(second))) }
        #expect(presence.silent(at: at(145 + 149)) == [], "50 s may be its interval")
        for second in 146...800 { presence.hear(one, at: at(Double(second))) }
        #expect(presence.silent(at: at(811)) == [one], "and was not")
    }

    @Test("who is no director changes nothing; a director is known also where it comes in mapped into IPv6")
    func callers() {
        var presence = presence()
        presence.hear(nil, at: at(20))
        presence.hear(address("10.0.0.3"), at: at(20))
        presence.beginHolding(address("10.0.0.3"))
        presence.endHolding(nil, at: at(20))
        #expect(presence.silent(at: at(20)) == [one, two])
        presence.hear(address("::ffff:10.0.0.2"), at: at(20))
        #expect(presence.order(at: at(20)) == [two, one])
    }

    @Test("the order is told when it changes, and only then; who fell silent and who is back is logged")
    func told() async throws {
        let (folder, orders, lines) = (Folder(), Box<[[IPAddress]]>([]), Box<[String]>([]))
        let logger = Logger(label: "test") { _ in CapturingLog(lines: lines) }
        let store = try makeStore(
            in: folder, directors: ["10.0.0.1", "10.0.0.2"], instant: start, logger: logger
        ) { order in orders.change { $0.append(order) } }
        for second in 0...60 {
            // The first stops between 10 and 40; the second always asks, now and then only for its health.
            let now = at(Double(second))
            if !(11..<40).contains(second) {
                await store.recordPoll(from: one, name: nil, since: nil, at: noon, instant: now)
            }
            await store.recordTold(two, of: ["web"], by: PlainQuestion("/health/web"), at: noon, instant: now)
            await store.reviewDirectors(at: now)
        }
        #expect(orders.value == [[two, one], [one, two]])
        let told = lines.value.filter { $0.hasPrefix("director") }
        #expect(told.count == 2)
        #expect(told.first?.hasPrefix("director 10.0.0.1 is silent: it no longer asks") == true)
        #expect(told.last?.hasPrefix("director 10.0.0.1 asks") == true)
    }

    @Test("as long as nobody has asked the order is not told, for it has not changed")
    func notTold() async throws {
        let (folder, orders) = (Folder(), Box<[[IPAddress]]>([]))
        let store = try makeStore(in: folder, directors: ["10.0.0.1", "10.0.0.2"], instant: start) { order in
            orders.change { $0.append(order) }
        }
        for second in 0...60 { await store.reviewDirectors(at: at(Double(second))) }
        #expect(orders.value == [])
    }
}
