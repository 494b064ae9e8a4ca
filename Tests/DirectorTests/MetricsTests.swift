internal import ConfigurationFile
internal import Glibc
internal import HealthReporter
internal import Lab
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("the director's metrics")
struct MetricsTests {
    static let snapshot: StatusSnapshot = {
        var snapshot = StatusSnapshotTests.snapshot([
            StatusSnapshotTests.server(11, weight: 300, active: 4, inactive: 2, state: .up),
            StatusSnapshotTests.server(12, weight: 0, active: 1, inactive: 0, state: .draining, mac: nil),
        ])
        snapshot.total = .init(
            connections: 1, inboundPackets: 2, outboundPackets: 3, inboundBytes: 5_000_000_000_000, outboundBytes: 5)
        var dns = snapshot.services[0]
        dns.name = "dns"
        dns.transport = .udp
        dns.vip = .v6(IPv6Address("2001:db8::10") ?? .any)
        dns.port = 53
        dns.servers = [dns.servers[0]]
        dns.servers[0].address = .v6(IPv6Address("2001:db8::11") ?? .any)
        dns.servers[0].port = 5353
        dns.servers[0].agentWeight = nil
        snapshot.services.append(dns)
        return snapshot
    }()

    @Test("node_exporter's names and labels for IPVS, and ours for the rest")
    func golden() {
        let lines = Self.snapshot.metrics.split(separator: "\n").map(String.init)
        let web = #"local_address="192.0.2.10",local_mark="",local_port="80",proto="TCP","#
        let dns = #"local_address="2001:db8::10",local_mark="",local_port="53",proto="UDP","#
        for line in [
            "# TYPE node_ipvs_connections_total counter", "node_ipvs_connections_total 1",
            "node_ipvs_incoming_packets_total 2", "node_ipvs_outgoing_packets_total 3",
            "node_ipvs_incoming_bytes_total 5000000000000", "node_ipvs_outgoing_bytes_total 5",
            "# TYPE node_ipvs_backend_weight gauge",
            #"node_ipvs_backend_connections_active{\#(web)remote_address="10.0.0.11",remote_port="80"} 4"#,
            #"node_ipvs_backend_connections_inactive{\#(web)remote_address="10.0.0.11",remote_port="80"} 2"#,
            #"node_ipvs_backend_weight{\#(web)remote_address="10.0.0.12",remote_port="80"} 0"#,
            #"node_ipvs_backend_weight{\#(dns)remote_address="2001:db8::11",remote_port="5353"} 300"#,
            #"rsdirector_build_info{version="rsdirector 0.1.0"} 1"#, "rsdirector_flows 12",
            "rsdirector_flow_capacity 1024",
            #"rsdirector_dropped_packets_total{reason="noFlow"} 3"#,
            #"rsdirector_server_state{service="web",vip="192.0.2.10",server="10.0.0.12:80",state="draining"} 1"#,
            #"rsdirector_server_state{service="web",vip="192.0.2.10",server="10.0.0.12:80",state="up"} 0"#,
            #"rsdirector_server_resolved{service="web",vip="192.0.2.10",server="10.0.0.12:80"} 0"#,
            #"rsdirector_server_agent_weight{service="web",vip="192.0.2.10",server="10.0.0.11:80"} 300"#,
            #"rsdirector_server_persistent_clients{service="dns",vip="2001:db8::10",server="[2001:db8::11]:5353"} 0"#,
            #"rsdirector_interface_up{interface="eth0"} 1"#,
            #"rsdirector_vip_owned{vip="192.0.2.10",interface="eth0"} 1"#,
        ] { #expect(lines.contains(line), "\(line)") }
        let series = lines.filter { !$0.hasPrefix("#") }.map {
            $0.split(separator: " ").dropLast().joined(separator: " ")
        }
        #expect(Set(series).count == series.count, "each once")
        #expect(!series.contains { $0.hasPrefix("rsdirector_server_agent_weight{service=\"dns\"") }, "it did not say")
    }

    @Test(
        "promtool finds nothing wrong with it",
        .enabled(
            if: (try? Command.require("promtool --version")) != nil,
            "there is no promtool; make prerequisites brings it in"))
    func promtool() async throws {
        let folder = try ScratchDirectory()
        let path = "\(folder.path)/scrape"
        let file = try #require(fopen(path, "w"))
        fputs(Self.snapshot.metrics, file)
        fclose(file)
        let command = try await Command.run(["sh", "-c", "promtool check metrics < \(path)"])
        // Two of node_exporter's names end as promtool would not have them end.
        #expect(command.status == 0, "\(command.text)")
    }
}
