import Fuzzing
import NetworkAddress
import Testing

@testable import Forwarding

/// The expected picks, shares and sums come from a model of the table written apart from this code, in another language.
@Suite("Maglev hashing: mh")
struct MaglevTests {
    /// The table for members, as their identities.
    static func table(_ members: [Member]) -> [Member.Identity] {
        var maglev = Maglev()
        maglev.membersChanged(to: members)
        return maglev.cells.map { members[Int($0)].identity }
    }

    static func members(_ count: Int, weight: (Int) -> Int = { _ in 1 }) -> [Member] {
        (0..<count).map { Farm.member($0, weight: weight($0)) }
    }

    @Test(
        "every cell, and what clients get",
        arguments: [
            (
                [1, 1, 1], 0x2897_1330_793f_0e8d, [21_846, 21_846, 21_845], "CBBBABCBBBCBCAACBBACCBCB",
                "BBCBACBBAAACABAACBCBACCA", "ACCCBCABACBC"
            ),
            (
                [3, 2, 1], 0x359b_33d4_0075_fffc, [32_769, 21_845, 10_923], "CBBBABABBBBBCAACBBACAAAA",
                "BBCBACBBAAACABAAABCBACAA", "AACABAABACAC"
            ),
            (
                [100, 55, 20, 1], 0x6b01_ca00_5470_67c7, [37_236, 20_480, 7_448, 373], "AAABABAABBBBAAACBBAAAAAA",
                "BACDACBBAAAAABAAABCBACAA", "AACABAABAAAA"
            ),
            (
                [7, 0, 2, 65_535], 0x0b0b_b9fe_e067_c9d4, [254, 0, 254, 65_029],
                String(repeating: "D", count: 24), String(repeating: "D", count: 24), String(repeating: "D", count: 12)
            ),
        ] as [([Int], UInt64, [Int], String, String, String)])
    func golden(weights: [Int], sum: UInt64, shares: [Int], clients: String, ports: String, v6: String) {
        var maglev = Maglev()
        maglev.membersChanged(to: Farm(.mh, weights).members)
        #expect(weights.indices.map { index in maglev.cells.count { $0 == index } } == shares)
        // SipHash of the table in letters, the first in the lowest byte of the first word.
        var hash = SipHash(1, 2)
        for start in stride(from: 0, to: Maglev.size - 1, by: 8) {
            hash.absorb((0..<8).reduce(0) { $0 | UInt64(65 + maglev.cells[start + $1]) << UInt64(8 * $1) })
        }
        hash.absorb(UInt64(Maglev.size & 0xFF) << 56 | UInt64(65 + maglev.cells[Maglev.size - 1]))
        #expect(hash.finish() == sum)

        var farm = Farm(.mh, weights)
        #expect(farm.picks(for: Client.many) == clients)
        #expect(farm.picks(for: Client.v6) == v6)
        #expect(Set(farm.picks(for: Client.ports)).count == 1, "without the option the port does not count")
        farm.scheduler.options.hashesPort = true
        #expect(farm.picks(for: Client.ports) == ports)
    }

    @Test("the table is the same for the same servers in whatever order, also after others came and went")
    func order() {
        let members = Self.members(20) { 1 + $0 % 4 }
        let table = Self.table(members)
        var random = SplitMix(seed: 3)
        // `==` would have a failure tell all that differs, which takes minutes.
        #expect(Self.table(members.shuffled(using: &random)).elementsEqual(table))
        // Their slots are a matter of one director.
        let elsewhere = members.map { Member(server: 99 - $0.server, weight: $0.weight, identity: $0.identity) }
        #expect(Self.table(elsewhere.reversed()).elementsEqual(table))
        var maglev = Maglev()
        maglev.membersChanged(to: Array(members[5..<9]))
        maglev.membersChanged(to: members.reversed())
        #expect(maglev.cells.map { members[members.count - 1 - Int($0)].identity }.elementsEqual(table))
    }

