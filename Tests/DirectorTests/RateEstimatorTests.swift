internal import Forwarding
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("rates")
struct RateEstimatorTests {
    /// `estimation_timer` and `ip_vs_read_estimator` of ip_vs_est.c, in C's own terms.
    static func kernel(_ counts: [UInt32]) -> UInt32 {
        var (last, average) = (UInt32(0), Int64(0))
        for count in counts {
            let rate = Int64((count &- last) << 9)
            last = count
            average += (rate - average) >> 2
        }
        return UInt32((average + 0x1FF) >> 10)
    }

    @Test(
        "every two seconds it moves a quarter of the way, as IPVS's does",
        arguments: [
            [2000], [2000, 4000], [0, 0, 1], [7, 7, 7, 7, 7], [1, 3, 3, 900, 900, 901, 5000],
            Array(stride(from: UInt32(0), to: 20_000, by: 200)), [10_000] + Array(repeating: 10_000, count: 30),
        ])
    func asIPVS(counts: [UInt32]) {
        var estimator = RateEstimator(scale: 10)
        for count in counts { estimator.sample(UInt64(count)) }
        #expect(estimator.perSecond == UInt64(Self.kernel(counts)))
    }

    @Test("a steady rate is told as it is, also where the timer is late")
    func late() {
        var bytes = RateEstimator(scale: 5)
        var total: UInt64 = 0
        for round in 0..<120 {
            let seconds: UInt64 = round % 3 == 0 ? 4 : 2
            total += 1_250_000_000 * seconds
            bytes.sample(total, after: .seconds(seconds))
        }
        #expect((1_249_999_990...1_250_000_000).contains(bytes.perSecond))
    }

    @Test("a counter that began anew is no flood")
    func restart() {
        var estimator = RateEstimator(scale: 10)
        for count in [1_000_000, 1_000_000, 20] as [UInt64] { estimator.sample(count) }
        let still = [1_000_000, 1_000_000, 1_000_000].reduce(into: RateEstimator(scale: 10)) { $0.sample($1) }
        #expect(estimator.perSecond <= still.perSecond + 3)
    }

    static func service(_ last: UInt8, connections: UInt64) -> ServiceStatistics {
        ServiceStatistics(
            name: "s\(last)", vip: .v4(IPv4Address(192, 0, 2, last)), port: 80, scheduler: .rr,
            connections: connections, inbound: .init(packets: connections * 10, bytes: connections * 1000),
            servers: [
                ServerStatistics(
                    address: .v4(IPv4Address(10, 0, 0, 1)), port: 80, weight: 1, isResolved: true, activeConnections: 0,
                    inactiveConnections: 0, connections: connections)
            ])
    }

    @Test("the total never falls, whatever services go or come back; rates of what is gone are forgotten")
    func book() {
        var book = RateBook()
        let (one, two) = (Self.service(1, connections: 100), Self.service(2, connections: 50))
        book.sample([one, two], after: .seconds(2))
        #expect(book.total.connections == 150)
        #expect(book.rate(of: .init(one))?.connections == 12)
        #expect(book.rate(of: .init(one.servers[0], of: one))?.connections == 12)
        book.note([Self.service(1, connections: 120)])
        #expect(book.total.connections == 170 && book.total.inboundBytes == 170_000)
        book.sample([Self.service(1, connections: 130), Self.service(2, connections: 1)], after: .seconds(2))
        #expect(book.total.connections == 181)
        book.sample([], after: .seconds(2))
        #expect(book.total.connections == 181)
        #expect(book.rate(of: .init(one)) == nil && book.rate(of: .init(one.servers[0], of: one)) == nil)
    }
}
