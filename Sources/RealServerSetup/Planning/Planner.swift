internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress

/// One look at a host: what is to be done next. Each concern is an extension of its own; `Plan` asks again until there is
/// nothing left to do.
struct Planner {
    let request: SetupRequest
    let host: HostSnapshot
    let ownership: Ownership
    /// By way of whom answers go back; nil: any director of the request will do.
    let preferredDirectors: [IPAddress]?
    /// The VIPs to be held, and where addresses are now.
    let vips: [SetupRequest.HeldVIP]
    let held: [IPAddress: [HostSnapshot.Address]]

    var steps: [Plan.Step] = []
    var refusals: [Plan.Refusal] = []
    var adoptions: [HostObject] = []
    var claims: [HostObject] = []
    /// The objects that the request asks for, so that those of ours that it does not ask for can be told.
    var wanted: Set<HostObject.Identity> = []
    /// The families (whether IPv6) whose own address something of the request depends on and is not there. What was made for
    /// them is kept: the interface or its address may come back.
    var undetermined: Set<Bool> = []
    /// What the packet filter is to guard.
    var guarding = Guarding()

    /// The number of rsagent's own routing table, and of the rules that lead to it: ahead of main (32766), behind local (0).
    static let table: UInt32 = 9380
    /// The priorities of those rules.
    static let priorities = table...table + 2

    init(
        _ request: SetupRequest, _ host: HostSnapshot, _ ownership: Ownership, _ preferredDirectors: [IPAddress]?
    ) {
        self.request = request
        self.host = host
        self.ownership = ownership
        self.preferredDirectors = preferredDirectors
        vips = request.heldVIPs
        held = host.addressesByValue
    }

    mutating func plan() {
        guard let loopback = host.loopback, loopback.isUp else {
            refuse(
                .interface, "the loopback interface is down, so no packet for a VIP on it is delivered",
                "bring it up: ip link set lo up")
            return
        }
        hideFromARP()
        placeVIPs(on: loopback)
        let own = OwnAddresses(request, host)
        planTunnels(own)
        planReplies(own)
        judgeDepartures()
        planGuard()
        // While nobody knows this host's own address, nobody can tell what is no longer wanted: the interface may come back.
        withdraw(keepingOthersThan: own.isUndetermined ? loopback : nil)
    }

    mutating func step(_ topic: Plan.Topic, _ change: Change, _ reason: String, for services: Set<String>? = nil) {
        steps.append(Plan.Step(change: change, reason: reason, topic: topic, services: services))
    }

    mutating func refuse(
        _ topic: Plan.Topic, _ problem: String, _ cure: String, for services: Set<String>? = nil
    ) {
        refusals.append(Plan.Refusal(problem: problem, cure: cure, topic: topic, services: services))
    }

    /// Wants an object: makes it where it is missing, replaces it where it is ours and has changed. What is somebody else's
    /// and in the way is refused.
    mutating func want(
        _ object: HostObject, _ topic: Plan.Topic, missing reason: String, inTheWay cure: String,
        for services: Set<String>? = nil
    ) {
        wanted.insert(object.identity)
        switch host.presence(of: object, held) {
        case .present:
            if object.bearsOurName, ownership.made[object.identity] == nil { claims.append(object) }
        case .absent: step(topic, .add(object), reason, for: services)
        case .different(let what):
            guard ownership.made[object.identity] != nil else {
                return refuse(topic, "\(what), and nothing is on record of who made it", cure, for: services)
            }
            // A packet-filter table is replaced in one transaction: removing it first would leave a gap.
            if !object.isReplacedWhole { step(topic, .remove(object), "\(what)", for: services) }
            step(topic, .add(object), object.isReplacedWhole ? what : reason, for: services)
        }
    }

    /// Takes away what rsagent once made and the configuration no longer asks for. Where a loopback interface is given, only
    /// addresses there.
    private mutating func withdraw(keepingOthersThan loopback: HostSnapshot.Interface?) {
        var unwanted: [(object: HostObject, command: String)] = []
        for (identity, shapes) in ownership.made where !wanted.contains(identity) {
            if let loopback {
                guard case .address(_, loopback.index) = identity else { continue }
            }
            guard let object = shapes.first(where: { host.isThere($0, held) }), !object.isOf(undetermined) else {
                continue
            }
            unwanted.append((object, object.removing))
        }
        // A record has no order: the same plan is to be the same text each time.
        for (object, _) in unwanted.sorted(by: { $0.command < $1.command }) {
            let reason: String =
                if case .address(let address) = object {
                    "\(address.prefix.address) is no longer in the configuration"
                } else {
                    "the configuration no longer asks for it"
                }
            step(object.topic, .remove(object), reason)
        }
    }
}

extension HostObject {
    /// Whether making it replaces what is in its place, in one transaction.
    var isReplacedWhole: Bool {
        switch self {
        case .guardTable, .arpWall: true
        default: false
        }
    }

    /// Whether nobody else would make it, by its name: then it is rsagent's, also where the record of it was lost.
    var bearsOurName: Bool {
        switch self {
        case .address(let address): address.label?.hasSuffix(":rsagent") == true
        case .tunnel(_, let name): name.hasPrefix("rsagent-")
        case .guardTable, .arpWall: true
        case .route(let route, _): route.table == Planner.table
        case .rule(let rule): Planner.priorities.contains(rule.priority)
        case .encapsulationPort: false
        }
    }

    /// Whether it depends on this host's own address of one of `families` (whether IPv6).
    func isOf(_ families: Set<Bool>) -> Bool {
        switch self {
        case .address, .arpWall: false
        case .tunnel(let tunnel, _): families.contains(tunnel.kind.isIPv6Outside)
        case .encapsulationPort(let port): families.contains(port.local.v6 != nil)
        case .route(let route, _): families.contains(route.destination.address.v6 != nil)
        case .rule(let rule): families.contains(rule.isIPv6)
        case .guardTable: !families.isEmpty
        }
    }

    /// What it belongs to.
    var topic: Plan.Topic {
        switch self {
        case .address: .vip
        case .tunnel, .encapsulationPort: .tunnel
        case .route, .rule: .reply
        case .guardTable: .lockdown
        case .arpWall: .arp
        }
    }
}

/// This host's own addresses on the interface that faces the director: where tunnel packets are sent to, and where NAT
/// sends its packets.
struct OwnAddresses {
    let interface: HostSnapshot.Interface?
    let v4: IPAddress?
    let v6: IPAddress?

    init(_ request: SetupRequest, _ host: HostSnapshot) {
        let vips = Set(request.services.flatMap(\.vips))
        interface = host.facing.flatMap(host.interface)
        let isDown = interface?.isUp == false
        v4 = isDown ? nil : host.ownAddress(isIPv6: false, excluding: vips)
        v6 = isDown ? nil : host.ownAddress(isIPv6: true, excluding: vips)
        let name = interface?.name ?? request.interface
        absence =
            if interface == nil {
                "the interface that faces the director (\(name ?? "the one with the default route")) is not there"
            } else if isDown {
                "\(name ?? ""), which faces the director, is down"
            } else {
                "\(name ?? ""), which faces the director, has no address of its own"
            }
        cure = isDown ? "set it up: ip link set \(name ?? "") up" : "give it one, or name another interface"
    }

    /// What is so where an address is missing, and what to do.
    let absence: String
    let cure: String

    var isUndetermined: Bool { v4 == nil && v6 == nil }

    subscript(isIPv6 isIPv6: Bool) -> IPAddress? { isIPv6 ? v6 : v4 }
}
