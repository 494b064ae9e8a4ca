internal import NetworkAddress

extension AgentConfiguration {
    /// Reads `[report]`: where it is served, and to whom. Who listens is noted in `listeners`.
    mutating func readReport(_ table: Table, _ listeners: inout Listeners) {
        let addresses = table.listenAddresses("listen", example: "10.0.0.11:9380")
        for (node, address) in addresses {
            listeners.add(address, at: node, use: "the report is served", table.findings)
        }
        reportListen = addresses.map(\.address)
        reportAdmission = ReportAdmission(table)
    }
}

extension AgentConfiguration.ReportAdmission {
    /// Reads who is answered.
    fileprivate init(_ table: Table) {
        self.init(callers: Callers(table), token: Token(table))
        if let table = table.table("tls", .reportTLS, among: Schema.ofAgent) { tls = TLS(table) }
    }
}

extension AgentConfiguration.ReportAdmission.Callers {
    /// Networks, or the word "any".
    fileprivate init(_ table: Table) {
        if case .text("any") = table["allow"]?.value {
            self = .anyone
            return
        }
        let role = Table.NetworkRole(
            example: "172.16.0.0/16",
            insteadOfEveryone:
                "write allow = \"any\", and nothing else, to answer anyone, or the networks that may ask",
            nobody: "which nobody asks from", takesLoopback: true)
        self = .directorsAnd(table.networks("allow", role))
    }
}

extension AgentConfiguration.ReportAdmission.Token {
    /// Reads `token` or `token_file`. Nil: neither is there, or wrong and reported.
    init?(_ table: Table, fileExample: String = "/etc/rsagent/token") {
        let secret = table.secret("token")
        let path = table.filePath("token_file", example: fileExample)
        if table["token"] != nil {
            table.refuse("token_file", "is a second token, besides token", "keep one of the two")
        }
        if let secret {
            self = .text(secret)
        } else if let path {
            self = .file(path)
        } else {
            return nil
        }
    }
}

extension AgentConfiguration.ReportAdmission.TLS {
    /// Reads the paths. Nil: one that must be there is not, or is wrong; reported.
    ///
    /// - Parameter folder: where such files are, in the words of the refusals.
    init?(_ table: Table, folder: String = "/etc/rsagent") {
        let certificate = table.neededFile("certificate", example: "\(folder)/server.pem")
        let key = table.neededFile("key", example: "\(folder)/server.key")
        let authority = table.filePath("client_ca", example: "\(folder)/directors.pem")
        guard let certificate, let key else { return nil }
        self.init(certificate: certificate, key: key, clientAuthority: authority)
    }
}

extension Table {
    /// The path of a file without which there is no TLS.
    fileprivate func neededFile(_ key: String, example: String) -> String? {
        if self[key] == nil { reportMissing(key, "write \(key) = \(quoted(example)), a file in PEM") }
        return filePath(key, example: example)
    }

    /// A secret. What is wrong with it is said without showing it: messages end up in logs.
    fileprivate func secret(_ key: String) -> String? {
        let cure = "write 16 to 1024 letters, digits and marks, such as `openssl rand -hex 32` prints"
        guard let value = self[key] else { return nil }
        guard case .text(let text) = value.value else {
            findings.report(value, "is \(value.kind), not text", cure)
            return nil
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            findings.report(value, "holds a blank, or something else that is no printable ASCII", cure)
            return nil
        }
        guard (16...1024).contains(text.utf8.count) else {
            findings.report(value, "is \(text.utf8.count) bytes long", cure)
            return nil
        }
        return text
    }
}
