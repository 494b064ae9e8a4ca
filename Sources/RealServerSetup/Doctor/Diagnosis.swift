internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress
internal import PacketFilter

/// What is wrong with a host, and what is not, in the order in which a packet from a director meets it.
///
/// A pure function of what was asked for and what was read. What `Plan` would change or refuses to is all in it; what goes
/// beyond the host's settings comes from the evidence.
public struct Diagnosis: Sendable {
    /// The findings, by topic; within a topic, problems first.
    public private(set) var findings: [Finding] = []

    let request: SetupRequest
    let host: HostSnapshot
    let plan: Plan
    let evidence: Evidence
    let own: OwnAddresses
    let held: [IPAddress: [HostSnapshot.Address]]
    let vips: [SetupRequest.HeldVIP]

    /// - Parameters:
    ///   - request: what the host should be fit for.
    ///   - host: what it is.
    ///   - plan: what would be changed, and what stands in the way.
    ///   - evidence: what else was looked at.
    public init(_ request: SetupRequest, host: HostSnapshot, plan: Plan, evidence: Evidence = Evidence()) {
        self.request = request
        self.host = host
        self.plan = plan
        self.evidence = evidence
        own = OwnAddresses(request, host)
        held = host.addressesByValue
        vips = request.heldVIPs
        judgeKernel()
        judgeInterface()
        judgeVIPs()
        judgeARP()
        judgeSegment()
        judgeTunnels()
        judgeReversePath()
        judgeLockdown()
        judgeListeners()
        judgeReplies()
        judgeSegmentSizes()
        judgeOffloads()
        judgeCounters()
        judgeProbes()
        findings = findings.enumerated().sorted { left, right in
            (left.element.topic, left.element.severity.rank, left.offset)
                < (right.element.topic, right.element.severity.rank, right.offset)
        }.map(\.element)
    }

    /// Whether nothing is wrong. Warnings are not wrong.
    public var isSound: Bool { !findings.contains { $0.severity == .problem } }

    mutating func note(_ finding: Finding) {
        if !findings.contains(finding) { findings.append(finding) }
    }

    mutating func note(
        _ topic: Finding.Topic, _ severity: Finding.Severity, _ what: String, evidence: [String] = [],
        cause: String? = nil, cure: String? = nil
    ) {
        note(Finding(topic, severity, what, evidence: evidence, cause: cause, cure: cure))
    }

    /// What could not be looked at, and why.
    mutating func noteUnread(_ topic: Finding.Topic, _ what: String, _ reason: String) {
        note(topic, .warning, "\(what): not looked at", cause: reason)
    }

    /// Every refusal about `planned`, as a problem.
    mutating func noteRefusals(_ planned: Plan.Topic, as topic: Finding.Topic, evidence: [String] = []) {
        for refusal in plan.refusals where refusal.topic == planned {
            let (what, cause) = Self.split(refusal.problem)
            note(topic, .problem, what, evidence: evidence, cause: cause, cure: refusal.cure)
        }
    }

    /// The steps about `planned`.
    func steps(_ planned: Plan.Topic) -> [Plan.Step] { plan.steps.filter { $0.topic == planned } }

    /// Whether nothing of a topic is to be changed or stands in the way.
    func isSettled(_ planned: Plan.Topic) -> Bool {
        steps(planned).isEmpty && !plan.refusals.contains { $0.topic == planned }
    }

    /// What mends a step, by hand or by rsagent.
    static func cure(_ change: Change) -> String {
        switch change {
        // No one command says all that is in a table.
        case .add(.guardTable), .add(.arpWall): "rsagent apply"
        default: "\(change); or: rsagent apply"
        }
    }

    /// A reason of the plan is what is so, a colon, and why.
    static func split(_ reason: String) -> (what: String, cause: String?) {
        guard let colon = reason.firstRange(of: ": ") else { return (reason, nil) }
        return (String(reason[..<colon.lowerBound]), String(reason[colon.upperBound...]))
    }

    /// The name of an interface by its index.
    func name(of interface: Int32?) -> String {
        interface.flatMap(host.interface)?.name ?? interface.map { "interface \($0)" } ?? "nowhere"
    }
}

