internal import ConfigurationFile
internal import Glibc
internal import Netlink
internal import NetworkAddress
internal import PacketFilter

/// Looks at what a diagnosis needs besides the host's settings, in the network namespace of the calling thread. Changes
/// nothing but for the probes, which take away what they made. What cannot be read is in the evidence as that, with the reason.
struct EvidenceGatherer {
    let request: SetupRequest
    let host: HostSnapshot
    /// Whose packets are asked about, one or more of each family.
    let clients: [IPAddress]
    /// Whether packets are sent.
    let isProbing: Bool

    func gather() -> Evidence {
        var evidence = Evidence()
        let before = Self.counters()
        let own = OwnAddresses(request, host)
        let endpoints = request.services.flatMap { service in service.vips.flatMap { service.endpoints(of: $0, own) } }
        (evidence.listeners, evidence.isListenedOn) = listeners(endpoints)
        gatherPassages(own, into: &evidence)
        if let facing = own.interface {
            evidence.offloads =
                InterfaceOffloads.read(interface: facing.name).map { .read($0) } ?? .unread("its driver does not tell")
        }
        evidence.neighborProxies = reading { network throws(NetlinkError) in try network.neighborProxies() }
        if isProbing {
            evidence.answerers = answerers(own)
            probe(into: &evidence)
        } else {
            evidence.answerers = .unread("nothing was to be sent (--no-probe)")
            evidence.probes = .unread("nothing was to be sent (--no-probe)")
        }
        let counts = before.flatMap { before in Self.counters().map { Evidence.Counts(before: before, after: $0) } }
        evidence.counts = counts.map { .read($0) } ?? .unread("/proc/net/netstat cannot be read")
        return evidence
    }

    /// `/proc/thread-self`: `/proc/net` is that of the process, which may be in another namespace than this thread.
    private static func file(_ name: String) -> [UInt8]? {
        (try? File.read("/proc/thread-self/net/\(name)")).flatMap { $0 }
    }

    /// The kernel's counters, and with CAP_NET_ADMIN those of rsagent's own table. Equivalent to: `nstat -az`,
    /// `nft list counters table inet rsagent`.
    private static func counters() -> DropCounters? {
        guard let netstat = file("netstat") else { return nil }
        var counters = DropCounters()
        for text in [netstat, file("snmp"), file("snmp6")] { if let text { counters.read(text) } }
        guard Capability.hasNetworkAdministration else { return counters }
        let counted = try? KernelHost().filter { nftables throws(PacketFilterError) in
            try GuardTable.counters(nftables)
        }
        if let counted = counted.flatMap({ $0 }) {
            counters.values[.outerSource] = counted.outerSource
            counters.values[.innerDestination] = counted.innerDestination
        }
        return counters
    }

    /// Who listens: by the kernel's own look-up for what a SYN would find, by its list for who else there is.
    private func listeners(
        _ endpoints: [Evidence.Endpoint]
    ) -> (Evidence.Reading<[ListeningSocket]>, [Evidence.Endpoint: Bool]) {
        var isListenedOn: [Evidence.Endpoint: Bool] = [:]
        if let probe = try? ListenerProbe() {
            let here = Set(host.addresses.map(\.prefix.address))
            for endpoint in endpoints where here.contains(endpoint.address) && endpoint.transport == .tcp {
                isListenedOn[endpoint] = try? probe.hasTCPListener(endpoint.address, port: endpoint.port)
            }
        }
        guard let tcp = Self.file("tcp") else { return (.unread("/proc/net/tcp cannot be read"), isListenedOn) }
        // Without IPv6 there is no second file.
        var sockets = ListeningSocket.all(in: tcp, .tcp)
        for (name, transport) in [("tcp6", TransportProtocol.tcp), ("udp", .udp), ("udp6", .udp)] {
            sockets += Self.file(name).map { ListeningSocket.all(in: $0, transport) } ?? []
        }
        let here = Set(host.addresses.map(\.prefix.address))
        for endpoint in endpoints where here.contains(endpoint.address) && endpoint.transport == .udp {
            isListenedOn[endpoint] = sockets.contains { $0.takes(endpoint) }
        }
        return (.read(sockets), isListenedOn)
    }

    private func reading<Value>(
        _ body: (borrowing Network) throws(NetlinkError) -> Value
    ) -> Evidence.Reading<Value> {
        do throws(NetlinkError) {
            return .read(try body(try Network()))
        } catch {
            return .unread(error.description)
        }
    }

