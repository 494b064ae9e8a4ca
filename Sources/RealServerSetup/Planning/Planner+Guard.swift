internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress
internal import PacketFilter

extension Planner {
    /// What the packet filter is to guard: put together by those who plan tunnels and answers.
    struct Guarding {
        var entrances: [GuardTable.Entrance] = []
        var devices: [String] = []
        var segmentSizes: [GuardTable.SegmentSize] = []
        var steadfast: [String] = []
    }

    /// The table of packet-filter rules: one for everything, for it is replaced as a whole.
    mutating func planGuard() {
        let tunnelled = request.tunnelledServices
        keepGuarding()
        let table = GuardTable(
            entrances: guarding.entrances, sources: request.directors.map { Prefix(host: $0) } + request.tunnelSources,
            devices: guarding.devices, vips: tunnelled.flatMap(\.vips), segmentSizes: guarding.segmentSizes,
            steadfast: guarding.steadfast)
        guard !table.isEmpty else { return }
        if tunnelled.isEmpty {
            // Without it a redirect may turn answers away, which is no reason to refuse to serve.
            guard !host.missingParts.contains(.nftables) else { return }
        } else {
            guard supports(.nftables, for: Set(tunnelled.map(\.name))) else { return }
        }
        let reason =
            if !table.entrances.isEmpty {
                "anyone can send packets through the tunnel, to any address of this host"
            } else if !table.segmentSizes.isEmpty {
                "the VIPs' SYN-ACKs promise a segment size that does not fit the tunnel"
            } else {
                "an ICMP redirect would turn answers away from the director"
            }
        want(
            .guardTable(table), .lockdown, missing: reason, inTheWay: "remove it: nft delete table inet rsagent",
            for: Set((tunnelled + request.returningServices).map(\.name)))
    }

    /// What is kept for an address that may come back goes on being guarded.
    private mutating func keepGuarding() {
        guard !undetermined.isEmpty, case .present(let present) = host.guardTable else { return }
        guarding.entrances += present.entrances.filter { undetermined.contains($0.local.v6 != nil) }
        if request.isLockedDown { guarding.devices += keptDevices }
        let vips = Set(request.tunnelledServices.flatMap(\.vips))
        guarding.segmentSizes += present.segmentSizes.filter { vips.contains($0.vip) }
        if !request.returningServices.isEmpty { guarding.steadfast += present.steadfast }
    }

    /// The tunnel devices of ours that stay though this host has no address now for what they take.
    private var keptDevices: [String] {
        ownership.made.values.joined().compactMap { object in
            guard case .tunnel(_, let name) = object, object.isOf(undetermined),
                host.interfaces.contains(where: { $0.name == name })
            else { return nil }
            return name
        }
    }
}
