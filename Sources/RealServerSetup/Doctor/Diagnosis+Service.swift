internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress

extension Diagnosis {
    /// Who listens on VIP:port (with NAT on this host's own address).
    mutating func judgeListeners() {
        for service in request.services where service.ports.isEmpty {
            note(.listener, .sound, "\(service.name) takes every port: who listens was not looked at")
        }
        for (endpoint, isListenedOn) in evidence.isListenedOn.sorted(by: { $0.key < $1.key }) {
            let name = endpoint.words
            if isListenedOn {
                note(.listener, .sound, "\(endpoint.service): somebody listens on \(name)")
                continue
            }
            let listeners = (evidence.listeners.value ?? []).filter {
                $0.port == endpoint.port && $0.transport == endpoint.transport
            }
            let command = endpoint.transport == .tcp ? "ss -tln" : "ss -uln"
            let found = listeners.map(\.words).sorted().joined(separator: ", ")
            note(
                .listener, .problem, "\(endpoint.service): nobody listens on \(name)",
                evidence: [
                    listeners.isEmpty ? "\(command): no listener on port \(endpoint.port)" : "\(command): \(found)"
                ], cause: absence(endpoint, listeners),
                cure: "let the service listen on \(name), or on "
                    + "\(endpoint.address.v6 != nil ? "[::]" : "0.0.0.0"):\(endpoint.port)")
        }
        if case .unread(let reason) = evidence.listeners, !evidence.isListenedOn.isEmpty {
            noteUnread(.listener, "what else listens", reason)
        }
    }

    /// Why a SYN to an endpoint finds nobody, though others listen on the port.
    private func absence(_ endpoint: Evidence.Endpoint, _ listeners: [ListeningSocket]) -> String {
        let isIPv6 = endpoint.address.v6 != nil
        let isOwn = { (address: IPAddress) in address == self.own.v4 || address == self.own.v6 }
        let sameFamily = listeners.filter { ($0.address.v6 != nil) == isIPv6 }
        if let bound = sameFamily.first(where: { isOwn($0.address) }) {
            return
                "the service is bound to this host's own address \(bound.address) only, so a packet for the VIP finds "
                + "nobody"
        }
        let localhosts: [IPAddress] = [.v4(IPv4Address(127, 0, 0, 1)), .v6(IPv6Address(high: 0, low: 1))]
        if sameFamily.contains(where: { localhosts.contains($0.address) }) {
            return "the service is bound to localhost only"
        }
        if !isIPv6, listeners.contains(where: { $0.address == .v6(.any) }) {
            return "the service listens on [::] for IPv6 only (IPV6_V6ONLY), so IPv4 finds nobody"
        }
        if isIPv6, listeners.contains(where: { $0.address.v4 != nil }) {
            return "the service listens on IPv4 only"
        }
        if let bound = sameFamily.first {
            return bound.isWildcard
                ? "the service takes any address, but only on one interface or VRF (SO_BINDTODEVICE)"
                : "the service is bound to \(bound.address) only"
        }
        let refusal = endpoint.transport == .tcp ? "a reset" : "an ICMP error"
        return "no process listens on that port: clients get \(refusal)"
    }

    /// The way back to the client.
    mutating func judgeReplies() {
        noteRefusals(.reply, as: .reply)
        for step in steps(.reply) {
            note(
                .reply, .problem, step.reason,
                evidence: evidence.departures.filter { $0.services.isSubset(of: step.services ?? []) }.compactMap(
                    words),
                cause: "the client gets its answer past the director, which had to turn it back or see it",
                cure: Self.cure(step.change))
        }
        guard isSettled(.reply) else { return }
        for passage in evidence.departures { judge(passage) }
    }

