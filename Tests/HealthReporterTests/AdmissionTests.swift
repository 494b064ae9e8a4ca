import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Who may ask over TCP")
struct AdmissionTests {
    @Test(
        "directors, this host, and who is allowed are told from strangers",
        arguments: [
            ("10.0.0.1", "10.0.0.11", Caller.director), ("::ffff:10.0.0.1", "::ffff:10.0.0.11", .director),
            ("10.0.0.11", "10.0.0.11", .host), ("127.0.0.1", "127.0.0.1", .host), ("127.9.9.9", "127.0.0.1", .host),
            ("::1", "::1", .host), ("192.0.2.7", "10.0.0.11", .guest), ("192.0.3.7", "10.0.0.11", .stranger),
            ("2001:db8::5", "2001:db8::11", .guest), ("2001:db9::5", "2001:db8::11", .stranger),
            ("128.0.0.1", "10.0.0.11", .stranger), (nil, "10.0.0.11", .stranger),
        ] as [(String?, String, Caller)])
    func callers(remote: String?, local: String, caller: Caller) {
        let networks = [Prefix("192.0.2.0/24")!, Prefix("2001:db8::/32")!]
        let admission = Admission(.directorsAnd(networks), directors: [address("10.0.0.1")])
        #expect(admission.caller(from: remote.map(address), to: address(local)) == caller)
    }

    @Test("without directors and networks anyone may ask, with either only they")
    func open() {
        func stranger(_ callers: AgentConfiguration.ReportAdmission.Callers, _ directors: [String]) -> Caller {
            Admission(callers, directors: directors.map(address)).caller(from: address("203.0.113.9"), to: nil)
        }
        #expect(stranger(.directorsAnd([]), []) == .guest)
        #expect(stranger(.anyone, ["10.0.0.1"]) == .guest)
        #expect(stranger(.directorsAnd([]), ["10.0.0.1"]) == .stranger)
        #expect(stranger(.directorsAnd([Prefix("10.0.0.0/8")!]), []) == .stranger)
    }

    @Test("a refusal says what to write")
    func refusal() {
        #expect(Admission.refusal(of: address("10.9.9.9")).contains("allow = [\"10.9.9.9/32\"] under [report]"))
        #expect(Admission.refusal(of: address("2001:db8::9")).contains("allow = [\"2001:db8::9/128\"]"))
        #expect(!Admission.refusal(of: nil).contains("\n"))
    }

    @Test("an address is told of once in the interval, and no more than so many addresses are")
    func sparing() {
        var sparing = Sparing(interval: .seconds(3_600))
        let start = ContinuousClock.now
        let dues = [0, 3_599, 3_600].map { sparing.isDue(address("10.0.0.1"), at: start + .seconds($0)) }
        #expect(dues == [true, false, true])
        let due = (0..<10_000).count { number in
            sparing.isDue(
                .v4(IPv4Address(10, 1, UInt8(number / 256), UInt8(number % 256))), at: start + .seconds(3_601))
        }
        #expect(due == Sparing.most - 1)
        let isDue = sparing.isDue(address("10.2.0.1"), at: start + .seconds(8_000))
        #expect(isDue, "the old ones are forgotten")
    }
}

@Suite("ConnectionTable")
struct ConnectionTableTests {
    private let rooms: [Caller: ConnectionTable.Room] = [
        .director: .init(all: 4, perAddress: 3), .guest: .init(all: 4, perAddress: 2),
    ]

    /// A table whose admissions a test can ask for inside an expectation.
    private final class Tested {
        private var table: ConnectionTable
        init(_ rooms: [Caller: ConnectionTable.Room]) { table = ConnectionTable(rooms: rooms) }
        func admit(_ caller: Caller, _ from: String) -> (id: ConnectionTable.ID, closing: ConnectionTable.ID?)? {
            table.admit(caller, from: address(from))
        }
        func answers(_ id: ConnectionTable.ID) { table.setIdle(false, id) }
        func hasAnswered(_ id: ConnectionTable.ID) {
            table.setIdle(false, id)
            table.setIdle(true, id)
        }
        func remove(_ id: ConnectionTable.ID) { table.remove(id) }
        func count(_ caller: Caller) -> Int { table.count(of: caller) }
    }

