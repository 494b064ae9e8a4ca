internal import NetworkAddress

extension DirectorConfiguration.AgentDefaults {
    /// Reads `[agent]`.
    init(_ table: Table) {
        self.init(isOverTLS: table.flag("tls") ?? false, access: .init(table))
    }
}

extension DirectorConfiguration.AgentAccess {
    /// The keys of what goes with TLS only.
    static let tlsKeys = ["ca", "certificate", "key"]

    /// Reads the keys of `[agent]` and of a server. What a table does not say is as in `defaults`.
    init(_ table: Table, defaults: Self = .init()) {
        let token = AgentConfiguration.ReportAdmission.Token(table, fileExample: "/etc/rsdirector/token")
        let authority = table.filePath("ca", example: "/etc/rsdirector/agents.pem")
        let certificate = Certificate(table)
        self.init(
            token: token ?? defaults.token, authority: authority ?? defaults.authority,
            certificate: certificate ?? defaults.certificate)
    }

    /// What of it goes over plain HTTP.
    fileprivate var withoutTLS: Self { Self(token: token) }
}

extension DirectorConfiguration.AgentAccess.Certificate {
    /// Reads the two, which need each other. Nil: neither is there, or wrong and reported.
    fileprivate init?(_ table: Table) {
        let examples = [("certificate", "/etc/rsdirector/client.pem"), ("key", "/etc/rsdirector/client.key")]
        let paths = examples.map { key, example in table.filePath(key, example: example) }
        let isEither = examples.contains { table[$0.0] != nil }
        for (key, example) in examples where isEither && table[key] == nil {
            table.reportMissing(key, "write \(key) = \(quoted(example)): a certificate and its key need each other")
        }
        guard let file = paths[0], let key = paths[1] else { return nil }
        self.init(file: file, key: key)
    }
}

/// The agent of one server, as far as the file says.
struct DirectorAgent {
    /// Whether there is one. Also true where what is said of it is wrong.
    var isThere = true
    /// Nil: there is none, or it is wrong and reported.
    var url: String?
    var access = DirectorConfiguration.AgentAccess()
}

extension Table {
    /// Where the agent of a server answers, `false` for nowhere, and what it is shown.
    func agent(of server: IPAddress?, _ surroundings: inout DirectorSurroundings) -> DirectorAgent {
        let defaults = surroundings.agent
        let tlsKeys = DirectorConfiguration.AgentAccess.tlsKeys
        if case .flag(false) = self["agent"]?.value {
            for key in ["token", "token_file"] + tlsKeys {
                refuse(key, "is for a server's agent, and agent = false says that there is none", "remove it")
            }
            return DirectorAgent(isThere: false)
        }
        let standard = server.map { defaults.url(of: $0) }
        let url = self["agent"] == nil ? standard : agentURL(standard: standard)
        let access = DirectorConfiguration.AgentAccess(self, defaults: defaults.access)
        guard let url else { return DirectorAgent(access: access) }
        guard url.hasPrefix("https://") else {
            let cure = "remove it, or write agent = \(quoted("https" + url.dropFirst("http".count)))"
            for key in tlsKeys { refuse(key, "is for agents over TLS", cure) }
            surroundings.noteAgent(url, access.withoutTLS, at: self["agent"] ?? node, findings)
            return DirectorAgent(url: url, access: access.withoutTLS)
        }
        surroundings.isAnyAgentOverTLS = true
        surroundings.noteAgent(url, access, at: self["agent"] ?? node, findings)
        return DirectorAgent(url: url, access: access)
    }

    /// The value of `agent`, which is there and not `false`. Nil: wrong, and reported. `standard`: what it would be.
    private func agentURL(standard: String?) -> String? {
        let standard = standard ?? "http://10.0.0.11:9380"
        let cure = "write \(quoted(standard)), which is what it is if you leave it out, or false for no agent"
        guard let value = self["agent"] else { return nil }
        switch value.value {
        case .flag:
            findings.report(value, "true names no agent", cure)
        case .text(let text):
            if Self.isAgentURL(text) { return text }
            let wrong = "\(quoted(text)) is not of the form http://HOST:PORT or https://HOST:PORT"
            findings.report(value, wrong, cure)
        default:
            findings.report(value, "is \(value.kind), not text or false", cure)
        }
        return nil
    }

    private static func isAgentURL(_ text: String) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
        let authority = text.dropFirst(scheme.count)
        if SocketAddress(authority) != nil { return true }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, SocketAddress("127.0.0.1:\(parts[1])") != nil else { return false }
        return HostName.isValid(parts[0])
    }
}
