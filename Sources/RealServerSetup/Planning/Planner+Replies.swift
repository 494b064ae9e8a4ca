internal import ConfigurationFile
internal import Netlink
internal import NetworkAddress

extension SetupRequest {
    /// An address that stands for the world: no host has it (RFC 5737, RFC 3849).
    static func farOff(isIPv6: Bool) -> IPAddress {
        isIPv6 ? .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0xFFFF)) : .v4(IPv4Address(198, 51, 100, 255))
    }

    /// What the services answer from: the addresses on this host, with the port where only that is theirs. Each once.
    func answers(_ own: OwnAddresses, isIPv6: Bool) -> [Answer] {
        var seen: Set<Answer> = []
        var answers: [Answer] = []
        for service in services {
            let sources =
                service.forward == .nat
                ? [own[isIPv6: isIPv6]].compactMap(\.self) : service.vips.filter { ($0.v6 != nil) == isIPv6 }
            for source in sources {
                for port in service.localPorts {
                    // Without a port all protocols go the same way.
                    let transport = port == nil ? nil : service.transport.number
                    let answer = Answer(source: source, transport: transport, port: port)
                    if seen.insert(answer).inserted { answers.append(answer) }
                }
            }
        }
        return answers
    }

    /// What an answer comes from on this host.
    struct Answer: Hashable {
        let source: IPAddress
        /// The IP protocol number whose port that is; nil without a port.
        let transport: UInt8?
        let port: UInt16?
    }
}

extension Planner {
    /// What the rules of others make of the answers: which of all rules decides is the kernel's to say, and it was asked.
    mutating func judgeDepartures() {
        for departure in host.departures {
            let services = request.services.filter { service in
                let isFrom = service.forward == .nat || service.vips.contains(departure.source)
                return isFrom
                    && service.localPorts.contains { port in
                        guard let port, let asked = departure.port else { return true }
                        return port == asked && service.transport.number == departure.transport
                    }
            }
            let isIPv6 = departure.source.v6 != nil
            let command = "ip \(isIPv6 ? "-6 " : "")rule show"
            let returning = Set(request.returningServices.map(\.name)).intersection(services.map(\.name))
            let hasTable = host.routes.contains {
                $0.table == Self.table && $0.destination.length == 0 && ($0.destination.address.v6 != nil) == isIPv6
            }
            // Without the route and the rule of our own the answer is known to be another: those come first.
            if !returning.isEmpty, hasTable, hasRule(for: departure), departure.way.table != Self.table {
                refuse(
                    .reply,
                    "answers from \(departure.source) do not go by way of the director: a rule of somebody else's comes "
                        + "before rsagent's, and \(departure.way.words)",
                    "remove it, or give it a priority beyond \(Self.table + 2) (see: \(command))", for: returning)
            }
            let direct = Set(services.map(\.name)).subtracting(returning)
            if !direct.isEmpty, departure.way.outcome != .unicast, departure.usualWay.outcome == .unicast {
                refuse(
                    .reply,
                    "answers from \(departure.source) go nowhere: a rule of somebody else's says so (\(departure.way.words))",
                    "remove it (see: \(command))", for: direct)
            }
        }
    }

    private func hasRule(for departure: HostSnapshot.Departure) -> Bool {
        host.rules.contains { rule in
            rule.table == Self.table && rule.priority == Self.table && rule.source == Prefix(host: departure.source)
                && (rule.sourcePort == nil || rule.sourcePort == departure.port)
                && (rule.transport == nil || rule.transport == departure.transport)
        }
    }

    /// What is *from* the service goes by way of the director: a table of our own with a default route, and rules that lead to
    /// it. The host's own default route is not touched.
    mutating func planReplies(_ own: OwnAddresses) {
        let services = request.returningServices
        guard !services.isEmpty else { return }
        for isIPv6 in [false, true] {
            let returning = services.filter { service in service.vips.contains { ($0.v6 != nil) == isIPv6 } }
            guard !returning.isEmpty else { continue }
            let names = Set(returning.map(\.name))
            guard let interface = own.interface, let address = own[isIPv6: isIPv6] else {
                undetermined.insert(isIPv6)
                refuse(
                    .interface,
                    "\(own.absence) (\(isIPv6 ? "IPv6" : "IPv4")), so answers cannot go back by way of the director",
                    own.cure,
                    for: names)
                continue
            }
            guard let director = nextHop(isIPv6: isIPv6, interface, names) else {
                undetermined.insert(isIPv6)
                continue
            }
            routeBack(by: director, interface, isIPv6: isIPv6, names)
            guarding.steadfast.append(interface.name)
            for rule in returningRules(returning, from: address, isIPv6: isIPv6) {
                want(
                    .rule(rule.rule), .reply,
                    missing: "answers of \(rule.what) would not go by way of the director", inTheWay: "",
                    for: rule.services)
            }
            if request.takesDefaultRoute { overrideDefaultRoute(isIPv6: isIPv6, names) }
        }
    }

