internal import ConfigurationFile
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
            address: .v4(IPv4Address(10, 0, 0, last)), forward: .dr, weight: weight, active: active, inactive: inactive,
            connections: 5, packets: 50, bytes: 5000, state: state, reason: reason, agent: "http://10.0.0.\(last):9380",
            agentWeight: weight, mac: mac)
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
                    name: "web", transport: .tcp, vip: vip, port: 80, scheduler: .wrr, connections: 5, packets: 50,
                    bytes: 5000, servers: servers)
            ],
            drops: ["noFlow": 3])
    }

    @Test("it is laid out as ipvsadm -Ln is, with state and reason behind")
    func layout() {
        let snapshot = Self.snapshot([
            Self.server(11, weight: 300, active: 4, inactive: 2, state: .up),
            Self.server(12, weight: 0, active: 1, inactive: 0, state: .draining, reason: "kernel update"),
        ])
        #expect(
            snapshot.text == """
                IP Virtual Server, rsdirector 0.1.0 (flows=12, size=1024)
                Prot LocalAddress:Port Scheduler Flags
                  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn State    Reason
                TCP  192.0.2.10:80 wrr
                  -> 10.0.0.11:80                 Route   300    4          2         up
                  -> 10.0.0.12:80                 Route   0      1          0         draining kernel update

                """)
    }

    @Test("what keeps traffic away is said below, and nothing where all is well")
    func remarks() {
        let server = Self.server(11, weight: 1, active: 0, inactive: 0, state: .up, reason: "cpu", mac: nil)
        let text = Self.snapshot([server], vipState: .taken, conflict: "02:00:00:00:00:99", up: false).text
        #expect(text.contains("up       MAC not known; cpu\n"))
        #expect(text.contains("VIP 192.0.2.10 on eth0: not answered, 02:00:00:00:00:99 has it\n"))
        #expect(text.contains("interface eth0: down or gone\n"))
        let contested = Self.snapshot([], vipState: .owned, conflict: "02:00:00:00:00:99").text
        #expect(contested.contains("02:00:00:00:00:99 says it has it too"))
        #expect(Self.snapshot([]).text.hasSuffix("TCP  192.0.2.10:80 wrr\n"))
    }

    @Test("an agent's reason cannot drive the terminal")
    func controlCharacters() {
        let server = Self.server(11, weight: 1, active: 0, inactive: 0, state: .up, reason: "\u{1B}[2Jgone\nTCP  fake")
        let text = Self.snapshot([server]).text
        #expect(text.contains("?[2Jgone?TCP  fake\n"))
        #expect(!text.contains("\u{1B}"))
    }

    @Test("as JSON it comes back as it was, with the names scripts rely on")
    func json() throws {
        let snapshot = Self.snapshot([Self.server(11, weight: 1, active: 0, inactive: 0, state: .maint, mac: nil)])
        #expect(try StatusSnapshot(json: snapshot.json()) == snapshot)
        let text = String(decoding: snapshot.json(), as: UTF8.self)
        for key in ["agent_weight", "ring_drops", "flow_capacity", "\"protocol\":\"tcp\"", "\"state\":\"maint\""] {
            #expect(text.contains(key), "\(key)")
        }
        #expect(throws: DirectorError.self) { try StatusSnapshot(json: Array("{}".utf8)) }
    }
}
