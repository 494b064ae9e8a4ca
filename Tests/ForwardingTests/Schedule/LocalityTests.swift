import Testing

@testable import Forwarding

@Suite("The servers a VIP had: lblc and lblcr")
struct LocalityTests {
    static let day = Locality.expiration

    @Test("lblc stays with a server until it has more connections than its weight and another is idle")
    func withoutReplication() {
        // A has 3 > 2 then, and B 0 × 2 < 4. When B has 5 > 4, A has 3 × 2 ≥ 2: it stays.
        var farm = Farm(.lblc, [2, 4])
        #expect(farm.picks(12, connecting: true) == "AAABBBBBBBBB")
        // Idle is less than half of its weight: 1 × 2 ≥ 2 is not, 0 × 2 < 2 is.
        farm.servers[0].pointee.active = 1
        #expect(farm.picks(1) == "B")
        farm.servers[0].pointee.active = 0
        #expect(farm.picks(1) == "A")
    }

    @Test("lblc looks for another when its server is drained, over its threshold or gone, not when it changed places")
    func movingOn() {
        var farm = Farm(.lblc, [1, 1, 1], active: [1, 0, 1])
        #expect(farm.picks(1) == "B")
        farm.servers[1].pointee.active = 1
        farm.change(to: [Farm.member(1, weight: 1), Farm.member(0, weight: 1), Farm.member(2, weight: 1)])
        farm.servers[0].pointee.active = 0
        #expect(farm.picks(1) == "A", "the same server, first now")
        farm.change(to: [1, 0, 1])
        #expect(farm.picks(1) == "A")
        farm.servers[0].pointee.active = 1
        #expect(farm.picks(1) == "A")
        farm.change(to: [Farm.member(1, weight: 1), Farm.member(2, weight: 1)])
        #expect(farm.picks(1) == "A", "the first of those that are left")
        farm = Farm(.lblc, [1, 1], active: [0, 3])
        #expect(farm.picks(1) == "A")
        farm.servers[0].pointee.upper = 1
        farm.servers[0].pointee.active = 1
        farm.servers[0].pointee.updateOverload()
        #expect(farm.picks(1) == "B")
    }

    @Test("lblc forgets the server of a VIP that nobody asked for in a day")
    func expiry() {
        var farm = Farm(.lblc, [4, 4])
        #expect(farm.picks(1, connecting: true, now: 5) == "A")
        #expect(farm.picks(1, now: 5 + Self.day - 1) == "A")
        #expect(farm.picks(1, now: 5 + Self.day - 1 + Self.day - 1) == "A", "each connection counts")
        #expect(farm.picks(1, now: 5 + 3 * Self.day - 2) == "B")
    }

    @Test("lblcr takes another server in beside the overloaded one and gives to the less loaded, of equals the newer")
    func withReplication() {
        // A at 3 > 2, B idle: B comes in. B then has 64 for each, A 384: at 6 they are equal and B is newer, at 7 it is A's turn.
        var farm = Farm(.lblcr, [2, 4])
        #expect(farm.picks(11, connecting: true) == "AAABBBBBBBA")
        // Others are not asked while the set is not overloaded.
        farm = Farm(.lblcr, [4, 4, 4])
        #expect(farm.picks(5, connecting: true) == "AAAAA")
        #expect(farm.picks(2, connecting: true) == "BB")
    }

    @Test("lblcr's set loses its most loaded server after a day without a change, and all after a day without use")
    func shrinking() {
        let farm = Farm(.lblcr, [1, 1, 9], active: [2, 0, 9])
        var locality = Locality()
        locality.membersChanged(from: [], to: farm.members)
        func next(_ now: UInt64) -> Int? {
            farm.members.withUnsafeBufferPointer { locality.nextWithReplication(among: $0, farm.servers, now: now) }
        }
        #expect(next(10) == 1)
        farm.servers[1].pointee.active = 3
        farm.servers[0].pointee.active = 0
        #expect(next(20) == 0)
        #expect(locality.set == [0, 1])
        farm.servers[0].pointee.active = 1
        #expect(next(Self.day) == 0)
        #expect(next(20 + Self.day) == 0)
        #expect(locality.set == [0, 1], "exactly a day is not yet more than a day")
        farm.servers[1].pointee.active = 4
        #expect(next(21 + Self.day) == 0)
        #expect(locality.set == [0])
        #expect(next(22 + 2 * Self.day) == 0, "nobody asked for a day: the least loaded of all")
        #expect(locality.set == [0])
        farm.servers[0].pointee.active = 2
        #expect(next(22 + 3 * Self.day) == 2)
        #expect(locality.set == [2])
    }

    @Test("who is taken out of the service is no longer in lblcr's set, and the set keeps its order")
    func membersChanged() {
        let farm = Farm(.lblcr, [1, 1, 1])
        var locality = Locality()
        locality.membersChanged(from: [], to: farm.members)
        for index in 0..<3 {
            for other in 0..<3 { farm.servers[UInt32(other)].pointee.active = other == index ? 0 : 2 }
            let next = farm.members.withUnsafeBufferPointer {
                locality.nextWithReplication(among: $0, farm.servers, now: 1)
            }
            #expect(next == index)
        }
        #expect(locality.set == [2, 1, 0])
        locality.membersChanged(from: farm.members, to: [farm.members[2], farm.members[0]])
        #expect(locality.set == [0, 1])
    }
}
