internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("the status")
struct StatusSnapshotTests {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))

    static func server(
        _ last: UInt8, weight: Int, active: Int, inactive: Int, state: ServiceState, reason: String = "",
        mac: String? = "02:00:00:00:00:11"
    ) -> StatusSnapshot.Server {
        StatusSnapshot.Server(
            address: .v4(IPv4Address(10, 0, 0, last)), port: 80, forward: .dr, weight: weight, active: active,
            inactive: inactive, templates: 0,
            total: .init(connections: 5, inboundPackets: 50, inboundBytes: 150_000_000_000),
            rate: .init(inboundBytes: 7),
            state: state, reason: reason, agent: "http://10.0.0.\(last):9380", agentWeight: weight, mac: mac)
    }

    static func snapshot(
        _ servers: [StatusSnapshot.Server], vipState: StatusSnapshot.Ownership = .owned, conflict: String? = nil,
        up: Bool = true
    ) -> StatusSnapshot {
        StatusSnapshot(
            director: "rsdirector 0.1.0", host: "d1", time: Timestamp(secondsSinceEpoch: 0), flows: 12,
            flowCapacity: 1024,
            interfaces: [
                .init(
                    name: "eth0", mac: up ? "02:00:00:00:00:01" : nil, up: up, received: 1, ringDrops: 0,
                    transmitted: 1, refused: 0)
            ],
            vips: [.init(address: vip, interface: "eth0", state: vipState, conflict: conflict)],
            services: [
                .init(
                    name: "web", transport: .tcp, vip: vip, port: 80, scheduler: .wrr, schedulerFlags: [],
                    total: .init(connections: 1_234_567, inboundPackets: 123_456_789, inboundBytes: 4_000_000_000),
                    rate: .init(connections: 12, inboundBytes: 7), servers: servers)
            ],
            total: .init(connections: 1_234_567), drops: ["noFlow": 3])
    }

    @Test("it is laid out as ipvsadm -Ln is, with state and reason behind")
    func layout() {
        let snapshot = Self.snapshot([
            Self.server(11, weight: 300, active: 4, inactive: 2, state: .up),
            Self.server(12, weight: 0, active: 1, inactive: 0, state: .draining, reason: "kernel update"),
        ])
        #expect(
            snapshot.text() == """
                IP Virtual Server, rsdirector 0.1.0 (flows=12, size=1024)
                Prot LocalAddress:Port Scheduler Flags
                  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn State    Reason
                TCP  192.0.2.10:80 wrr
                  -> 10.0.0.11:80                 Route   300    4          2         up
                  -> 10.0.0.12:80                 Route   0      1          0         draining kernel update

                """)
    }

    @Test("--stats and --rate have ipvsadm's columns, and its steps of a thousand")
    func figures() {
        let snapshot = Self.snapshot([Self.server(11, weight: 1, active: 0, inactive: 0, state: .up)])
        #expect(
            snapshot.text(.stats) == """
                IP Virtual Server, rsdirector 0.1.0 (flows=12, size=1024)
                Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
                  -> RemoteAddress:Port
                TCP  192.0.2.10:80                 1234567  123456K        0    4000M        0
                  -> 10.0.0.11:80                        5       50        0     150G        0

                """)
        #expect(
            snapshot.text(.rate) == """
                IP Virtual Server, rsdirector 0.1.0 (flows=12, size=1024)
                Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
                  -> RemoteAddress:Port
                TCP  192.0.2.10:80                      12        0        0        7        0
                  -> 10.0.0.11:80                        0        0        0        7        0

                """)
        let steps: [(UInt64, String)] = [
            (99_999_999, " 99999999"), (100_000_000, "  100000K"), (999_999_999, "  999999K"),
            (1_000_000_000, "    1000M"), (99_999_999_999, "   99999M"), (100_000_000_000, "     100G"),
            (99_999_999_999_999, "   99999G"), (100_000_000_000_000, "     100T"), (0, "        0"),
        ]
        for (number, text) in steps { #expect(number.largeNumber == text) }
    }

    @Test("flags, persistence and its mask stand behind the scheduler; an IPv6 address stands in brackets")
    func flags() {
        var snapshot = Self.snapshot([Self.server(11, weight: 1, active: 0, inactive: 0, state: .up)])
        snapshot.services[0].scheduler = .sh
        snapshot.services[0].schedulerFlags = ["sh-fallback", "sh-port"]
        snapshot.services[0].persistence = .init(timeout: 300, prefixLength: 20)
        #expect(
            snapshot.text().contains("TCP  192.0.2.10:80 sh (sh-fallback,sh-port) persistent 300 mask 255.255.240.0\n"))
        snapshot.services[0].persistence = .init(timeout: 300, prefixLength: 32)
        #expect(snapshot.text().contains("sh (sh-fallback,sh-port) persistent 300\n"))
        snapshot.services[0].vip = .v6(IPv6Address("2001:db8::10") ?? .any)
        snapshot.services[0].persistence = .init(timeout: 300, prefixLength: 64)
        snapshot.services[0].servers[0].port = 8080
        #expect(snapshot.text().contains("TCP  [2001:db8::10]:80 sh (sh-fallback,sh-port) persistent 300 mask 64\n"))
        #expect(snapshot.text().contains("  -> 10.0.0.11:8080 "))
    }

    static let outbound = StatusSnapshot.Outbound(
        .init(
            address: .v4(IPv4Address(203, 0, 113, 5)), ports: 1024...65535,
            sources: ["10.0.0.0/24", "10.0.1.0/24"].compactMap { Prefix($0) }, activeConnections: 12,
            inactiveConnections: 3, connections: 40, inbound: .init(packets: 7, bytes: 700),
            outbound: .init(packets: 9, bytes: 900)), rate: .init(connections: 2))

    @Test("source NAT stands below the services, in tables of figures beside them")
    func sourceNAT() throws {
        var snapshot = Self.snapshot([])
        snapshot.outbound = [Self.outbound]
        #expect(
            snapshot.text().hasSuffix(
                """
                TCP  192.0.2.10:80 wrr

                Outbound Address:Ports            ActiveConn InActConn Networks
                  203.0.113.5:1024-65535          12         3         10.0.0.0/24, 10.0.1.0/24

                """))
        #expect(
            snapshot.text(.stats).hasSuffix(
                "SNAT 203.0.113.5:1024-65535             40        7        9      700      900\n"))
        #expect(
            snapshot.text(.rate).hasSuffix(
                "SNAT 203.0.113.5:1024-65535              2        0        0        0        0\n"))
        #expect(try StatusSnapshot(json: snapshot.json()) == snapshot)
        let metrics = snapshot.metrics.split(separator: "\n")
        let labels = #"{address="203.0.113.5",sources="10.0.0.0/24,10.0.1.0/24"}"#
        for line in [
            "connections_total\(labels) 40", "connections_active\(labels) 12", "sent_packets_total\(labels) 9",
        ] {
            #expect(metrics.contains { $0 == "rsdirector_outbound_\(line)" }, "\(line)")
        }
        #expect(!Self.snapshot([]).metrics.contains("rsdirector_outbound"), "nothing where there is none")
    }

    @Test("what keeps traffic away is said below, and nothing where all is well")
    func remarks() {
        let server = Self.server(11, weight: 1, active: 0, inactive: 0, state: .up, reason: "cpu", mac: nil)
        let text = Self.snapshot([server], vipState: .taken, conflict: "02:00:00:00:00:99", up: false).text()
        #expect(text.contains("up       MAC not known; cpu\n"))
        #expect(text.contains("VIP 192.0.2.10 on eth0: not answered, 02:00:00:00:00:99 has it\n"))
        #expect(text.contains("interface eth0: down or gone\n"))
        let contested = Self.snapshot([], vipState: .owned, conflict: "02:00:00:00:00:99").text()
        #expect(contested.contains("02:00:00:00:00:99 says it has it too"))
        #expect(Self.snapshot([]).text().hasSuffix("TCP  192.0.2.10:80 wrr\n"))
    }

    @Test("a server that joined by itself is told so, in text and in JSON")
    func joined() throws {
        var server = Self.server(11, weight: 1, active: 0, inactive: 0, state: .up, reason: "cpu")
        server.joined = true
        let snapshot = Self.snapshot([server, Self.server(12, weight: 1, active: 0, inactive: 0, state: .up)])
        #expect(snapshot.text().contains("up       joined; cpu\n") && snapshot.text().hasSuffix("up\n"))
        let json = String(decoding: snapshot.json(), as: UTF8.self)
        #expect(json.ranges(of: #""joined":true"#).count == 1 && json.ranges(of: #""joined":false"#).count == 1)
        #expect(try StatusSnapshot(json: snapshot.json()) == snapshot)
    }

    @Test("an agent's reason cannot drive the terminal")
    func controlCharacters() {
        let server = Self.server(11, weight: 1, active: 0, inactive: 0, state: .up, reason: "\u{1B}[2Jgone\nTCP  fake")
        let text = Self.snapshot([server]).text()
        #expect(text.contains("?[2Jgone?TCP  fake\n"))
        #expect(!text.contains("\u{1B}"))
    }

    @Test("as JSON it comes back as it was, with the names scripts rely on")
    func json() throws {
        let snapshot = Self.snapshot([Self.server(11, weight: 1, active: 0, inactive: 0, state: .maint, mac: nil)])
        #expect(try StatusSnapshot(json: snapshot.json()) == snapshot)
        let text = String(decoding: snapshot.json(), as: UTF8.self)
        for key in [
            "inbound_packets", "agent_weight", "ring_drops", "flow_capacity", "\"protocol\":\"tcp\"",
            "\"state\":\"maint\"",
        ] {
            #expect(text.contains(key), "\(key)")
        }
        #expect(throws: DirectorError.self) { try StatusSnapshot(json: Array("{}".utf8)) }
    }
}