    private mutating func judge(_ passage: Evidence.Passage) {
        let answer = "answers from \(passage.source) to the client \(passage.destination)"
        guard case .read(let lookup) = passage.answer else {
            if case .unread(let reason) = passage.answer { noteUnread(.reply, answer, reason) }
            return
        }
        let asked = [words(passage)].compactMap { $0 }
        let isReturning = request.returningServices.contains { passage.services.contains($0.name) }
        switch lookup.outcome {
        case .unicast:
            let way = lookup.gateway.map { "by way of \($0), " } ?? ""
            let isByDirector = lookup.gateway.map(request.directors.contains) == true
            let isToDirector = request.directors.contains(passage.destination)
            guard isReturning, !isByDirector, !isToDirector else {
                return note(.reply, .sound, "\(answer) go \(way)by \(name(of: lookup.interface))")
            }
            note(
                .reply, .problem, "\(answer) do not go by way of the director", evidence: asked,
                cause: lookup.gateway == nil
                    ? "the client is on a network of this host's own, and the answer goes straight to it"
                    : "another rule comes first, or the client has a route of its own",
                cure: "ip rule show; ip route get \(passage.destination) from \(passage.source)")
        case .local:
            note(
                .reply, .warning, "the client \(passage.destination) is this host itself", evidence: asked,
                cause: "its answers never leave", cure: "name another: rsagent doctor --client ADDRESS")
        default:
            note(
                .reply, .problem, "\(answer) go nowhere", evidence: asked,
                cause: "this host has no way to the client, so the client waits in vain",
                cure: "give it one: ip \(passage.destination.v6 != nil ? "-6 " : "")route add default via GATEWAY")
        }
    }

    private func words(_ passage: Evidence.Passage) -> String? {
        guard let lookup = passage.answer.value else { return nil }
        return "ip route get \(passage.destination) from \(passage.source): \(lookup.outcome.words)"
            + (lookup.gateway.map { " via \($0)" } ?? "") + (lookup.interface.map { " dev \(name(of: $0))" } ?? "")
            + (lookup.table.map { " table \($0)" } ?? "")
    }

    /// What the card does to packets, where it matters: where they are taken out of a tunnel.
    mutating func judgeOffloads() {
        guard !request.tunnelledServices.isEmpty, let facing = own.interface else { return }
        switch evidence.offloads {
        case .unread(let reason): noteUnread(.offload, "offloads of \(facing.name)", reason)
        case .read(let offloads):
            let evidence = [
                "ethtool -k \(facing.name): large-receive-offload \(offloads.joinsInHardware ? "on" : "off"), "
                    + "generic-receive-offload \(offloads.joinsInSoftware ? "on" : "off")"
            ]
            guard offloads.joinsInHardware else {
                return note(
                    .offload, .sound, "\(facing.name) hands over packets as they came: no large receive offload")
            }
            note(
                .offload, .warning, "\(facing.name) joins packets in hardware (LRO)", evidence: evidence,
                cause: "what it joined cannot be told apart again: tunnel packets come out wrong or are dropped",
                cure: "ethtool -K \(facing.name) lro off")
        }
    }

    /// What the kernel counted as dropped: since it began to count, and while the doctor looked.
    mutating func judgeCounters() {
        switch evidence.counts {
        case .unread(let reason): noteUnread(.counters, "the kernel's drop counters", reason)
        case .read(let counts):
            // What the probes made grow is told with them.
            let probed = evidence.probes.value?.map(\.growth) ?? []
            let growth = counts.after.growth(since: counts.before).filter { counter, grown in
                grown > probed.reduce(0) { $0 + ($1[counter] ?? 0) }
            }
            for counter in DropCounters.Counter.allCases {
                guard let total = counts.after.values[counter] else { continue }
                let values = ["\(counter.rawValue) \(total), grown by \(growth[counter] ?? 0) while the doctor looked"]
                if growth[counter] != nil, counter.isTelling {
                    note(.counters, .warning, "\(counter.meaning)", evidence: values, cause: "this is going on now")
                } else if total > 0 {
                    let when = growth[counter] == nil ? "earlier, not now" : "now and then"
                    note(.counters, .sound, "\(when): \(counter.meaning)", evidence: values)
                }
            }
            if !counts.after.values.values.contains(where: { $0 > 0 }) {
                note(.counters, .sound, "the kernel's drop counters are all 0")
            }
        }
    }
}

extension Evidence.Endpoint: Comparable {
    /// By service, address and port.
    public static func < (left: Self, right: Self) -> Bool {
        (left.service, left.address, left.port) < (right.service, right.address, right.port)
    }

    /// As ss(8) writes it, and where it is not TCP, what it is.
    var words: String {
        (transport == .tcp ? "" : "\(transport) ") + ListeningSocket(address: address, port: port).words
    }
}
