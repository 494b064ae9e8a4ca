internal import NetworkAddress
internal import Testing

@testable internal import PacketIO

@Suite(
    "whose a client is, as the kernel shares clients out",
    .enabled(if: NetworkNamespace.isPermitted, NetworkNamespace.skipReason))
struct SteeringMemberTests {
    typealias Base = FanoutTests

    @Test(
        "is known without asking it, by whole addresses and by networks", arguments: [(32, 128), (24, 56), (13, 100)])
    func agrees(prefix4: Int, prefix6: Int) throws {
        try PacketSocketTests.withPair {
            let steering = Steering(
                ends: [.v4(Base.vip), .v6(Base.vip6)], prefix4: prefix4, prefix6: prefix6)
            var sockets = try Base.Sockets(steering)
            let station = sockets.first.address
            let clients = (1...60).map { IPv4Address(rawValue: UInt32(truncatingIfNeeded: $0 &* 0x0951_3AF7)) }
            let clients6 = (1...60).map {
                IPv6Address(
                    high: 0x2001_0DB8_0000_0000 | UInt64($0 &* 0x51_3AF7), low: UInt64($0) &* 0x9513_AF71_0951_3AF7)
            }
            let found = try sockets.receivers(of: clients.map { Base.frame($0, Base.vip, to: station) })
            #expect(found == clients.map { [steering.member(for: .v4($0), of: 3)] })
            let found6 = try sockets.receivers(of: clients6.map { Base.frame($0, Base.vip6, to: station) })
            #expect(found6 == clients6.map { [steering.member(for: .v6($0), of: 3)] })
            #expect(Set(found + found6).count == 3)
        }
    }
}
