import ConfigurationFile
import NetworkAddress
import Testing

@testable import RealServerSetup

/// What the doctor reads of the kernel's files, and the addresses it probes from.
@Suite("What the doctor reads")
struct DoctorReadingTests {
    @Test("counters are read by name from pairs of lines, whatever stands between them")
    func counters() {
        var counters = DropCounters()
        counters.read(
            Array(
                """
                TcpExt: SyncookiesSent ListenOverflows ListenDrops IPReversePathFilter
                TcpExt: 1 2 3 4
                IpExt: InNoRoutes InOctets
                IpExt: 5 6

                """.utf8))
        counters.read(Array("Ip: Forwarding InAddrErrors InUnknownProtos\nIp: 2 7 8\n".utf8))
        counters.read(Array("Ip6InNoRoutes                   \t9\nIp6OutNoRoutes \t10\n".utf8))
        #expect(
            counters.values == [
                .listenOverflows: 2, .listenDrops: 3, .reversePathFilter: 4, .noRouteIn: 5, .addressErrors: 7,
                .unknownProtocols: 8, .noRouteIn6: 9, .noRouteOut6: 10,
            ])
        let later = DropCounters([.listenDrops: 4, .reversePathFilter: 4, .outerSource: 2])
        #expect(later.growth(since: counters) == [.listenDrops: 1, .outerSource: 2])
    }

    @Test(
        "text that is no such file gives no counters",
        arguments: ["", "\n\n", "TcpExt:", "TcpExt: a\nIp: 1\n", "x y z"])
    func noCounters(_ text: String) {
        var counters = DropCounters()
        counters.read(Array(text.utf8))
        #expect(counters.values.isEmpty)
    }

    @Test("listeners are read from both files; connections and broken lines are not")
    func listeners() {
        let v4 = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0B00000A:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
               1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
               2: 0B00000A:0050 0900000A:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1
               3: 00000000:ZZZZ 00000000:0000 0A
               4: 00:0050 00000000:0000 0A
            """
        #expect(ListeningSocket.all(in: Array(v4.utf8), .tcp).map(\.words) == ["10.0.0.11:80", "127.0.0.1:8080"])
        let v6 = """
              sl  local_address                         remote_address                        st
               0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0
               1: B80D0120000000000000000010000000:01BB 00000000000000000000000000000000:0000 0A 0
               2: 0000000000000000FFFF00000B00000A:0051 00000000000000000000000000000000:0000 0A 0
            """
        #expect(
            ListeningSocket.all(in: Array(v6.utf8), .tcp).map(\.words) == [
                "[::]:80", "[2001:db8::10]:443", "10.0.0.11:81",
            ])
    }

    @Test("UDP sockets that are connected to nobody take what is sent to their address, a wildcard's to any")
    func datagrams() {
        let text = """
               sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
              100: 0A0200C0:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
              101: 0B00000A:0035 0100000A:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
            """
        let found = ListeningSocket.all(in: Array(text.utf8), .udp)
        #expect(found == [ListeningSocket(address: "192.0.2.10", port: 53, transport: .udp)])
        func takes(
            _ socket: IPAddress, _ address: IPAddress, _ port: UInt16 = 53, _ of: TransportProtocol = .udp
        ) -> Bool {
            ListeningSocket(address: socket, port: 53, transport: .udp).takes(
                .init(service: "dns", vip: address, address: address, transport: of, port: port))
        }
        #expect(takes("192.0.2.10", "192.0.2.10") && takes("0.0.0.0", "192.0.2.10") && takes("::", "192.0.2.10"))
        #expect(takes("::", "2001:db8::10") && !takes("0.0.0.0", "2001:db8::10") && !takes("10.0.0.11", "192.0.2.10"))
        #expect(!takes("192.0.2.10", "192.0.2.10", 54) && !takes("192.0.2.10", "192.0.2.10", 53, .tcp))
    }

    @Test("a probe's network avoids what is in use, whatever the seed", arguments: [0, 1, 77, UInt32.max])
    func network(seed: UInt32) throws {
        let half = Prefix("198.18.0.0/16")
        let one = Prefix("198.19.0.2/32")
        let network = ProbeNetwork(needsIPv4: true, needsIPv6: true, seed: seed, avoiding: [half, one])
        let ends = (network.hostEnds + network.clientEnds)
        #expect(ends.count == 4)
        for end in ends { #expect(!half.contains(end.address) && !end.contains(one.address), "\(end)") }
        let everything = Prefix("198.18.0.0/15")
        let none = ProbeNetwork(needsIPv4: true, needsIPv6: false, seed: seed, avoiding: [everything])
        #expect(none.v4 == nil && none.hostEnds.isEmpty)
    }

    @Test("probes go as the director would send them, each as somebody the lock-down lets in")
    func attempts() throws {
        let own = DoctorDiagnosisTests.address(DoctorDiagnosisTests.rip, on: 2, 24)
        let host = HostSnapshot(
            interfaces: [DoctorDiagnosisTests.lo(), DoctorDiagnosisTests.interface(2, "eth0")], addresses: [own],
            facing: 2)
        let vips = [DoctorDiagnosisTests.vip, DoctorDiagnosisTests.vip6]
        let source = Prefix("172.16.0.0/16")
        let request = SetupRequest(
            AgentConfiguration(
                interface: "eth0", tunnelSources: [source],
                services: [
                    .init(name: "dr", vips: vips, ports: [80, 443]),
                    .init(name: "tun", vips: vips, ports: [81], forward: .tun, tunnel: .init(.gue)),
                    .init(name: "nat", vips: [DoctorDiagnosisTests.vip], ports: [82], forward: .nat, realPort: 8082),
                    .init(name: "all", vips: vips, ports: []),
                    .init(name: "udp", vips: vips, ports: [53], transport: .udp),
                ]))
        let words = SelfProbe.attempts(request, host).map { "\($0.endpoint.service) \($0.endpoint.words) \($0.way)" }
        #expect(
            words == [
                "dr 192.0.2.10:80 plain", "dr [2001:db8::10]:80 plain",
                "tun 192.0.2.10:81 ipip in GUE to port 6080 from 172.16.0.1 to 10.0.0.11",
                "tun [2001:db8::10]:81 sit in GUE to port 6080 from 172.16.0.1 to 10.0.0.11",
                "nat 10.0.0.11:8082 plain",
            ])
    }
}