    /// The director by way of whom answers go: the first that is preferred, or any that is in use already.
    private mutating func nextHop(
        isIPv6: Bool, _ interface: HostSnapshot.Interface, _ services: Set<String>
    ) -> IPAddress? {
        let candidates = (preferredDirectors ?? request.directors).filter { ($0.v6 != nil) == isIPv6 }
        let networks = host.addresses.filter { $0.interface == interface.index }.map(\.prefix)
        if let own = candidates.first(where: { held[$0] != nil }) {
            refuse(
                .reply, "the director \(own) is this host itself, so answers cannot go back by way of it",
                "write the director's own address (DIP) in directors", for: services)
            return nil
        }
        let reachable = candidates.filter { director in
            director.isLinkLocal || networks.contains { $0.length < $0.address.bitWidth && $0.contains(director) }
        }
        guard let first = reachable.first else {
            refuse(
                .reply,
                candidates.isEmpty
                    ? "no director is named that \(isIPv6 ? "IPv6" : "IPv4") answers could go by way of"
                    : "\(candidates.map(\.description).joined(separator: ", ")) is not on a network of \(interface.name), so answers cannot go by way of it",
                "name a director's address on \(interface.name)'s own network, or set reply = \"direct\"", for: services
            )
            return nil
        }
        guard preferredDirectors == nil else { return first }
        // Which of them it is now is the running agent's choice.
        let current = host.routes.first {
            $0.table == Self.table && $0.destination.length == 0 && ($0.destination.address.v6 != nil) == isIPv6
        }
        return current?.gateway.flatMap { gateway in reachable.first { $0 == gateway } } ?? first
    }

    private mutating func routeBack(
        by director: IPAddress, _ interface: HostSnapshot.Interface, isIPv6: Bool, _ services: Set<String>
    ) {
        let everywhere = Prefix(isIPv6 ? .v6(.any) : .v4(.any), length: 0)
        guard let everywhere else { return }
        let route = Route(
            destination: everywhere, gateway: director, interface: interface.index, table: Self.table,
            metric: isIPv6 ? 1024 : 0)
        let object = HostObject.route(route, interfaceName: interface.name)
        let isOurs = ownership.made[object.identity] != nil
        guard let present = host.routes.first(where: { $0.isSamePlace(as: route) }) else {
            return want(
                object, .reply, missing: "table \(Self.table) has no route by way of the director \(director)",
                inTheWay: "", for: services)
        }
        wanted.insert(object.identity)
        if present.gateway == route.gateway, present.interface == route.interface, !isOurs { claims.append(object) }
        guard present.gateway != route.gateway || present.interface != route.interface else { return }
        guard isOurs else {
            return refuse(
                .reply, "table \(Self.table) is rsagent's, and holds a route that rsagent did not make",
                "remove it: ip \(isIPv6 ? "-6 " : "")route flush table \(Self.table)", for: services)
        }
        let reason =
            "answers go by way of \(present.gateway?.description ?? "the link") instead of the director \(director)"
        step(.reply, .remove(.route(present, interfaceName: interface.name)), reason, for: services)
        step(.reply, .add(object), reason, for: services)
    }

    private func returningRules(
        _ services: [AgentConfiguration.Service], from own: IPAddress, isIPv6: Bool
    ) -> [(rule: RoutingRule, what: String, services: Set<String>)] {
        var rules: [(rule: RoutingRule, what: String, services: Set<String>)] = []
        func add(_ rule: RoutingRule, _ what: String, _ service: String) {
            if let place = rules.firstIndex(where: { $0.rule == rule }) {
                rules[place].services.insert(service)
            } else {
                rules.append((rule, what, [service]))
            }
        }
        for service in services {
            if service.forward == .nat {
                // Only what the service itself says: the host's other traffic keeps its way.
                for port in service.localPorts {
                    let rule = RoutingRule(
                        isIPv6: isIPv6, priority: Self.table, source: Prefix(host: own),
                        transport: service.transport.number, sourcePort: port, table: Self.table)
                    add(rule, service.words(from: own, port: port), service.name)
                }
            } else {
                for vip in service.vips where (vip.v6 != nil) == isIPv6 {
                    // Where another service on the VIP answers straight to the client, only this one's ports go back.
                    let isShared = request.services.contains {
                        $0.forward != .nat && $0.reply == .direct && $0.vips.contains(vip)
                    }
                    for port in isShared ? service.ports.map({ Optional($0) }) : [nil] {
                        let rule = RoutingRule(
                            isIPv6: isIPv6, priority: Self.table, source: Prefix(host: vip),
                            transport: port == nil ? nil : service.transport.number, sourcePort: port,
                            table: Self.table)
                        add(rule, service.words(from: vip, port: port), service.name)
                    }
                }
            }
        }
        return rules
    }

    /// Everything beyond the host's own networks goes by way of the director. The default route stays where it is: a rule asks
    /// main first, but not for its default route, and the next one asks our table.
    private mutating func overrideDefaultRoute(isIPv6: Bool, _ services: Set<String>) {
        let main = RoutingRule(
            isIPv6: isIPv6, priority: Self.table + 1, table: 254, suppressedPrefixLength: 0)
        let ours = RoutingRule(isIPv6: isIPv6, priority: Self.table + 2, table: Self.table)
        for rule in [main, ours] {
            want(
                .rule(rule), .reply, missing: "default_route is set, and what this host sends goes by another way",
                inTheWay: "", for: services)
        }
    }
}

extension AgentConfiguration.Service {
    /// The ports it listens on here; nil: any.
    fileprivate var localPorts: [UInt16?] {
        if let realPort { return [realPort] }
        return ports.isEmpty ? [nil] : ports.map(Optional.some)
    }

    /// What it answers from, in words.
    fileprivate func words(from source: IPAddress, port: UInt16?) -> String {
        guard let port else { return "\(source)" }
        return "\(source) \(transport == .tcp ? "" : "\(transport) ")port \(port)"
    }
}

extension RouteLookup {
    /// What becomes of a packet, in words.
    fileprivate var words: String {
        guard outcome == .unicast else { return "they are \(outcome.words)" }
        return "they go " + (gateway.map { "by way of \($0)" } ?? "straight to the link")
            + (table.map { ", table \($0)" } ?? "")
    }
}