extension Finding.Severity {
    var rank: Int {
        switch self {
        case .problem: 0
        case .warning: 1
        case .sound: 2
        }
    }
}

extension Diagnosis {
    private mutating func judgeKernel() {
        let missing = host.missingParts.map { "no \($0.rawValue) in /sys/module, /lib/modules or /proc/kallsyms" }
        noteRefusals(.kernel, as: .kernel, evidence: missing.sorted())
        let parts = KernelPart.needed(for: request)
        guard isSettled(.kernel), !parts.isEmpty else { return }
        note(.kernel, .sound, "the kernel has all that the configuration takes")
    }

    private mutating func judgeInterface() {
        noteRefusals(.interface, as: .interface)
        let wanted = request.interface ?? "the one with the default route"
        guard let facing = own.interface else {
            guard isSettled(.interface) else { return }
            return note(
                .interface, .warning, "no interface faces the director (\(wanted))",
                cause: "it is not there, so what depends on it was not looked at",
                cure: request.interface == nil ? "write interface = \"…\" in the configuration" : "ip link show")
        }
        let addresses = [own.v4, own.v6].compactMap { $0?.description }.joined(separator: ", ")
        let evidence = ["addresses of its own: \(addresses.isEmpty ? "none" : addresses)", "MTU \(facing.mtu)"]
        if !facing.isUp {
            note(
                .interface, .problem, "\(facing.name), which faces the director, is down", evidence: evidence,
                cause: "nothing comes in by it", cure: "ip link set \(facing.name) up")
        } else if facing.mtu < 1280, vips.contains(where: { $0.address.v6 != nil }) {
            note(
                .interface, .problem, "\(facing.name) has an MTU of \(facing.mtu)", evidence: evidence,
                cause: "IPv6 takes 1280 (RFC 8200 §5)", cure: "ip link set \(facing.name) mtu 1500")
        } else {
            note(.interface, .sound, "\(facing.name) faces the director: \(evidence.joined(separator: ", "))")
        }
    }

    private mutating func judgeVIPs() {
        noteRefusals(.vip, as: .vip)
        var isAdded: Set<IPAddress> = []
        for step in steps(.vip) {
            if case .add(.address(let placed)) = step.change { isAdded.insert(placed.prefix.address) }
            let (what, cause) = Self.split(step.reason)
            note(
                .vip, .problem, what, evidence: ["ip addr: \(placesText(step.change))"], cause: cause,
                cure: Self.cure(step.change))
        }
        let refused = plan.refusals.filter { $0.topic == .vip }.map(\.problem)
        for vip in vips where !isAdded.contains(vip.address) {
            guard let places = held[vip.address], !refused.contains(where: { $0.hasPrefix("\(vip.address)/") }) else {
                continue
            }
            note(.vip, .sound, "VIP \(vip.address) is on \(names(places))")
        }
        for service in request.services where service.forward == .nat {
            for vip in service.vips {
                guard let places = held[vip] else { continue }
                note(
                    .vip, .problem, "VIP \(vip) of the NAT service \(service.name) is on \(names(places))",
                    evidence: places.map { "\($0.prefix) on \(name(of: $0.interface))" },
                    cause: "with NAT the VIP is the director's alone: this host would answer for it, and take what it "
                        + "sends there itself",
                    cure: places.map { "ip addr del \($0.prefix) dev \(name(of: $0.interface))" }
                        .joined(separator: "; "))
            }
        }
    }

    private func names(_ places: [HostSnapshot.Address]) -> String {
        places.map { name(of: $0.interface) }.joined(separator: ", ")
    }

    private func placesText(_ change: Change) -> String {
        let address: IPAddress? =
            switch change {
            case .add(.address(let placed)), .remove(.address(let placed)): placed.prefix.address
            default: nil
            }
        guard let address else { return "\(change)" }
        let places = held[address] ?? []
        return places.isEmpty
            ? "\(address) is on no interface"
            : places.map { "\($0.prefix) on \(name(of: $0.interface))" }.joined(separator: ", ")
    }
}
