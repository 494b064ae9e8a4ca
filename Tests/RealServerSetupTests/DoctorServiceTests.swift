import ConfigurationFile
import NetworkAddress
import Testing

@testable import Netlink
@testable import RealServerSetup

/// What the doctor makes of evidence beyond the host's settings.
@Suite("Diagnosis of the service, the way back, and probes")
struct DoctorServiceTests {
    typealias Base = DoctorDiagnosisTests
    static let endpoint = Evidence.Endpoint(service: "web", vip: Base.vip, address: Base.vip, port: 80)

    struct ListenerCase: Sendable, CustomTestStringConvertible {
        var testDescription: String { cause }
        var listeners: [ListeningSocket]
        var address = Base.vip
        var cause: String
    }

    static func listener(_ text: String, _ port: UInt16 = 80) -> ListeningSocket {
        ListeningSocket(address: IPAddress(text) ?? .v4(.any), port: port)
    }

    @Test(
        "why nobody listens on VIP:port is told by who else does",
        arguments: [
            ListenerCase(listeners: [listener("10.0.0.11")], cause: "bound to this host's own address 10.0.0.11 only"),
            ListenerCase(listeners: [listener("127.0.0.1")], cause: "bound to localhost only"),
            ListenerCase(listeners: [listener("::")], cause: "for IPv6 only (IPV6_V6ONLY)"),
            ListenerCase(listeners: [listener("0.0.0.0")], cause: "SO_BINDTODEVICE"),
            ListenerCase(listeners: [listener("203.0.113.7")], cause: "bound to 203.0.113.7 only"),
            ListenerCase(listeners: [listener("0.0.0.0", 8080)], cause: "no process listens on that port"),
            ListenerCase(listeners: [listener("0.0.0.0")], address: Base.vip6, cause: "listens on IPv4 only"),
        ])
    func listeners(_ example: ListenerCase) {
        var evidence = Evidence()
        evidence.listeners = .read(example.listeners)
        let endpoint = Evidence.Endpoint(service: "web", vip: example.address, address: example.address, port: 80)
        evidence.isListenedOn = [endpoint: false]
        let finding = Base.findings(Base.fit, Base.request(), evidence).first { $0.topic == .listener }
        #expect(finding?.severity == .problem)
        #expect(finding?.cause?.contains(example.cause) == true, "\(String(describing: finding))")
    }

    @Test("a service of UDP is listened for among UDP's sockets, and is not probed")
    func datagrams() {
        var request = Base.request()
        request.services[0].transport = .udp
        var evidence = Evidence()
        evidence.listeners = .read([Self.listener("0.0.0.0")])
        let endpoint = Evidence.Endpoint(
            service: "web", vip: Base.vip, address: Base.vip, transport: .udp, port: 80)
        evidence.isListenedOn = [endpoint: false]
        evidence.probes = .read([])
        let findings = Base.findings(Base.fit, request, evidence)
        let finding = findings.first { $0.topic == .listener }
        #expect(finding?.what == "web: nobody listens on udp 192.0.2.10:80")
        #expect(finding?.evidence == ["ss -uln: no listener on port 80"], "TCP's listener is none of UDP's")
        #expect(finding?.cause?.hasSuffix("clients get an ICMP error") == true)
        #expect(findings.contains { $0.topic == .probe && $0.severity == .sound && $0.what.contains("not probed") })
    }

    static func departure(_ lookup: RouteLookup) -> Evidence {
        var evidence = Evidence()
        evidence.departures = [
            .init(source: Base.vip, destination: Base.client, services: ["web"], answer: .read(lookup))
        ]
        return evidence
    }

