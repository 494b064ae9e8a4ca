internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

// The names and labels of node_exporter's ipvs collector (`collector/ipvs_linux.go`), so that dashboards and alerts made for
// IPVS go on working, and what it has no names for as `rsdirector_…`.
extension StatusSnapshot {
    private typealias Family = Exposition.Family
    private typealias Sample = Exposition.Sample
    private typealias Label = Exposition.Label

    /// The text of `GET /metrics`.
    var metrics: String { Exposition.text(ofIPVS + ofDirector + ofServers + ofOutbound + ofInterfaces) }

    private var ofIPVS: [Exposition.Family] {
        func each(_ value: (Server) -> Int) -> [Exposition.Sample] {
            services.flatMap { service in service.servers.map { Sample(value($0), labels(of: $0, service)) } }
        }
        return [
            Family(
                "node_ipvs_connections_total", .counter, "The total number of connections made.",
                Double(total.connections)),
            Family(
                "node_ipvs_incoming_packets_total", .counter, "The total number of incoming packets.",
                Double(total.inboundPackets)),
            Family(
                "node_ipvs_outgoing_packets_total", .counter, "The total number of outgoing packets.",
                Double(total.outboundPackets)),
            Family(
                "node_ipvs_incoming_bytes_total", .counter, "The total amount of incoming data.",
                Double(total.inboundBytes)),
            Family(
                "node_ipvs_outgoing_bytes_total", .counter, "The total amount of outgoing data.",
                Double(total.outboundBytes)),
            Family(
                "node_ipvs_backend_connections_active", .gauge,
                "The current active connections by local and remote address.", each(\.active)),
            Family(
                "node_ipvs_backend_connections_inactive", .gauge,
                "The current inactive connections by local and remote address.", each(\.inactive)),
            Family(
                "node_ipvs_backend_weight", .gauge, "The current backend weight by local and remote address.",
                each(\.weight)),
        ]
    }

    private func labels(of server: Server, _ service: Service) -> [Exposition.Label] {
        [
            Label("local_address", service.vip.description), Label("local_mark", ""),
            Label("local_port", "\(service.port)"), Label("proto", service.transport.rawValue.uppercased()),
            Label("remote_address", server.address.description), Label("remote_port", "\(server.port)"),
        ]
    }

    private var ofDirector: [Exposition.Family] {
        [
            Family(
                "rsdirector_build_info", .gauge, "Always 1, with the version.", [Sample(1, Label("version", director))]
            ),
            Family("rsdirector_flows", .gauge, "Connections that are remembered.", Double(flows)),
            Family("rsdirector_flow_capacity", .gauge, "How many there is room for.", Double(flowCapacity)),
            Family(
                "rsdirector_dropped_packets_total", .counter,
                "Packets for the VIPs, and of servers' to the world, that were not forwarded, by why.",
                drops.sorted { $0.key < $1.key }.map { Sample(Double($0.value), Label("reason", $0.key)) }),
        ]
    }

    private var ofServers: [Exposition.Family] {
        func each(_ samples: (Server, [Exposition.Label]) -> [Exposition.Sample]) -> [Exposition.Sample] {
            services.flatMap { service in
                service.servers.flatMap { server in
                    samples(
                        server,
                        [
                            Label("service", service.name), Label("vip", service.vip.description),
                            Label("server", server.address.withPort(server.port)),
                        ])
                }
            }
        }
        return [
            Family(
                "rsdirector_server_state", .gauge, "1 for the state the server is in, 0 for the others.",
                each { server, labels in
                    server.sorry
                        ? []
                        : ServiceState.allCases.map {
                            Sample(server.state == $0 ? 1 : 0, labels + [Label("state", $0.rawValue)])
                        }
                }),
            Family(
                "rsdirector_sorry_server", .gauge,
                "1 where the sorry server gets the new connections, for too few others are up, 0 where it does not.",
                each { server, labels in server.sorry ? [Sample(server.weight > 0 ? 1 : 0, labels)] : [] }),
            Family(
                "rsdirector_server_resolved", .gauge, "1 where it is known where packets for the server go.",
                each { [Sample($0.mac == nil ? 0 : 1, $1)] }),
            Family(
                "rsdirector_server_agent_weight", .gauge, "The weight that the server's agent asks for.",
                each { server, labels in server.agentWeight.map { [Sample($0, labels)] } ?? [] }),
            Family(
                "rsdirector_server_persistent_clients", .gauge, "Clients that stay with the server.",
                each { [Sample($0.templates, $1)] }),
        ]
    }

    /// Nothing where there is no source NAT.
    private var ofOutbound: [Exposition.Family] {
        guard !outbound.isEmpty else { return [] }
        func each(_ value: (Outbound) -> UInt64) -> [Exposition.Sample] {
            outbound.map { rule in
                let sources = rule.sources.map(\.description).joined(separator: ",")
                return Sample(
                    Double(value(rule)), [Label("address", rule.address.description), Label("sources", sources)])
            }
        }
        return [
            Family(
                "rsdirector_outbound_connections_total", .counter, "Connections that servers opened to the world.",
                each(\.total.connections)),
            Family(
                "rsdirector_outbound_connections_active", .gauge, "Those being opened or open.",
                each { UInt64($0.active) }),
            Family(
                "rsdirector_outbound_connections_inactive", .gauge,
                "Those closing or closed, and those of UDP and ICMP echo.", each { UInt64($0.inactive) }),
            Family(
                "rsdirector_outbound_sent_packets_total", .counter, "Packets that servers sent to the world.",
                each(\.total.outboundPackets)),
            Family(
                "rsdirector_outbound_sent_bytes_total", .counter, "What these hold.", each(\.total.outboundBytes)),
            Family(
                "rsdirector_outbound_received_packets_total", .counter, "Packets from the world for servers.",
                each(\.total.inboundPackets)),
            Family(
                "rsdirector_outbound_received_bytes_total", .counter, "What these hold.", each(\.total.inboundBytes)),
        ]
    }

    private var ofInterfaces: [Exposition.Family] {
        func each(_ value: (Interface) -> UInt64) -> [Exposition.Sample] {
            interfaces.map { Sample(Double(value($0)), Label("interface", $0.name)) }
        }
        return [
            Family(
                "rsdirector_interface_up", .gauge, "1 while frames pass.",
                interfaces.map { Sample($0.up, Label("interface", $0.name)) }),
            Family(
                "rsdirector_interface_received_frames_total", .counter, "Frames that arrived.", each(\.received)),
            Family(
                "rsdirector_interface_ring_drops_total", .counter, "Frames lost because the director was too slow.",
                each(\.ringDrops)),
            Family(
                "rsdirector_interface_transmitted_frames_total", .counter, "Frames sent.", each(\.transmitted)),
            Family(
                "rsdirector_interface_refused_frames_total", .counter, "Frames the kernel refused to send.",
                each(\.refused)),
            Family(
                "rsdirector_vip_owned", .gauge, "1 where the VIP is answered for.",
                vips.map {
                    Sample(
                        $0.state == .owned, Label("vip", $0.address.description), Label("interface", $0.interface))
                }),
        ]
    }
}

extension Exposition.Sample {
    fileprivate init(_ value: Int, _ labels: [Exposition.Label]) {
        self.init(Double(value), labels)
    }

    fileprivate init(_ value: Double, _ labels: [Exposition.Label]) {
        self.init(value)
        self.labels = labels
    }
}
