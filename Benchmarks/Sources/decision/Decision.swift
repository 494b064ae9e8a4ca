import Forwarding
import Glibc
import NetworkAddress

/// What judging and rewriting one packet takes, without the kernel: the very sources of the product, a table with a million
/// flows, packets of flows in an order without order.
@main
enum Decision {
    /// How many rounds of ``FramePool/count`` packets are measured.
    private static let rounds = 512

    static func main() {
        print(
            "\(Traffic.flows) flows, \(rounds) rounds of \(FramePool.count) packets; ns a packet, median of the rounds")
        for traffic in Traffic.all { judge(traffic) }
        print("\nA SYN of a new flow, 16 servers, while the table goes from empty to full; ns, median")
        for scheduler in [SchedulerKind.rr, .wrr, .wlc, .sed, .twos, .sh, .mh] { schedule(scheduler) }
        print("\nMaglev's table for 1,000 servers; ms for a whole Forwarder.apply(_:now:), median of 21")
        Tables.buildMaglev()
        print("\nBytes asked for, for each flow")
        Tables.weigh()
    }

    private static func judge(_ traffic: Traffic) {
        let pool = FramePool()
        var forwarder = Forwarder(flowCapacity: Traffic.flows, seed: .random(in: 0 ... .max))
        var clock = Ticks(milliseconds: 1)
        forwarder.apply([traffic.service], now: clock)
        open(traffic, in: &forwarder, pool, now: clock)

        var flow = 0
        var (together, alone) = (Costs(), Costs())
        for round in 0..<rounds {
            // As clients come: in no order, and not in the same again (Knuth's MMIX generator, its high bits).
            pool.write(traffic.data) { _ in
                flow = flow &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (flow >> 33) & (Traffic.flows - 1)
            }
            // The pace at which the whole of rsdirector forwards on one core (`forward`): 600,000 packets a second.
            clock.milliseconds += 7
            if round % 2 == 0 {
                together.add(pool.judgeInGroups(by: &forwarder, now: clock))
            } else {
                alone.add(pool.judgeAlone(by: &forwarder, now: clock))
            }
            pool.requireAllSent(traffic.name)
        }
        report(
            traffic.name,
            "in groups \(together.medianPerPacket.text)   alone \(alone.medianPerPacket.text)   "
                + "allocations \(together.allocations + alone.allocations)")
    }

    /// Two packets of each flow, so that it is established. Returns what the first ones took.
    @discardableResult
    private static func open(
        _ traffic: Traffic, in forwarder: inout Forwarder, _ pool: borrowing FramePool, now: Ticks
    ) -> Costs {
        var (first, second) = (Costs(), Costs())
        for start in stride(from: 0, to: Traffic.flows, by: FramePool.count) {
            pool.write(traffic.opening) { start + $0 }
            first.add(pool.judgeInGroups(by: &forwarder, now: now))
            pool.requireAllSent(traffic.name)
            pool.write(traffic.data) { start + $0 }
            second.add(pool.judgeInGroups(by: &forwarder, now: now))
            pool.requireAllSent(traffic.name)
        }
        return first
    }

    private static func schedule(_ scheduler: SchedulerKind) {
        let pool = FramePool()
        var forwarder = Forwarder(flowCapacity: Traffic.flows, seed: .random(in: 0 ... .max))
        var traffic = Traffic.all[0]
        traffic.service.scheduler = scheduler
        forwarder.apply([traffic.service], now: Ticks(milliseconds: 1))
        let costs = open(traffic, in: &forwarder, pool, now: Ticks(milliseconds: 1))
        report("\(scheduler)", "\(costs.medianPerPacket.text)   allocations \(costs.allocations)")
    }

    static func report(_ name: String, _ figures: String) {
        print("  \(name)\(String(repeating: " ", count: max(1, 28 - name.count)))\(figures)")
        fflush(nil)
    }
}
