import ConfigurationFile
import Testing

/// An `rsagent.toml` that must be refused, and the exact words.
struct AgentRefusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let expected: String

    /// The service most files below begin with.
    static let service = """
        [[service]]
        name = "web"
        vip = "192.0.2.10"
        port = 80

        """

    /// A whole file.
    init(_ description: String, file text: String, _ expected: String) {
        testDescription = description
        self.text = text + "\n"
        self.expected = expected
    }

    /// Lines before the service.
    init(_ description: String, top: String, _ expected: String) {
        self.init(description, file: top + "\n" + Self.service, expected)
    }

    /// Lines from line 5 on, inside the service.
    init(_ description: String, service lines: String, _ expected: String) {
        self.init(description, file: Self.service + lines, expected)
    }

    /// The service with another `vip`, on line 3.
    init(_ description: String, vip: String, _ expected: String) {
        self.init(description, file: "[[service]]\nname = \"web\"\nvip = \(vip)\nport = 80\n", expected)
    }

    /// The service with another `port`, on line 4.
    init(_ description: String, port: String, _ expected: String) {
        self.init(description, file: "[[service]]\nname = \"web\"\nvip = \"192.0.2.10\"\nport = \(port)\n", expected)
    }

    /// What is said of the file; empty: it was taken.
    var problems: String {
        do throws(ConfigurationError) {
            _ = try AgentConfiguration.parse(text, file: "f.toml")
            return ""
        } catch {
            return error.description
        }
    }
}

/// An `rsdirector.toml` that must be refused, and the exact words.
struct DirectorRefusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let expected: String

    /// The lines most files below begin with.
    static let service = "interface = \"eth0\"\n" + AgentRefusal.service
    /// The server that makes them whole.
    static let server = """
        [[service.server]]
        address = "10.0.0.11"

        """

    /// A whole file.
    init(_ description: String, file text: String, _ expected: String) {
        testDescription = description
        self.text = text + "\n"
        self.expected = expected
    }

    /// Lines before a valid file.
    init(_ description: String, top: String, _ expected: String) {
        self.init(description, file: top + "\n" + Self.service + Self.server, expected)
    }

    /// Lines from line 6 on, inside a service that lacks its server.
    init(_ description: String, service lines: String, _ expected: String) {
        self.init(description, file: Self.service + lines, expected)
    }

    /// Lines from line 6 on, inside a service whose server follows.
    init(_ description: String, settings lines: String, _ expected: String) {
        self.init(description, file: Self.service + lines + "\n" + Self.server, expected)
    }

    /// Lines from line 8 on, behind a valid file.
    init(_ description: String, end lines: String, _ expected: String) {
        self.init(description, file: Self.service + Self.server + lines, expected)
    }

    /// A valid file but for `port`, on line 5.
    init(_ description: String, port: String, _ expected: String) {
        let service = "[[service]]\nname = \"web\"\nvip = \"192.0.2.10\"\nport = \(port)\n"
        self.init(description, file: "interface = \"eth0\"\n" + service + Self.server, expected)
    }

    /// What is said of the file; empty: it was taken.
    var problems: String {
        do throws(ConfigurationError) {
            _ = try DirectorConfiguration.parse(text, file: "f.toml")
            return ""
        } catch {
            return error.description
        }
    }
}
