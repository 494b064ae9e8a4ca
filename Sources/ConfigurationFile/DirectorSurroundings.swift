internal import NetworkAddress

/// What a director's file says elsewhere that bears on one service: at its top, and in the services before.
struct DirectorSurroundings {
    /// How agents are asked where a server does not say otherwise.
    let agent: DirectorConfiguration.AgentDefaults
    /// `sloppy` of the services that do not say.
    let isSloppy: Bool
    /// How agents join; nil: they do not.
    let join: DirectorJoinRequest?
    /// The names so far, each where it is written.
    var names: [String: Node] = [:]
    /// Which service has which VIP and port.
    var claims = Claims()
    /// The servers and sorry servers so far, each where it is written.
    var servers: [(node: Node, address: IPAddress)] = []
    /// Whether any agent is asked over TLS.
    var isAnyAgentOverTLS = false
    /// What each agent is shown, by its URL, and the line that says so first.
    private var agents: [String: (access: DirectorConfiguration.AgentAccess, line: Int)] = [:]

    init(agent: DirectorConfiguration.AgentDefaults, isSloppy: Bool, join: DirectorJoinRequest?) {
        self.agent = agent
        self.isSloppy = isSloppy
        self.join = join
        isAnyAgentOverTLS = agent.isOverTLS
    }

    /// Notes what an agent is shown, and reports where another server has it shown something else: it is asked once for all.
    mutating func noteAgent(
        _ url: String, _ access: DirectorConfiguration.AgentAccess, at node: Node, _ findings: Findings
    ) {
        guard let other = agents[url] else {
            agents[url] = (access, node.line)
            return
        }
        guard other.access != access else { return }
        let wrong = "\(url) is asked once for all its services, with another token or other files on line \(other.line)"
        findings.report(node, wrong, "write the same in both")
    }

    /// Reports what is a VIP and must not be one, now that all VIPs are known.
    func judgeServers(_ findings: Findings) {
        for (node, address) in servers {
            guard let line = claims.line(of: address) else { continue }
            let cure = "write the server's own address (RIP), which is on its interface and not on lo"
            findings.report(node, "\(address) is a VIP (line \(line))", cure)
        }
    }

    /// The same of where this director listens.
    func judgeListener(_ key: String, of table: Table?, _ listen: SocketAddress?) {
        guard let table, let listen, let line = claims.line(of: listen.address) else { return }
        let cure = "write an address of this host's own (DIP): packets to a VIP go to the servers"
        table.refuse(key, "\(listen.address) is a VIP (line \(line))", cure)
    }
}