    /// Asks the kernel what it would do with packets of the clients, and with the answers.
    private func gatherPassages(_ own: OwnAddresses, into evidence: inout Evidence) {
        guard let network = try? Network() else { return }
        let here = Set(host.addresses.map(\.prefix.address))
        let unpackers = Diagnosis.unpackers(request, host)
        for service in request.services {
            for endpoint in service.vips.compactMap({ service.firstEndpoint(of: $0, own) }) {
                guard here.contains(endpoint.address) else { continue }
                let isIPv6 = endpoint.address.v6 != nil
                for client in clients where (client.v6 != nil) == isIPv6 {
                    let entrances =
                        service.forward == .tun
                        ? unpackers.filter { $0.tunnel?.takes(isIPv6Inside: isIPv6) == true }
                        : [own.interface].compactMap { $0?.isUp == true ? $0 : nil }
                    for entrance in entrances {
                        evidence.arrivals.merge(
                            ask(
                                network, client, endpoint.address, incoming: entrance.index,
                                transport: endpoint.transport, service.name))
                    }
                    // With its port: a rule may be for that alone.
                    evidence.departures.merge(
                        ask(
                            network, endpoint.address, client, transport: endpoint.transport,
                            sourcePort: endpoint.port, service.name))
                }
            }
            guard service.forward == .tun, let facing = own.interface, facing.isUp else { continue }
            for director in request.directors {
                guard let local = own[isIPv6: director.v6 != nil] else { continue }
                evidence.arrivals.merge(ask(network, director, local, incoming: facing.index, service.name))
            }
        }
    }

    private func ask(
        _ network: borrowing Network, _ source: IPAddress, _ destination: IPAddress, incoming: Int32? = nil,
        transport: TransportProtocol = .tcp, sourcePort: UInt16? = nil, _ service: String
    ) -> Evidence.Passage {
        let answer: Evidence.Reading<RouteLookup>
        do throws(NetlinkError) {
            let port = sourcePort.flatMap { $0 == 0 ? nil : $0 }
            answer = .read(
                try network.lookUp(
                    destination: destination, source: source, incoming: incoming, transport: transport.number,
                    sourcePort: port))
        } catch {
            answer = .unread(error.description)
        }
        return Evidence.Passage(
            source: source, destination: destination, incoming: incoming, services: [service], answer: answer)
    }

    /// Asks the segment who else has a VIP.
    private func answerers(_ own: OwnAddresses) -> Evidence.Reading<[Answerer]> {
        let vips = request.heldVIPs.map(\.address)
        guard !vips.isEmpty else { return .read([]) }
        guard let facing = own.interface, facing.isUp else {
            return .unread("no interface that faces the director is up")
        }
        let segment = reading { network throws(NetlinkError) -> SentinelSegment? in
            let link = try network.links().first { $0.index == facing.index }
            guard let mac = link?.hardwareAddress else { return nil }
            let linkLocal = host.addresses.first { $0.interface == facing.index && $0.prefix.address.isLinkLocal }
            let known = try network.neighbors(interface: facing.index).compactMap { neighbor in
                neighbor.hardwareAddress.map { (neighbor.address, $0) }
            }
            return SentinelSegment(
                index: facing.index, name: facing.name, mac: mac, ipv4: own.v4?.v4,
                ipv6: linkLocal?.prefix.address.v6 ?? own.v6?.v6,
                neighbors: Dictionary(known, uniquingKeysWith: { first, _ in first }))
        }
        switch segment {
        case .unread(let reason): return .unread(reason)
        case .read(nil): return .unread("\(facing.name) is no Ethernet interface")
        case .read(let segment?):
            do throws(SetupError) {
                return .read(
                    try Sentinel.probeOnce(vips: vips, directors: request.directors, segment: segment))
            } catch .missingCapability(let name) {
                return .unread("\(name) is missing: run as root")
            } catch {
                return .unread(error.description)
            }
        }
    }

    private func probe(into evidence: inout Evidence) {
        let attempts = SelfProbe.attempts(request, host)
        let chosen = Array(attempts.prefix(SelfProbe.limit))
        evidence.unprobedCount = attempts.count - chosen.count
        guard !chosen.isEmpty else {
            evidence.probes = .read([])
            return
        }
        do throws(SetupError) {
            let probe = SelfProbe(request: request, host: host, counters: { Self.counters() ?? DropCounters() })
            evidence.probes = .read(try probe.run(chosen))
        } catch .missingCapability(let name) {
            evidence.probes = .unread(
                "\(name) is missing, which a network namespace to send it from takes: run as root")
        } catch {
            evidence.probes = .unread(error.description)
        }
    }
}

extension [Evidence.Passage] {
    /// Two services that ask the same are asked for once.
    fileprivate mutating func merge(_ passage: Evidence.Passage) {
        let isSame = { (other: Evidence.Passage) in
            other.source == passage.source && other.destination == passage.destination
                && other.incoming == passage.incoming && other.answer == passage.answer
        }
        // Look-ups of one service follow each other: what is the same is near the end.
        if let place = lastIndex(where: isSame) {
            self[place].services.formUnion(passage.services)
        } else {
            append(passage)
        }
    }
}

extension AgentConfiguration.Service {
    /// The first endpoint for a VIP; where the service takes every port, one with port 0.
    fileprivate func firstEndpoint(of vip: IPAddress, _ own: OwnAddresses) -> Evidence.Endpoint? {
        if let first = endpoints(of: vip, own).first { return first }
        let address = forward == .nat ? own[isIPv6: vip.v6 != nil] : vip
        return address.map {
            Evidence.Endpoint(service: name, vip: vip, address: $0, transport: transport, port: 0)
        }
    }
}

extension Tunnel {
    /// Whether what comes out of it may be of a family.
    fileprivate func takes(isIPv6Inside: Bool) -> Bool {
        innerProtocol == 0 ? !(kind == .ipip && isIPv6Inside) : innerProtocol == (isIPv6Inside ? 41 : 4)
    }
}