    @Test("one address crowds out itself, the oldest idle connection first")
    func oneAddress() throws {
        let table = Tested(rooms)
        let one = try #require(table.admit(.guest, "10.0.0.1"))
        let two = try #require(table.admit(.guest, "10.0.0.1"))
        let other = try #require(table.admit(.guest, "10.0.0.2"))
        #expect(one.closing == nil && two.closing == nil && other.closing == nil)
        let third = try #require(table.admit(.guest, "10.0.0.1"))
        #expect(third.closing == one.id)
        #expect(table.count(.guest) == 3)
        table.answers(two.id)
        let fourth = try #require(table.admit(.guest, "10.0.0.1"))
        #expect(fourth.closing == third.id, "the older one is being answered")
        table.answers(fourth.id)
        #expect(table.admit(.guest, "10.0.0.1") == nil, "all are being answered")
        table.remove(two.id)
        let fifth = try #require(table.admit(.guest, "10.0.0.1"))
        #expect(fifth.closing == nil)
    }

    @Test("who asks is not crowded out between two questions by who only sits there")
    func betweenQuestions() throws {
        let table = Tested(rooms)
        let polling = try #require(table.admit(.director, "10.0.0.1")).id
        for _ in 0..<1_000 {
            table.hasAnswered(polling)
            #expect(table.admit(.director, "10.0.0.1")?.closing != polling)
        }
        #expect(table.count(.director) == 3)
        // Where all have asked, the one goes that has been idle longest.
        let others = try (0..<2).map { _ in try #require(table.admit(.director, "10.0.0.1")).id }
        for id in others + [polling] { table.hasAnswered(id) }
        #expect(table.admit(.director, "10.0.0.1")?.closing == others[0])
        table.hasAnswered(others[1])
        #expect(table.admit(.director, "10.0.0.1")?.closing != others[1], "the newcomer before has not asked yet")
    }

    @Test("a full room gives way to a newcomer, and a kind of caller has none of another's")
    func manyAddresses() throws {
        let table = Tested(rooms)
        let ids = try (1...4).map { try #require(table.admit(.guest, "10.0.0.\($0)")).id }
        table.answers(ids[0])
        #expect(table.admit(.guest, "10.0.0.5")?.closing == ids[1])
        for _ in 0..<1_000 { _ = table.admit(.guest, "10.0.0.6") }
        #expect(table.count(.guest) == 4)
        let director = try #require(table.admit(.director, "10.0.0.9"))
        #expect(director.closing == nil)
        #expect(table.admit(.stranger, "10.0.0.7") == nil, "there is no room for them here")
    }
}

@Suite("RequestPace")
struct RequestPaceTests {
    let start = ContinuousClock.now

    @Test("the first request has its time from the first moment, however often a byte comes")
    func first() {
        var pace = RequestPace(at: start)
        #expect(pace.deadline == start + RequestPace.requestLimit)
        for second in 1...4 { pace.receive(at: start + .seconds(second)) }
        #expect(pace.deadline == start + RequestPace.requestLimit)
    }

    @Test("a request that is being answered has no end, and the next one its time from its first byte")
    func held() {
        var pace = RequestPace(at: start)
        pace.receive(at: start)
        pace.beginAnswering()
        #expect(pace.deadline == start + RequestPace.requestLimit, "its body is not there yet")
        pace.endRequest()
        #expect(pace.deadline == nil && !pace.isIdle)
        let later = start + .seconds(60)
        pace.endAnswering(isLast: false, at: later)
        #expect(pace.deadline == later + RequestPace.idleLimit && pace.isIdle)
        pace.receive(at: later + .seconds(30))
        pace.receive(at: later + .seconds(33))
        #expect(pace.deadline == later + .seconds(30) + RequestPace.requestLimit)
    }

    @Test("who does not read, or does not close after the last answer, is not waited for")
    func slowReader() {
        var pace = RequestPace(at: start)
        pace.receive(at: start)
        pace.beginAnswering()
        pace.endRequest()
        pace.setReading(false, at: start + .seconds(1))
        pace.setReading(false, at: start + .seconds(2))
        #expect(pace.deadline == start + .seconds(1) + RequestPace.readingLimit)
        pace.setReading(true, at: start + .seconds(3))
        #expect(pace.deadline == nil)
        pace.endAnswering(isLast: true, at: start + .seconds(3))
        #expect(pace.deadline == start + .seconds(3) + RequestPace.requestLimit)
    }
}
