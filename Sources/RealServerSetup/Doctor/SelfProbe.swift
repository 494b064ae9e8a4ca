internal import ConfigurationFile
internal import Glibc
internal import Netlink
internal import NetworkAddress

/// A packet as the director would send it, from a scratch namespace of its own, which must come back answered by the
/// service: plain for DR, in its tunnel for TUN, to this host's own address for NAT.
///
/// It shows what the settings come to, `rp_filter` of the tunnel's device and the lock-down included. It does not go by the
/// interface that faces the director: what is wrong there is told by route look-ups instead.
struct SelfProbe {
    /// The device a probe comes in by.
    static let interfaceName = ProbeWire.name

    /// How many are sent at most: one that is not answered takes two seconds.
    static let limit = 16

    /// One probe to be sent.
    struct Attempt: Hashable, Sendable {
        var endpoint: Evidence.Endpoint
        var packing: ProbePacking?

        /// How it goes, in words.
        var way: String {
            guard let packing else { return "plain" }
            let kind = packing.kind.rawValue + (packing.guePort.map { " in GUE to port \($0)" } ?? "")
            return "\(kind) from \(packing.source) to \(packing.destination)"
        }
    }

    let request: SetupRequest
    let host: HostSnapshot
    /// Reads the counters on this host.
    let counters: () -> DropCounters

    /// What is to be sent: for each VIP the first port of each of its services, for TUN by each family of tunnel.
    static func attempts(_ request: SetupRequest, _ host: HostSnapshot) -> [Attempt] {
        let own = OwnAddresses(request, host)
        // What answers a datagram only its service knows: silence would say nothing.
        return request.services.filter { $0.transport == .tcp }.flatMap { service -> [Attempt] in
            service.vips.flatMap { vip -> [Attempt] in
                guard let endpoint = service.endpoints(of: vip, own).first else { return [] }
                guard let tunnel = service.tunnel else { return [Attempt(endpoint: endpoint)] }
                return [own.v4, own.v6].compactMap { local in
                    guard let local, let source = outerSource(request, to: local) else { return nil }
                    let kind = Tunnel.Kind(
                        tunnel.type, isIPv6Outside: local.v6 != nil, isIPv6Inside: vip.v6 != nil)
                    return Attempt(
                        endpoint: endpoint,
                        packing: ProbePacking(
                            kind: kind, source: source, destination: local,
                            guePort: tunnel.type == .gue ? tunnel.port : nil))
                }
            }
        }
    }

    /// As whom a tunnel packet is sent: a director, or somebody else whom the lock-down lets in. Where nobody is
    /// named, anyone: the last address but one of 198.18.0.0/15, or one of RFC 3849.
    private static func outerSource(_ request: SetupRequest, to local: IPAddress) -> IPAddress? {
        let isIPv6 = local.v6 != nil
        if let director = request.directors.first(where: { ($0.v6 != nil) == isIPv6 }) { return director }
        if let prefix = request.tunnelSources.first(where: { ($0.address.v6 != nil) == isIPv6 }) {
            guard prefix.length < prefix.address.bitWidth else { return prefix.address }
            // The first behind the network's own number.
            return switch prefix.address {
            case .v4(let address): .v4(IPv4Address(rawValue: address.rawValue + 1))
            case .v6(let address): .v6(IPv6Address(high: address.high, low: address.low + 1))
            }
        }
        guard request.directors.isEmpty, request.tunnelSources.isEmpty else { return nil }
        return isIPv6 ? .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 1)) : .v4(IPv4Address(198, 19, 255, 254))
    }

    /// Sends `attempts`, one after the other. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN. What it makes on this host it takes away
    /// before it returns (see `ProbeWire`).
    func run(_ attempts: [Attempt]) throws(SetupError) -> [ProbeResult] {
        let addresses = attempts.flatMap { [$0.endpoint.address] + ($0.packing.map { [$0.destination] } ?? []) }
        let network = ProbeNetwork(
            needsIPv4: addresses.contains { $0.v4 != nil }, needsIPv6: addresses.contains { $0.v6 != nil },
            seed: UInt32(bitPattern: getpid()),
            avoiding: host.addresses.map(\.prefix) + request.tunnelSources
                + (request.directors + request.services.flatMap(\.vips)).map { Prefix(host: $0) })
        let wire: ProbeWire
        do throws(SetupError) {
            wire = try ProbeWire(
                network, outerSources: attempts.compactMap { $0.packing?.source }, all: host.all.reversePathFilter)
        } catch .netlink(let error) where error.isAlreadyPresent {
            throw .file(
                operation: "make", path: ProbeWire.name,
                reason: "it is there already: another doctor is at work; wait for it, or remove it: "
                    + "ip link del \(ProbeWire.name)")
        }
        var results: [ProbeResult] = []
        for attempt in attempts { results.append(try send(attempt, by: wire)) }
        return results
    }

    private func send(_ attempt: Attempt, by wire: borrowing ProbeWire) throws(SetupError) -> ProbeResult {
        let endpoint = attempt.endpoint
        // Where the address is not here there is no way back to be asked for.
        let isHere = host.addresses.contains { $0.prefix.address == endpoint.address }
        let back = isHere ? try wire.leadBack(from: endpoint.address, port: endpoint.port) : nil
        let before = counters()
        let outcome: ProbeResult.Outcome
        do throws(SetupError) {
            outcome = try wire.attempt(to: endpoint.address, port: endpoint.port, packing: attempt.packing)
        } catch {
            outcome = .unsent(error.description)
        }
        return ProbeResult(
            endpoint: endpoint, way: attempt.way,
            client: wire.client.client(like: endpoint.address) ?? endpoint.address,
            outcome: outcome, growth: counters().growth(since: before),
            answerLeavesBy: back.map { .read($0) } ?? .unread("\(endpoint.address) is not on this host"),
            interface: wire.interface)
    }
}

extension AgentConfiguration.Service {
    /// Where packets for a VIP of this service end on this host, one for each port; none where that is not known.
    func endpoints(of vip: IPAddress, _ own: OwnAddresses) -> [Evidence.Endpoint] {
        let address = forward == .nat ? own[isIPv6: vip.v6 != nil] : vip
        guard let address else { return [] }
        let ports = forward == .nat ? realPort.map { [$0] } ?? ports : ports
        return ports.map {
            Evidence.Endpoint(service: name, vip: vip, address: address, transport: transport, port: $0)
        }
    }
}