    @Test("a client that cannot be reached is a problem; one that can is told with its way")
    func replies() {
        let none = Base.findings(Base.fit, Base.request(), Self.departure(RouteLookup(outcome: .unreachable)))
        let finding = none.first { $0.topic == .reply }
        #expect(finding?.severity == .problem && finding?.what.contains("go nowhere") == true)
        let lookup = RouteLookup(outcome: .unicast, interface: 2, gateway: .v4(IPv4Address(10, 0, 0, 254)), table: 254)
        let way = Base.findings(Base.fit, Base.request(), Self.departure(lookup)).first { $0.topic == .reply }
        #expect(way?.severity == .sound)
        #expect(way?.what == "answers from 192.0.2.10 to the client 198.51.100.1 go by way of 10.0.0.254, by eth0")
    }

    @Test("answers that must go by way of the director and do not are a problem")
    func returning() {
        let request = Base.request(reply: .director)
        // Everything is in place as planned, and yet another rule wins.
        var host = Base.fit
        for step in Plan(request, host: host).steps { host.foresee(step.change) }
        let past = RouteLookup(outcome: .unicast, interface: 2, gateway: .v4(IPv4Address(10, 0, 0, 254)), table: 100)
        let finding = Base.findings(host, request, Self.departure(past)).first { $0.topic == .reply }
        #expect(finding?.severity == .problem && finding?.cause?.contains("another rule comes first") == true)
        #expect(finding?.evidence.first?.contains("via 10.0.0.254 dev eth0 table 100") == true)
        let right = RouteLookup(outcome: .unicast, interface: 2, gateway: Base.director, table: 9380)
        #expect(Base.findings(host, request, Self.departure(right)).first { $0.topic == .reply }?.severity == .sound)
        let unset = Base.findings(Base.fit, request, Self.departure(past)).filter { $0.topic == .reply }
        #expect(unset.allSatisfy { $0.severity == .problem && $0.cure?.contains("rsagent apply") == true })
    }

    @Test("strict rp_filter where the way back leaves elsewhere is a problem in DR")
    func arrivals() {
        var host = Base.fit
        host.interfaces[1].ipv4?.reversePathFilter = 1
        var evidence = Evidence()
        evidence.arrivals = [
            .init(
                source: Base.client, destination: Base.vip, incoming: 2, services: ["web"],
                answer: .read(RouteLookup(outcome: .wrongInterface)))
        ]
        let finding = Base.findings(host, Base.request(), evidence).first { $0.topic == .reversePath }
        #expect(finding?.severity == .problem)
        #expect(finding?.evidence.contains("effective rp_filter is 1 (eth0 1, all 0)") == true)
        #expect(finding?.cure == "sysctl -w net.ipv4.conf.eth0.rp_filter=2")
    }

    @Test("large receive offload is a warning where tunnels are unpacked, and nobody's business elsewhere")
    func offloads() {
        var evidence = Evidence()
        evidence.offloads = .read(InterfaceOffloads(joinsInHardware: true, joinsInSoftware: true))
        let tunnelled = Base.findings(Base.tunnelHost(), Base.request(forward: .tun), evidence)
        #expect(tunnelled.first { $0.topic == .offload }?.cure == "ethtool -K eth0 lro off")
        #expect(!Base.findings(Base.fit, Base.request(), evidence).contains { $0.topic == .offload })
    }

