internal import NetworkAddress

extension AgentConfiguration {
    /// Reads every `[[join]]`, now that the services and what else it goes by are known.
    mutating func readJoins(_ top: Table, _ surroundings: AgentSurroundings) {
        var seen: [SocketAddress: Int] = [:]
        for table in top.tables("join", .agentJoin, among: Schema.ofAgent) {
            let directors = table.joinedDirectors(&seen, surroundings)
            let terms = JoinTerms(table, directors, surroundings)
            for (node, director) in directors {
                guard let join = terms.join(director) else { continue }
                if surroundings.isReportElsewhere, !reportListen.isEmpty, join.reportPlace(among: reportListen) == nil {
                    let everywhere: IPAddress = director.place.address.v4 == nil ? .v6(.any) : .v4(.any)
                    let instead = SocketAddress(address: join.address ?? everywhere, port: Self.defaultReportPort)
                    let wrong = "\(director.place.address) could not poll this server: the report is served elsewhere"
                    table.findings.report(node, wrong, "write listen = [\(quoted("\(instead)"))] under [report]")
                }
                joins.append(join)
            }
        }
    }
}

/// A director to join, as its URL says.
struct JoinedDirector {
    var isOverTLS: Bool
    var place: SocketAddress

    /// `http://ADDRESS:PORT` or `https://ADDRESS:PORT`. A name is none: it could not be told to be one of `directors`.
    init?(_ text: String) {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix),
            let place = SocketAddress(text.dropFirst(scheme.count))
        else { return nil }
        (isOverTLS, self.place) = (scheme == "https://", place)
    }
}

/// What a `[[join]]` says of all its directors.
struct JoinTerms {
    private let token: AgentConfiguration.ReportAdmission.Token?
    private let authority: String?
    private let services: [String]
    private let weight: Int
    private let address: IPAddress?

    init(_ table: Table, _ directors: [(node: Node, director: JoinedDirector)], _ surroundings: AgentSurroundings) {
        token = AgentConfiguration.ReportAdmission.Token(table, fileExample: "/etc/rsagent/join-token")
        if table["token"] == nil, table["token_file"] == nil {
            let cure = "write token_file = \"/etc/rsagent/join-token\": the token of [join] in the director's file"
            table.reportMissing("token", cure)
        }
        authority = table.filePath("ca", example: "/etc/rsagent/directors.pem")
        if !directors.isEmpty, !directors.contains(where: \.director.isOverTLS) {
            let cure = "remove it, or write director = \"https://\(directors[0].director.place)\""
            table.refuse("ca", "is for directors over TLS", cure)
        }
        services = table.joinedServices(surroundings)
        weight = table.integer("weight", in: 0...65535) ?? 1
        let own = table.hostAddress("address", families: [.v4, .v6], called: "a server", example: "10.0.0.11")
        if let own, let line = surroundings.claims.line(of: own.address) {
            let cure = "write this server's own address (RIP), or remove it: the director sees where it comes from"
            table.findings.report(own.node, "\(own.address) is a VIP (line \(line))", cure)
        }
        address = own?.address
    }

    /// Nil: something is wrong, and reported.
    func join(_ director: JoinedDirector) -> AgentConfiguration.Join? {
        guard let token, !services.isEmpty else { return nil }
        return AgentConfiguration.Join(
            director: director.place, isOverTLS: director.isOverTLS, token: token,
            authority: director.isOverTLS ? authority : nil, services: services, weight: weight, address: address)
    }
}

extension Table {
    /// The directors of a `[[join]]`. `seen`: those of the ones before, with their lines.
    fileprivate func joinedDirectors(
        _ seen: inout [SocketAddress: Int], _ surroundings: AgentSurroundings
    ) -> [(node: Node, director: JoinedDirector)] {
        let (key, example) = ("director", "http://10.0.0.1:9391")
        if self[key] == nil {
            reportMissing(key, "write \(key) = \(quoted(example)): where its file says under [join] that it listens")
        }
        return (texts(key, example: example) ?? []).compactMap { node, text in
            guard let director = JoinedDirector(text) else {
                let wrong = "\(quoted(text)) is not of the form http://ADDRESS:PORT or https://ADDRESS:PORT"
                let cure = "write \(key) = \(quoted(example)): where its file says under [join] that it listens"
                findings.report(node, wrong, cure)
                return nil
            }
            if let line = seen[director.place] {
                findings.report(node, "\(director.place) is joined already (line \(line))", "remove one of the two")
                return nil
            }
            seen[director.place] = node.line
            let address = director.place.address
            if surroundings.areDirectorsWhole, !surroundings.directors.contains(where: { $0.address == address }) {
                let wrong = "\(address) is not one of `directors`, so that it could not poll this server"
                findings.report(node, wrong, "add \(quoted("\(address)")) to `directors` at the top of the file")
            }
            return (node, director)
        }
    }

    /// The services of a `[[join]]`: those it names, or all. Empty: what it says is wrong, and reported.
    fileprivate func joinedServices(_ surroundings: AgentSurroundings) -> [String] {
        let inOrder = surroundings.names.sorted { $0.value.line < $1.value.line }.map(\.key)
        guard self["services"] != nil else { return inOrder }
        var names: [String] = []
        for (node, name) in texts("services", example: "web") ?? [] {
            if surroundings.names[name] == nil {
                let likely = Schema.nearest(to: name, in: inOrder).map { "did you mean \(quoted($0))?" }
                findings.report(
                    node, "there is no service \(quoted(name))", likely ?? "write the name of a [[service]]")
            } else if names.contains(name) {
                findings.report(node, "\(quoted(name)) is listed twice", "remove one of the two")
            } else {
                names.append(name)
            }
        }
        return names
    }
}
