import ConfigurationFile
import Lab
import NetworkAddress
import Testing

@testable import RealServerSetup

/// A thousand VIPs. How long each step takes is printed, not judged: that depends on the machine and on how this was built.
@Suite("A thousand VIPs", .enabled(if: FreshNamespace.isAvailable))
struct SizeTests {
    enum Mix: String, CaseIterable {
        case ipv4 = "1,000 IPv4"
        case both = "500 IPv4 and 500 IPv6"

        var vips: [IPAddress] {
            (0..<1_000).map { number in
                switch self {
                case .both where number % 2 == 1:
                    .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: UInt64(number)))
                default: .v4(IPv4Address(rawValue: 0xC612_0000 + UInt32(number) + 1))
                }
            }
        }
    }

    @Test(
        "are applied in one go, verified, repaired and taken down, and the host is as it was", arguments: Mix.allCases,
        [ReplyPath.direct, .director])
    func thousand(mix: Mix, reply: ReplyPath) throws {
        let scratch = try ScratchDirectory()
        try FreshNamespace.run {
            try Command.require("ip link set lo up")
            try Command.require("ip link add eth0 type veth peer name peer0")
            for command in [
                "ip link set eth0 addrgenmode none", "ip link set peer0 addrgenmode none", "ip link set eth0 up",
                "ip link set peer0 up", "ip addr add 10.0.0.11/24 dev eth0", "ip addr add fd00::11/64 dev eth0 nodad",
            ] { try Command.require(command) }
            try SetupHost.settle()
            let before = try HostText.read(filesBelow: scratch.path)
            let request = SetupRequest(
                AgentConfiguration(
                    interface: "eth0", directors: ["10.0.0.1", "fd00::1"], isARPBlocked: true,
                    services: [
                        AgentConfiguration.Service(name: "many", vips: mix.vips, ports: [80], reply: reply)
                    ]))
            let setup = RealServerSetup(request, runDirectory: "\(scratch.path)/run")
            var figures: [String] = []
            func measured<Result>(_ what: String, _ body: () throws -> Result) rethrows -> Result {
                let start = ContinuousClock.now
                defer { figures.append("\(what) \((ContinuousClock.now - start) / .milliseconds(1)) ms") }
                return try body()
            }
            let planned = try measured("plan") { try setup.plan() }
            #expect(planned.refusals.isEmpty && planned.steps.count >= 1_000)
            #expect(try measured("apply") { try setup.apply() }.count == planned.steps.count)
            #expect(try measured("plan of a fit host") { try setup.plan() }.isEmpty)
            #expect(try measured("apply to a fit host") { try setup.apply() }.isEmpty)
            try Command.require("ip -4 addr flush dev lo")
            let directory = try #require(try RunDirectory(existing: "\(scratch.path)/run"))
            var record = Record(try directory.beginJournal())
            let repair = try measured("repair") { try setup.repair(&record, in: directory) }
            #expect(repair.plan.isEmpty && repair.steps.count >= (mix == .both ? 500 : 1_000))
            // What flushing took beyond the VIPs is not rsagent's to bring back.
            try Command.require("ip addr add 127.0.0.1/8 dev lo")
            try measured("teardown") { _ = try setup.teardown(in: directory) }
            let difference = HostText.difference(before, try HostText.read(filesBelow: scratch.path))
            #expect(difference.isEmpty, "\(difference.prefix(2_000))")
            print("\(mix.rawValue), reply \(reply.rawValue): " + figures.joined(separator: " · "))
        }
    }
}
