internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress

extension Diagnosis {
    /// What became of packets as the director would send them.
    mutating func judgeProbes() {
        switch evidence.probes {
        case .unread(let reason): noteUnread(.probe, "a packet as the director would send it", reason)
        case .read(let results):
            for result in results { judge(result) }
            for service in request.services where service.transport == .udp {
                note(.probe, .sound, "\(service.name) takes datagrams, and need not answer any: not probed")
            }
            if evidence.unprobedCount > 0 {
                note(
                    .probe, .sound,
                    "\(evidence.unprobedCount) more were not probed: \(results.count) is as many as the doctor takes")
            }
        }
    }

    private mutating func judge(_ result: ProbeResult) {
        let probe = "\(result.endpoint.service): a connection to \(result.endpoint.words) (\(result.way))"
        var seen = ["from \(result.client), a scratch namespace on this host"] + result.growth.words
        switch result.outcome {
        case .answered(let time):
            note(.probe, .sound, "\(probe) was answered in \(time.milliseconds) ms")
        case .unsent(let reason):
            note(.probe, .warning, "\(probe) could not be tried", cause: reason)
        case .refused:
            note(
                .probe, .problem, "\(probe) was refused", evidence: seen,
                cause: "a reset came back: nobody listens there, or a packet filter rejects it",
                cure: "ss -tln 'sport = :\(result.endpoint.port)'; nft list ruleset")
        case .rejected(let error):
            note(
                .probe, .problem, "\(probe) was refused with an ICMP error", evidence: [error] + seen,
                cause: cause(result) ?? "this host says it does not take such packets, or a packet filter rejects them",
                cure: "rsagent apply; nft list ruleset")
        case .silent(let time):
            seen.insert("nothing came back in \(time.milliseconds) ms", at: 0)
            if case .read(let lookup) = result.answerLeavesBy {
                seen.append(
                    "ip route get \(result.client) from \(result.endpoint.address): \(lookup.outcome.words)"
                        + (lookup.interface.map { " dev \(name(ofProbed: $0, result))" } ?? ""))
            }
            note(
                .probe, .problem, "\(probe) was not answered", evidence: seen,
                cause: cause(result)
                    ?? "no counter of this host grew and the answer has a way: most likely a packet filter drops it, or "
                    + "drops what comes in by any interface but its own",
                cure: cure(result))
        }
    }

    private func name(ofProbed interface: Int32, _ result: ProbeResult) -> String {
        interface == result.interface ? SelfProbe.interfaceName : name(of: interface)
    }

    /// What stopped a probe, by what the kernel counted.
    private func cause(_ result: ProbeResult) -> String? {
        let has = { (counters: DropCounters.Counter...) in counters.contains { result.growth[$0] != nil } }
        if has(.outerSource) { return "the lock-down dropped it: its outer source is not among those it lets in" }
        if has(.innerDestination) {
            return "the lock-down dropped what came out of the tunnel: it is for no VIP it knows"
        }
        if has(.reversePathFilter) {
            return "rp_filter dropped it: the way back to its source does not lead where it came from"
        }
        if has(.unknownProtocols, .unknownProtocols6) { return "nothing on this host unpacks it" }
        if held[result.endpoint.address] == nil {
            return "\(result.endpoint.address) is not on this host, so it was forwarded or dropped"
        }
        let answer = result.answerLeavesBy.value
        if let answer, answer.outcome != .unicast { return "the answer goes nowhere: a rule or route says so" }
        // A listener drops what it cannot answer: the listener's own counters say nothing then.
        // Of the other family's packets the host gets some that nobody wants at any time.
        let isIPv6 = result.endpoint.address.v6 != nil
        if has(isIPv6 ? .noRouteOut6 : .noRouteOut) { return "the answer has no route to go by" }
        if let answer, answer.interface != result.interface {
            return
                "the answer left by \(name(of: answer.interface)), where a rule or route sends it, not the way it came"
        }
        if has(.listenOverflows, .listenDrops) { return "the listener dropped it: its queue is full" }
        if isIPv6 ? has(.noRouteIn6, .addressErrors6) : has(.noRouteIn, .addressErrors) {
            return "the kernel has no route by which to deliver it"
        }
        return nil
    }

    private func cure(_ result: ProbeResult) -> String {
        if !plan.isEmpty { return "first what is named above: rsagent apply" }
        if result.growth[.reversePathFilter] != nil { return "sysctl -a | grep rp_filter; rsagent plan" }
        if let lookup = result.answerLeavesBy.value, lookup.interface != result.interface {
            return "ip rule show; ip route get \(result.client) from \(result.endpoint.address)"
        }
        return "nft list ruleset; iptables-save -c"
    }
}

extension Duration {
    /// Milliseconds with one decimal.
    var milliseconds: String {
        let tenths = components.seconds * 10_000 + components.attoseconds / 100_000_000_000_000
        return "\(tenths / 10)" + (tenths % 10 == 0 ? "" : ".\(tenths % 10)")
    }
}
