internal import NetworkAddress

extension Table {
    /// The ports of a service: a number, a list of numbers, or empty for all (`port = 0`). Nil: missing or wrong.
    func ports() -> [UInt16]? {
        guard let value = self["port"] else {
            reportMissing("port", "write port = 80, a list of ports, or 0 for all")
            return nil
        }
        guard case .list(let elements) = value.value else {
            return port(value, orAll: true, "write a port of 1 to 65535, a list of ports, or 0 for all")
                .map { $0 == 0 ? [] : [$0] }
        }
        guard !elements.isEmpty else {
            findings.report(value, "is an empty list", "write a port of 1 to 65535, a list of ports, or 0 for all")
            return nil
        }
        var ports: [UInt16] = []
        for element in elements {
            let cure = "write ports of 1 to 65535; for all ports, write port = 0 without a list"
            guard let port = port(element, orAll: false, cure) else { continue }
            if ports.contains(port) {
                findings.report(element, "\(port) is listed twice", "remove one of the two")
            } else {
                ports.append(port)
            }
        }
        return ports.isEmpty ? nil : ports
    }

    /// The single port of a service; 0: all. Nil: missing or wrong.
    func servicePort() -> UInt16? {
        guard let value = self["port"] else {
            reportMissing("port", "write port = 80, or 0 for all")
            return nil
        }
        if case .list = value.value {
            findings.report(value, "is a list", "write one number, and a [[service]] of its own for each port")
            return nil
        }
        return port(value, orAll: true, "write a port of 1 to 65535, or 0 for all")
    }

    /// The port that `key` says, never 0. Nil: not there or wrong.
    func port(_ key: String) -> UInt16? {
        self[key].flatMap { port($0, orAll: false, "write a port of 1 to 65535") }
    }

    private func port(_ value: Node, orAll: Bool, _ cure: String) -> UInt16? {
        if case .text(let text) = value.value, text.contains("-") || text.contains(":") {
            findings.report(value, "\(quoted(text)) is a range, which is not in this version", cure)
            return nil
        }
        return integer(value, in: (orAll ? 0 : 1)...65535, cure).map { UInt16($0) }
    }
}

/// Who claims which address, protocol and port, so that no two services claim the same.
struct Claims {
    private struct Claim {
        let service: String
        let line: Int
        let transport: TransportProtocol
        /// Empty: all.
        let ports: [UInt16]
    }

    private var claims: [IPAddress: [Claim]] = [:]

    /// Claims `ports` (empty: all) of a VIP for a service, and reports whoever was there before.
    mutating func claim(
        _ vip: IPAddress, at node: Node, ports: [UInt16], for service: String, protocol transport: TransportProtocol,
        _ findings: Findings
    ) {
        for other in claims[vip, default: []] where other.transport == transport {
            let shared: [String]
            switch (ports.isEmpty, other.ports.isEmpty) {
            case (true, true): shared = ["every port of \(vip)"]
            case (true, false): shared = other.ports.map { "\(vip):\($0)" }
            case (false, true): shared = ports.map { "\(vip):\($0)" }
            case (false, false): shared = ports.filter(other.ports.contains).map { "\(vip):\($0)" }
            }
            guard !shared.isEmpty else { continue }
            let wrong = "\(shared.joined(separator: ", ")) (\(transport)) is claimed by \(other.service) already"
            let all = other.ports.isEmpty ? ", which takes all ports" : ""
            findings.report(
                node, "\(wrong) (line \(other.line)\(all))", "give one of the two another address or another port")
        }
        claims[vip, default: []].append(Claim(service: service, line: node.line, transport: transport, ports: ports))
    }

    /// The line of the first service that claims `address`, if it is a VIP.
    func line(of address: IPAddress) -> Int? {
        claims[address]?.first?.line
    }

    /// The first service on `address` that takes one of `ports`, and which: nil: all.
    func taker(
        of ports: ClosedRange<UInt16>, on address: IPAddress
    ) -> (service: String, line: Int, port: UInt16?)? {
        for claim in claims[address, default: []] {
            if claim.ports.isEmpty { return (claim.service, claim.line, nil) }
            if let port = claim.ports.first(where: ports.contains) { return (claim.service, claim.line, port) }
        }
        return nil
    }
}