    @Test("a counter that grows is a warning; one that grew earlier, or by a probe alone, is not")
    func counters() {
        var evidence = Evidence()
        let before = DropCounters([.reversePathFilter: 7, .outerSource: 0, .listenDrops: 3])
        let after = DropCounters([.reversePathFilter: 9, .outerSource: 1, .listenDrops: 3])
        evidence.counts = .read(.init(before: before, after: after))
        evidence.probes = .read([
            ProbeResult(
                endpoint: Self.endpoint, way: "plain", client: Base.client, outcome: .silent(.seconds(2)),
                growth: [.outerSource: 1])
        ])
        let findings = Base.findings(Base.fit, Base.request(), evidence).filter { $0.topic == .counters }
        #expect(
            findings.filter { $0.severity == .warning }.map(\.evidence) == [
                ["TcpExtIPReversePathFilter 9, grown by 2 while the doctor looked"]
            ])
        #expect(findings.count { $0.severity == .sound } == 2, "\(findings)")
    }

    struct ProbeCase: Sendable, CustomTestStringConvertible {
        var testDescription: String { cause }
        var outcome: ProbeResult.Outcome = .silent(.seconds(2))
        var growth: [DropCounters.Counter: UInt64] = [:]
        var lookup = RouteLookup(outcome: .unicast, interface: 99)
        var cause: String
    }

    static let probeCases: [ProbeCase] = [
        ProbeCase(growth: [.reversePathFilter: 1], cause: "rp_filter dropped it"),
        ProbeCase(growth: [.outerSource: 1], cause: "its outer source is not among those it lets in"),
        ProbeCase(growth: [.innerDestination: 1], cause: "it is for no VIP it knows"),
        ProbeCase(growth: [.listenOverflows: 1, .listenDrops: 1], cause: "its queue is full"),
        ProbeCase(growth: [.unknownProtocols: 1], cause: "nothing on this host unpacks it"),
        ProbeCase(growth: [.noRouteOut: 1], cause: "the answer has no route"),
        ProbeCase(lookup: RouteLookup(outcome: .unicast, interface: 2), cause: "the answer left by eth0"),
        ProbeCase(lookup: RouteLookup(outcome: .discarded), cause: "the answer goes nowhere"),
        ProbeCase(cause: "most likely a packet filter drops it"),
        ProbeCase(outcome: .refused, cause: "nobody listens there"),
        ProbeCase(outcome: .rejected("No route to host"), cause: "says it does not take such packets"),
    ]

    @Test(
        "why a probe was not answered is told by what the kernel counted, else by where the answer goes",
        arguments: probeCases)
    func probes(_ example: ProbeCase) {
        var evidence = Evidence()
        evidence.probes = .read([
            ProbeResult(
                endpoint: Self.endpoint, way: "plain", client: Base.client, outcome: example.outcome,
                growth: example.growth, answerLeavesBy: .read(example.lookup), interface: 99)
        ])
        let finding = Base.findings(Base.fit, Base.request(), evidence).first { $0.topic == .probe }
        #expect(finding?.severity == .problem)
        #expect(finding?.cause?.contains(example.cause) == true, "\(String(describing: finding))")
        for words in example.growth.words { #expect(finding?.evidence.contains(words) == true) }
    }

    @Test("what could not be looked at is a warning with the reason, and not a problem")
    func unread() {
        var evidence = Evidence()
        evidence.probes = .unread("CAP_SYS_ADMIN is missing: run as root")
        evidence.answerers = .unread("CAP_NET_RAW is missing: run as root")
        let diagnosis = Diagnosis(
            Base.request(), host: Base.fit, plan: Plan(Base.request(), host: Base.fit), evidence: evidence)
        #expect(diagnosis.isSound)
        #expect(
            diagnosis.findings.contains { $0.topic == .probe && $0.cause == "CAP_SYS_ADMIN is missing: run as root" })
        #expect(diagnosis.findings.contains { $0.topic == .segment && $0.severity == .warning })
    }

    @Test("whoever else answers for a VIP is told by its MAC and its standing")
    func answerers() throws {
        let mac = MACAddress(rawValue: 0x0200_0000_0009)
        let cases: [(Answerer.Standing, Finding.Severity)] = [
            (.foreign, .problem), (.ambiguous, .warning), (.director, .sound), (.alone, .sound),
        ]
        for (standing, severity) in cases {
            var evidence = Evidence()
            evidence.answerers = .read([
                Answerer(vip: Base.vip, mac: mac, lastSeen: ContinuousClock.now, standing: standing)
            ])
            let finding = Base.findings(Base.fit, Base.request(), evidence).first { $0.topic == .segment }
            #expect(finding?.severity == severity && finding?.what.contains("02:00:00:00:00:09") == true)
        }
    }
}
