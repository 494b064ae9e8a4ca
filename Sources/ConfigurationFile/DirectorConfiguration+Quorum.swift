internal import NetworkAddress

extension DirectorConfiguration {
    /// How many servers of a VIP must be up for them, and not the sorry server, to get the connections. Keepalived's rule
    /// (keepalived.conf(5), `quorum`, `hysteresis`), but counted in servers and not in weight: it is won with
    /// `servers + hysteresis` that are up, or with all there are if those are fewer, and lost with fewer than
    /// `servers − hysteresis`.
    public struct Quorum: Sendable, Equatable {
        /// 1 to 10,000.
        public var servers: Int
        /// 0 or more, and less than `servers`.
        public var hysteresis: Int

        /// A quorum; what is left out is keepalived's.
        public init(servers: Int = 1, hysteresis: Int = 0) {
            self.servers = servers
            self.hysteresis = hysteresis
        }
    }
}

extension DirectorConfiguration.Quorum {
    /// Reads what a service says of it. `most`: how many servers of a VIP there can be; nil: nobody knows.
    init(_ table: Table, most: Int?) {
        self.init()
        let servers = table.integer("quorum", in: 1...10_000)
        let hysteresis = table.integer("hysteresis", in: 0...9_999)
        if let servers { self.servers = servers }
        if let hysteresis { self.hysteresis = hysteresis }
        guard table["sorry_server"] != nil else {
            for key in ["quorum", "hysteresis"] {
                let cure = "remove it, or write sorry_server = { address = \"10.0.0.99\" }"
                table.refuse(key, "is for services with a sorry_server", cure)
            }
            return
        }
        // Of a quorum that is wrong nobody knows what is too much for it.
        guard servers != nil || table["quorum"] == nil else { return }
        if let hysteresis, hysteresis >= self.servers {
            let wrong = "\(hysteresis) is not less than the quorum, \(self.servers), which would never be lost"
            let less = self.servers > 1 ? "write hysteresis = \(self.servers - 1) or less" : "remove it"
            table.refuse("hysteresis", wrong, "\(less), or write a larger quorum")
        }
        if let most, let servers, servers > most {
            let wrong = "\(servers) can never be up: of the servers, \(most) can serve each VIP"
            table.refuse("quorum", wrong, "write quorum = \(most) or less, or add a [[service.server]]")
        }
    }
}
