import CAllocations
import Forwarding
import NetworkAddress

/// What tables cost: time to build, and room.
enum Tables {
    private static let serverCount = 1000

    static func buildMaglev() {
        report("equal weights") { _, round in 1 + round }
        report("weights of 50 to 100") { number, round in 50 + (number * 7 + round) % 51 }
        report("one of 65,535, 999 of 1") { number, round in number == round ? 65_535 : 1 }
    }

    /// Each round has other weights, so that each builds the table anew.
    private static func report(_ name: String, weight: (Int, Int) -> Int) {
        var forwarder = Forwarder(flowCapacity: 1, seed: 1)
        var service = Traffic.all[0].service
        service.scheduler = .mh
        var costs = Costs()
        for round in 0..<21 {
            service.servers = (0..<serverCount).map { number in
                RealServer(
                    address: .v4(IPv4Address(10, 9, UInt8(number / 250), UInt8(1 + number % 250))),
                    weight: weight(number, round),
                    station: LinkStation(egress: 0, source: .zero, destination: .broadcast))
            }
            let before = Cost.soFar
            forwarder.apply([service], now: Ticks(milliseconds: 1))
            costs.add(Cost.soFar - before)
        }
        Decision.report(name, costs.medianMilliseconds.text)
    }

    /// The difference that a million flows more make. (A million or more: below that the table of templates grows too.)
    static func weigh() {
        let ipv4 = bytesPerFlow(Traffic.all[0])
        Decision.report("IPv4", "\(ipv4)")
        // Where there is IPv6, there is room for both.
        Decision.report("IPv6", "\(bytesPerFlow(Traffic.all[5]) - ipv4)")
    }

    private static func bytesPerFlow(_ traffic: Traffic) -> UInt64 {
        (bytes(2 * Traffic.flows, traffic) - bytes(Traffic.flows, traffic)) / UInt64(Traffic.flows)
    }

    /// What a forwarder with room for so many flows asks for.
    private static func bytes(_ flows: Int, _ traffic: Traffic) -> UInt64 {
        let before = allocations_bytes()
        var forwarder = Forwarder(flowCapacity: flows, seed: 1)
        forwarder.apply([traffic.service], now: Ticks(milliseconds: 1))
        return allocations_bytes() - before
    }
}
