import NetworkAddress
import Testing

@testable import Forwarding

@Suite("Golden packets of source NAT")
struct GoldenOutboundTests {
    @Test(
        "each golden frame gets its verdict, and leaves as expected or untouched",
        arguments: OutboundWorld.both)
    func goldenFrames(_ world: OutboundWorld) {
        let packets = world.isIPv6 ? GoldenOutbound.ipv6 : GoldenOutbound.ipv4
        var forwarder = world.forwarder(world.outbound(ports: 40001...40002))
        for (index, packet) in packets.enumerated() {
            let input = GoldenPacketTests.bytes(packet.input)
            let (verdict, output) = forwarder.pass(input, at: Double(index) / 10)
            #expect(verdict == packet.verdict, "\(packet.description)")
            #expect(output == packet.output.map(GoldenPacketTests.bytes) ?? input, "\(packet.description)")
        }
        let counted = forwarder.outboundStatistics()[0]
        #expect(counted.connections == 5 && counted.activeConnections == 2 && counted.inactiveConnections == 3)
        let left = packets.count { $0.verdict == .transmit(egress: 1) }
        let entered = packets.count { $0.verdict == .transmit(egress: 0) }
        #expect(left > 10 && counted.outbound.packets == UInt64(left))
        #expect(entered > 5 && counted.inbound.packets == UInt64(entered))
    }
}