    @Test("cells are by weight, to within two, also where the weights add up to more than there are cells")
    func shares() {
        let members = Self.members(900) { 50 + $0 % 51 }
        let total = members.map(\.weight).reduce(0, +)
        #expect(total > Maglev.size)
        var cells: [Member.Identity: Int] = [:]
        for identity in Self.table(members) { cells[identity, default: 0] += 1 }
        for member in members {
            let share = Double(member.weight * Maglev.size) / Double(total)
            #expect(abs(Double(cells[member.identity] ?? 0) - share) < 2)
        }
    }

    @Test("few cells but its own change hands when one of many leaves", arguments: [10, 100, 655])
    func churn(count: Int) {
        let members = Self.members(count)
        let before = Self.table(members)
        let lost = members[count / 3].identity
        let after = Self.table(members.filter { $0.identity != lost })
        let moved = zip(before, after).count { $0 != $1 && $0 != lost }
        #expect(!after.contains(lost))
        #expect(Double(moved) / Double(Maglev.size) < 0.015, "\(moved) cells")
    }

    @Test("a drained server keeps its cells and answers nobody; no other's clients move, and its own come back")
    func drain() {
        var farm = Farm(.mh, [1, 1, 1])
        let before = farm.picks(for: Client.many)
        farm.change(to: [1, 0, 1])
        #expect(farm.picks(for: Client.many) == String(before.map { $0 == "B" ? "-" : $0 }))
        // The rest in another order.
        farm.change(to: [Farm.member(2, weight: 1), Farm.member(1, weight: 0), Farm.member(0, weight: 1)])
        #expect(farm.picks(for: Client.many) == String(before.map { $0 == "B" ? "-" : $0 == "A" ? "C" : "A" }))
        farm.change(to: [1, 1, 1])
        #expect(farm.picks(for: Client.many) == before)
    }

    @Test("with the option a drained server's clients get others, spread over them, and nobody else's move")
    func fallback() {
        var farm = Farm(.mh, [1, 1, 1], options: .init(fallsBack: true))
        let clients = (0..<1000).map { Client($0) }
        let before = farm.picks(for: clients)
        farm.change(to: [1, 0, 1])
        let after = farm.picks(for: clients)
        #expect(zip(before, after).allSatisfy { $0 == $1 || $0 == "B" })
        let moved = zip(before, after).filter { $0.0 == "B" }.map(\.1)
        for letter in "AC" {
            #expect(abs(moved.count { $0 == letter } - moved.count / 2) < moved.count / 8)
        }
        #expect(!moved.contains("B"))
        #expect(moved.count > 250)
    }

    @Test("a server that never had a weight has no cells, until it has one")
    func neverWeighted() {
        var farm = Farm(.mh, [1, 0])
        #expect(Set(farm.picks(for: Client.many)) == ["A"])
        farm.change(to: [1, 1])
        #expect(Set(farm.picks(for: Client.many)) == ["A", "B"])
        farm.change(to: [1, 0])
        #expect(Set(farm.picks(for: Client.many)) == ["A", "-"])
    }

    @Test("more servers than cells leave the last ones without")
    func tooMany() {
        let members = Self.members(Maglev.size + 10)
        let table = Self.table(members)
        #expect(Set(table).count == Maglev.size)
        #expect(!table.contains(members[Maglev.size + 9].identity))
    }

    @Test("SipHash-1-3 gives the kernel's test vectors (lib/tests/siphash_kunit.c)")
    func sipHash() {
        var empty = SipHash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        var eight = empty
        var eighteen = empty
        empty.absorb(0)
        #expect(UInt32(truncatingIfNeeded: empty.finish()) == 0x050f_c4dc)
        eight.absorb(0x0706_0504_0302_0100)
        eight.absorb(8 << 56)
        #expect(UInt32(truncatingIfNeeded: eight.finish()) == 0x8d29_9a8e)
        eighteen.absorb(0x0706_0504_0302_0100)
        eighteen.absorb(0x0f0e_0d0c_0b0a_0908)
        eighteen.absorb(18 << 56 | 0x1110)
        #expect(UInt32(truncatingIfNeeded: eighteen.finish()) == 0xb473_e63e)
    }
}
