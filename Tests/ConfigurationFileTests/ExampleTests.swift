import Testing

@testable import ConfigurationFile

@Suite("The examples")
struct ExampleTests {
    @Test("show every key there is", arguments: [true, false])
    func completeness(_ isAgent: Bool) {
        let example = isAgent ? AgentConfiguration.example : DirectorConfiguration.example
        let lines = example.split(separator: "\n").map { $0.hasPrefix("# ") ? $0.dropFirst(2) : $0[...] }
        for schema in isAgent ? Schema.ofAgent : Schema.ofDirector {
            for key in schema.keys {
                let isShown = lines.contains { line in
                    line.hasPrefix("\(key) = ") || line == "[\(key)]" || line == "[[\(key)]]"
                        || line.hasSuffix(".\(key)]") || line.hasSuffix(".\(key)]]")
                }
                #expect(isShown, "\(key) of \(schema.header ?? "the top")")
            }
        }
    }

    @Test("is valid with what is commented out as well, but for what goes with another value only")
    func commentedOut() throws {
        let exclusive: Set = ["tunnel", "tunnel_port", "real_port", "token_file", "drain_settle"]
        let text = uncommented(AgentConfiguration.example, but: exclusive)
        let configuration = try AgentConfiguration.parse(text, file: "example")
        let service = try #require(configuration.services.first)
        #expect(configuration.reportAdmission.token != nil && configuration.reportAdmission.tls?.clientAuthority != nil)
        #expect(service.load?.command != nil && service.load?.ceiling == 100 && service.agentCheck != nil)
        #expect(service.directorConnections == .checks)
        #expect(service.checks.count == CheckQuestion.allCases.count)
        let join = try #require(configuration.joins.first)
        #expect(join.isOverTLS && join.authority != nil && join.address != nil && join.services == ["web"])
    }

    @Test("of the director is valid with what is commented out as well, but for what goes with another value only")
    func commentedOutOfDirector() throws {
        let exclusive: Set = [
            "tunnel", "tunnel_port", "scheduler_flags", "persistence_netmask6", "port", "token",
        ]
        let text = uncommented(DirectorConfiguration.example, but: exclusive)
            .replacing("tls = false", with: "tls = true", maxReplacements: 1)
        let configuration = try DirectorConfiguration.parse(text, file: "example")
        let service = try #require(configuration.services.first)
        #expect(configuration.agent.access.certificate != nil && configuration.agent.access.token != nil)
        #expect(service.persistence != nil && service.isSloppy && service.sorryServers.count == 1)
        #expect(service.servers.map(\.checks.count) == [0, 0, 1] && service.checks.count == 4)
        #expect(service.servers.first?.thresholds?.lower == 800)
        let join = try #require(configuration.join)
        #expect(join.tls != nil && join.networks.count == 1 && join.services == ["web"])
        #expect(configuration.outbound.map(\.ports) == [1024...65535])
    }

    /// `example` with the keys and tables that are commented out in force, but for those of `exclusive`.
    private func uncommented(_ example: String, but exclusive: Set<String>) -> String {
        let lines = example.split(separator: "\n").map { line -> Substring in
            guard line.hasPrefix("# ") else { return line }
            let code = line.dropFirst(2)
            let key = code.prefix { $0 == "_" || $0.isLetter }
            let isKey = !key.isEmpty && code.dropFirst(key.count).hasPrefix(" = ") && !exclusive.contains(String(key))
            return isKey || code.hasPrefix("[") ? code : line
        }
        return lines.joined(separator: "\n")
    }
}
