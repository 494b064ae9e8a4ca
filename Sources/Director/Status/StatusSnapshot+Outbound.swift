internal import Forwarding
public import NetworkAddress

extension StatusSnapshot {
    /// Servers that reach the world as one address.
    public struct Outbound: Codable, Sendable, Equatable {
        /// What the world sees.
        public var address: IPAddress
        /// The first port of those that are given out.
        public var firstPort: UInt16
        /// The last one.
        public var lastPort: UInt16
        /// The servers' networks.
        public var sources: [Prefix]
        /// Connections that are being opened or are open.
        public var active: Int
        /// Connections closing or closed, and those of UDP and ICMP echo.
        public var inactive: Int
        /// Since the rule is there: connections that servers opened, what came in for them, and what they sent out.
        public var total: Figures
        /// A second, over about the last 8.
        public var rate: Figures

        enum CodingKeys: String, CodingKey {
            case address, sources, active, inactive, total, rate
            case firstPort = "first_port"
            case lastPort = "last_port"
        }
    }
}

extension StatusSnapshot.Outbound {
    init(_ counted: OutboundStatistics, rate: StatusSnapshot.Figures?) {
        address = counted.address
        firstPort = counted.ports.lowerBound
        lastPort = counted.ports.upperBound
        sources = counted.sources
        active = counted.activeConnections
        inactive = counted.inactiveConnections
        total = StatusSnapshot.Figures(counted)
        self.rate = rate ?? .init()
    }

    /// The lines of a table of its own, below the services'.
    static func lines(_ rules: [Self], _ table: StatusSnapshot.Table) -> [String] {
        guard !rules.isEmpty else { return [] }
        guard table == .servers else { return rules.map { $0.line(table) } }
        return ["", "Outbound Address:Ports            ActiveConn InActConn Networks"] + rules.map { $0.line(table) }
    }

    private func line(_ table: StatusSnapshot.Table) -> String {
        let name = address.withPorts(firstPort...lastPort)
        switch table {
        case .servers:
            let columns = [
                "  " + name.padded(to: 31), "\(active)".padded(to: 10), "\(inactive)".padded(to: 9),
                sources.map(\.description).joined(separator: ", "),
            ]
            return columns.joined(separator: " ")
        case .stats: return "SNAT \(name)".padded(to: 33) + total.columns.map(\.largeNumber).joined()
        case .rate: return "SNAT \(name)".padded(to: 33) + rate.columns.map(\.largeNumber).joined()
        }
    }
}
