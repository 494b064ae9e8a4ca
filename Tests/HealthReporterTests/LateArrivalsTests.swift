import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("LateArrivals")
struct LateArrivalsTests {
    static let director = address("10.0.0.1")
    static let start = LateArrivals.Instant.now

    static func connection(_ port: UInt16, from client: String = "198.51.100.7") -> ClientConnection {
        ClientConnection(client: address(client), clientPort: port, address: address("192.0.2.10"), port: 80)
    }

    static func arrival(_ port: UInt16, from sender: Arrival.Sender = .director(director)) -> Arrival {
        Arrival(connection(port), from: sender)
    }

    /// What each look makes of the ports of the connections it lists and of the SYNs it saw (nil: it cannot).
    private func found(_ looks: [(open: [UInt16]?, wire: [UInt16]?)]) -> [[Arrival.Sender]] {
        var late = LateArrivals(checkers: [Self.director])
        return looks.enumerated().map { index, look in
            late.look(
                LateArrivals.Look(
                    open: look.open?.map { Self.connection($0) }, arrivals: look.wire?.map { Self.arrival($0) },
                    obstacle: "no tap"),
                at: Self.start + .milliseconds(250) * index)
        }
    }

    @Test("what was open at the first look came before, and stays unremarkable")
    func baseline() {
        #expect(found([([1, 2], []), ([1, 2], []), ([1], []), ([], [])]) == [[], [], [], []])
        #expect(found([([1, 2], nil), ([1, 2], nil), ([], nil)]) == [[], [], []])
    }

    @Test("a new connection that both witnesses saw is its sender's, and told once")
    func both() {
        #expect(found([([1], []), ([1, 2], [2]), ([1, 2, 3], [3])]) == [[], [.director(Self.director)], []])
    }

    @Test("one whose SYN is read only after it was listed is its sender's all the same")
    func listedFirst() {
        #expect(found([([], []), ([2], []), ([2], [2])]) == [[], [], [.director(Self.director)]])
    }

    @Test("one that was over before the next look is seen on the wire alone")
    func short() {
        #expect(found([([], []), ([], [2])]) == [[], [.director(Self.director)]])
    }

    @Test("one that never shows on the wire is reported without a sender, and says why")
    func listedOnly() {
        #expect(found([([], []), ([2], []), ([2], [])]) == [[], [], [.unknown("it was not seen on the wire")]])
        #expect(found([([], nil), ([2], nil)]) == [[], [.unknown("no tap")]])
    }

    @Test("a SYN that is sent again belongs to a connection that is known")
    func retransmission() {
        #expect(found([([1], []), ([1], [1]), ([1], [1])]) == [[], [], []])
    }

    @Test("a SYN that came between the opening of the tap and the first list came before")
    func between() {
        #expect(found([([1], [1]), ([1], [])]) == [[], []])
    }

    @Test("a port that is used again is a new connection")
    func usedAgain() {
        #expect(found([([1], nil), ([], nil), ([1], nil)]) == [[], [], [.unknown("no tap")]])
    }

    @Test("a list that failed once is begun anew, without an alarm for what is in the next one")
    func gap() {
        let looks: [(open: [UInt16]?, wire: [UInt16]?)] = [([1], nil), (nil, nil), ([1, 2], nil), ([1, 2, 3], nil)]
        #expect(found(looks) == [[], [], [], [.unknown("no tap")]])
    }

    @Test("what comes from a director itself is its check as far as anybody can tell")
    func ownChecks() {
        var late = LateArrivals(checkers: [Self.director])
        let check = Self.connection(9, from: "10.0.0.1")
        #expect(late.look(.init(open: [], arrivals: []), at: Self.start) == [])
        let look = LateArrivals.Look(open: [check], arrivals: [Arrival(check, from: .director(Self.director))])
        #expect(late.look(look, at: Self.start) == [])
        #expect(late.look(.init(open: [check], arrivals: []), at: Self.start) == [])
        let next = Self.connection(10, from: "10.0.0.1")
        for _ in 0..<2 { #expect(late.look(.init(open: [check, next], arrivals: []), at: Self.start) == []) }
    }

    @Test("a sender counts for thirty seconds after its latest connection; after that it is told anew")
    func expiry() {
        var late = LateArrivals(checkers: [])
        _ = late.look(.init(open: [], arrivals: []), at: Self.start)
        let sender = Arrival.Sender.stranger("MAC 02:00:00:00:00:0a,")
        let first = Self.start + .seconds(1)
        #expect(late.look(.init(open: [], arrivals: [Self.arrival(1, from: sender)]), at: first) == [sender])
        #expect(late.alarms(at: first + .seconds(29)).count == 1)
        #expect(late.alarms(at: first + .seconds(29))[0].hasPrefix("MAC 02:00:00:00:00:0a, still sends"))
        #expect(late.alarms(at: first + .seconds(30)) == [])
        let second = first + .seconds(40)
        #expect(late.look(.init(open: [], arrivals: [Self.arrival(2, from: sender)]), at: second) == [sender])
    }

    @Test("many senders take no more room than a few, and too many connections are not kept")
    func bounded() {
        var late = LateArrivals(checkers: [])
        let flood = (0..<1_000).map { Self.arrival(UInt16($0), from: .stranger("MAC \($0)")) }
        _ = late.look(.init(open: [], arrivals: flood), at: Self.start)
        #expect(late.alarms(at: Self.start).count == LateArrivals.maximumSenders + 1)

        let many = (0...LateArrivals.maximumKnown).map {
            Self.connection(UInt16(truncatingIfNeeded: $0), from: "198.51.\($0 >> 16).7")
        }
        var crowded = LateArrivals(checkers: [])
        _ = crowded.look(.init(open: [], arrivals: nil), at: Self.start)
        #expect(crowded.look(.init(open: many, arrivals: nil), at: Self.start) == [])
        let seen = [Self.arrival(9, from: .stranger("x"))]
        #expect(crowded.look(.init(open: many, arrivals: seen), at: Self.start) == [.stranger("x")])
    }
}
