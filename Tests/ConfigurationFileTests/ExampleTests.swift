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
        let lines = AgentConfiguration.example.split(separator: "\n").map { line -> Substring in
            guard line.hasPrefix("# ") else { return line }
            let code = line.dropFirst(2)
            let key = code.prefix { $0 == "_" || $0.isLetter }
            let isKey = !key.isEmpty && code.dropFirst(key.count).hasPrefix(" = ") && !exclusive.contains(String(key))
            return isKey || code.hasPrefix("[") ? code : line
        }
        let configuration = try AgentConfiguration.parse(lines.joined(separator: "\n"), file: "example")
        let service = try #require(configuration.services.first)
        #expect(configuration.reportAdmission.token != nil && configuration.reportAdmission.tls?.clientAuthority != nil)
        #expect(service.load?.command != nil && service.load?.ceiling == 100 && service.agentCheck != nil)
        #expect(service.directorConnections == .checks)
        #expect(service.checks.count == CheckQuestion.allCases.count)
    }
}
