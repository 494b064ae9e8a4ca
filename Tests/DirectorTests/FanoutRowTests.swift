internal import Fuzzing
internal import Testing

@testable internal import Director
@testable internal import PacketIO

@Suite("the places in a group of sockets")
struct FanoutRowTests {
    static let start = SuspendingClock.now

    /// The kernel's groups with their members as it numbers them.
    struct Kernel {
        private(set) var groups: [UInt16: [Int]] = [:]
        private var newest: UInt16 = 0

        mutating func join(_ member: Int, _ group: FanoutGroup?) -> FanoutGroup {
            if group == nil { newest += 1 }
            let identifier = group?.identifier ?? newest
            groups[identifier, default: []].append(member)
            return FanoutGroup(identifier: identifier)
        }

        /// The last member gets the number of the one that goes (`__fanout_unlink` in `net/packet/af_packet.c`).
        mutating func leave(_ member: Int, _ group: FanoutGroup) {
            guard var members = groups[group.identifier], let index = members.firstIndex(of: member) else { return }
            members.swapAt(index, members.count - 1)
            members.removeLast()
            groups[group.identifier] = members.isEmpty ? nil : members
        }
    }

    /// Where a worker's thread is.
    enum Place {
        case away
        case called(FanoutRow.Turn)
        case joined(FanoutGroup, FanoutRow.Turn)
        case seated(FanoutGroup)
        /// Its socket is closed, and nobody was told yet.
        case closed
    }

    @Test(
        "whoever comes and goes, and whenever: all who sit are of one group, and numbered in their order",
        arguments: 2...5)
    func interleavings(workers: Int) {
        var random = SplitMix(seed: UInt64(workers))
        var (row, kernel) = (FanoutRow(workers: workers), Kernel())
        var places = [Place](repeating: .away, count: workers)
        var (complete, refused) = (0, 0)
        for step in 0..<40_000 {
            let worker = random.below(workers)
            switch places[worker] {
            case .away:
                if let turn = row.turn(of: worker) { places[worker] = .called(turn) }
            case .called(let turn):
                places[worker] = .joined(kernel.join(worker, turn.group), turn)
            case .joined(let group, let turn):
                if row.take(worker, turn, in: group, now: Self.start) {
                    places[worker] = .seated(group)
                } else {
                    kernel.leave(worker, group)
                    places[worker] = .away
                    refused += 1
                }
            case .seated(let group):
                // Its link may be lost at any time.
                guard row.mustLeave(worker) || random.once(in: 8 * workers) else { break }
                kernel.leave(worker, group)
                places[worker] = .closed
            case .closed:
                let sat = row.leave(worker, now: Self.start)
                #expect(sat)
                places[worker] = .away
            }
            let seated = places.compactMap { if case .seated(let group) = $0 { group } else { nil } }
            guard seated.count == workers else { continue }
            complete += 1
            #expect(row.isComplete && row.admits(now: Self.start))
            guard kernel.groups[seated[0].identifier] == Array(0..<workers), Set(seated).count == 1 else {
                Issue.record("step \(step): \(places), \(kernel.groups)")
                return
            }
        }
        #expect(complete > 100 && refused > 100)
    }

    @Test("a place is refused to whoever's turn it is not, or no more, or who is in another group")
    func refused() throws {
        let (group, other) = (FanoutGroup(identifier: 1), FanoutGroup(identifier: 2))
        var row = FanoutRow(workers: 3)
        func takes(_ worker: Int, _ turn: FanoutRow.Turn, _ group: FanoutGroup?) -> Bool {
            row.take(worker, turn, in: group, now: Self.start)
        }
        func leaves(_ worker: Int) -> Bool { row.leave(worker, now: Self.start) }
        let first = try #require(row.turn(of: 0))
        #expect(first.group == nil && row.turn(of: 1) == nil && row.turn(of: 2) == nil)
        #expect(!takes(1, first, group), "it is not its turn")
        #expect(takes(0, first, group))
        #expect(!takes(0, first, group), "twice")
        let second = try #require(row.turn(of: 1))
        #expect(second.group == group && row.turn(of: 0) == nil)
        #expect(!takes(1, second, other))
        #expect(!takes(1, second, nil))
        // The first one's link is lost and back, before the second one has noticed anything.
        #expect(leaves(0))
        #expect(!leaves(0))
        #expect(takes(0, try #require(row.turn(of: 0)), group))
        #expect(!takes(1, second, group), "its turn has passed")
        #expect(takes(1, try #require(row.turn(of: 1)), group))
        #expect(!row.isComplete && !row.mustLeave(1))
        // Nobody sits in front of one that stood up, until all behind it have.
        #expect(leaves(0))
        #expect(row.mustLeave(1) && row.turn(of: 0) == nil)
        #expect(leaves(1))
        #expect(row.turn(of: 0)?.group == nil && row.turn(of: 0) != nil && row.turn(of: 1) == nil)
    }

    @Test("packets are taken once all sit, not while one is missing, but without one that does not come")
    func admission() throws {
        var row = FanoutRow(workers: 2)
        let soon = Self.start + .seconds(1)
        func take(_ worker: Int, now: SuspendingClock.Instant) throws {
            let turn = try #require(row.turn(of: worker))
            let isSeated = row.take(worker, turn, in: FanoutGroup(identifier: 7), now: now)
            #expect(isSeated)
        }
        try take(0, now: Self.start)
        #expect(!row.admits(now: Self.start) && !row.admits(now: soon))
        try take(1, now: soon)
        #expect(row.admits(now: soon))
        let hasLeft = row.leave(1, now: Self.start + .seconds(100))
        #expect(hasLeft && !row.admits(now: Self.start + .seconds(104)))
        #expect(row.admits(now: Self.start + .seconds(105)), "the others have waited long enough")
        try take(1, now: Self.start + .seconds(106))
        #expect(row.admits(now: Self.start + .seconds(106)))
    }
}
