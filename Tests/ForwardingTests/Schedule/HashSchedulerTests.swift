import Testing

@testable import Forwarding

/// The expected picks come from a model of the kernel's rules written apart from this code, in another language.
@Suite("By hash: sh and dh")
struct HashSchedulerTests {
    @Test(
        "sh gives each client the server of its slot",
        arguments: [
            ([1, 1, 1], "ACBBACCBAACBBACBBACCBAAC", "CCBAACBBACBBACCBAACBBACC", "ACACBBBBBCAA"),
            ([3, 1, 2], "BAACBACCBACCAACCAACAAABA", "CAAABAACBAACBACCBACCAACA", "AAAACCCCCAAA"),
            ([0, 1, 4], "CCBCCCCCC-CCB-CCB-CCB-CC", "CCB-CCBCCCBCCCCCC-CCB-CC", "-C-CCCCCCC--"),
        ])
    func source(weights: [Int], clients: String, ports: String, v6: String) {
        var farm = Farm(.sh, weights)
        #expect(farm.picks(for: Client.many) == clients)
        #expect(farm.picks(for: Client.v6) == v6)
        let same = farm.picks(for: Client.ports)
        #expect(Set(same).count == 1, "without the option the port does not count")
        farm.scheduler.options.hashesPort = true
        #expect(farm.picks(for: Client.ports) == ports)
    }

    @Test(
        "with the option sh goes on to the server of another slot",
        arguments: [
            ([0, 1, 4], [], "CCBCCCCCCCCCBCCCBBCCBBCC"),
            ([3, 1, 2], [0], "BCBCBCCCBBCCCBCCCBCBCBBB"),
        ] as [([Int], Set<Int>, String)])
    func fallback(weights: [Int], overloaded: Set<Int>, expected: String) {
        var farm = Farm(.sh, weights, overloaded: overloaded, options: .init(fallsBack: true))
        #expect(farm.picks(for: Client.many) == expected)
        farm.scheduler.options.fallsBack = false
        let strict = farm.picks(for: Client.many)
        #expect(zip(strict, expected).allSatisfy { $0 == $1 || $0 == "-" }, "nobody else's client moves")
        #expect(strict.contains("-"))
    }

    @Test("members beyond the 256th slot of sh and dh have none, and nothing breaks")
    func manyMembers() {
        for kind in [SchedulerKind.sh, .dh] {
            var farm = Farm(kind, Array(repeating: 200, count: 700))
            for client in Client.many { #expect((farm.next(client) ?? .max) < (kind == .sh ? 2 : 256)) }
        }
    }

    @Test(
        "dh gives each VIP the server of its slot, whatever the weight",
        arguments: [
            ([1], "AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAA"),
            ([7, 1], "AAAABBBBBAAAAABBBBAAAAAB", "BBAABAABBBAA"),
            ([1, 1, 9], "CBABCACBCABACABABAACBCBC", "CCCCBCCAACAA"),
            ([5, 4, 3, 2, 1], "ADBDACADACECACECECDBEBEB", "ABABEEDDECEA"),
        ])
    func destination(weights: [Int], vips: String, v6: String) {
        var farm = Farm(.dh, weights)
        #expect(farm.picks(for: Client.vips) == vips)
        #expect(farm.picks(for: Client.v6) == v6)
        farm.change(to: [0] + weights.dropFirst())
        #expect(farm.picks(for: Client.vips) == String(vips.map { $0 == "A" ? "-" : $0 }))
    }
}
