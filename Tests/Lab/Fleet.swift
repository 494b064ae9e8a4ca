internal import Glibc

/// The product on a lab: nginx and the agent on every backend, and our director.
public final class Fleet: @unchecked Sendable {
    /// Where it stands.
    public let lab: Lab
    /// nginx by the backend's name.
    public private(set) var webServers: [String: WebServer] = [:]
    /// The agents by the backend's name.
    public private(set) var agents: [String: LabProcess] = [:]
    /// The director, once started.
    public private(set) var director: LabProcess?

    /// A fleet without anything running yet.
    public init(on lab: Lab) { self.lab = lab }

    /// The agent's configuration on a backend: the service `web` on the VIP, checked once a second and given that long: a busy
    /// machine is no dead server.
    public func agentConfiguration(for host: LabHost, more: String = "") -> String {
        """
        interface = "eth0"
        directors = ["\(lab.director.address)"]
        run_dir   = "\(host.directory)/var/run"
        state_dir = "\(host.directory)/state"

        [[service]]
        name = "web"
        vip  = "\(Lab.vip)"
        port = 80
        \(more)
        [[service.check]]
        http     = "/"
        interval = "1s"
        timeout  = "1s"
        rise     = 2
        fall     = 3

        """
    }

    /// The director's configuration: all backends, told by their agents.
    public func directorConfiguration(scheduler: String = "rr", server: (LabHost) -> String = { _ in "" }) -> String {
        """
        interface = ["eth0"]
        run_dir   = "\(lab.director.directory)/var/run"

        [[service]]
        name      = "web"
        vip       = ["\(Lab.vip)"]
        port      = 80
        scheduler = "\(scheduler)"

        """
            + lab.backends.map { "[[service.server]]\naddress = \"\($0.address)\"\n\(server($0))\n" }.joined()
    }

    /// Starts nginx on a backend.
    public func startWebServer(on host: LabHost) async throws { webServers[host.name] = try await WebServer(on: host) }

    /// Writes the agent's configuration without starting it; returns the file's path.
    @discardableResult
    public func configureAgent(on host: LabHost, _ text: String? = nil) async throws -> String {
        let made = try await Command.run(["mkdir", "-p", "\(host.directory)/var"])
        guard made.status == 0 else { throw LabError(made.text) }
        return try await host.write(text ?? agentConfiguration(for: host), to: "rsagent.toml")
    }

    /// Starts the agent on a backend, with the configuration given or that of every other, and waits until it answers.
    public func startAgent(on host: LabHost, _ configuration: String? = nil) async throws {
        let file = try await configureAgent(on: host, configuration)
        let agent = try await host.start([Product.agent, "run", "--config", file], log: "rsagent")
        agents[host.name] = agent
        try await Deadline.wait(until: "the agent on \(host.name)") {
            if agent.exitStatus != nil { throw LabError("rsagent: \(try agent.output)") }
            return try await host.run(["curl", "-sf", "http://\(host.address):9380/livez"]).status == 0
        }
    }

    /// Starts nginx and the agent on every backend.
    public func startBackends() async throws {
        for host in lab.backends {
            try await startWebServer(on: host)
            try await startAgent(on: host)
        }
    }

    /// Starts the director and returns at once.
    public func startDirector(_ configuration: String? = nil) async throws {
        let host = lab.director
        let made = try await Command.run(["mkdir", "-p", "\(host.directory)/var"])
        guard made.status == 0 else { throw LabError(made.text) }
        let file = try await host.write(configuration ?? directorConfiguration(), to: "rsdirector.toml")
        director = try await host.start([Product.director, "run", "--config", file], log: "rsdirector")
    }

    /// Waits until the VIP answers the client with all `servers` in turn.
    public func ready(servers: Int = Lab.backendCount) async throws {
        try await Deadline.wait(until: "\(servers) servers behind the VIP", limit: .seconds(40)) {
            if let director, director.exitStatus != nil { throw LabError("rsdirector: \(try director.output)") }
            var names: Set<String> = []
            for _ in 0..<2 * servers {
                if let name = try await self.request().server { names.insert(name) }
            }
            return names.count == servers
        }
    }

    /// Waits until the director shows so many servers, over all services, as up, knows where they are, and answers for its VIPs.
    public func untilDirectorHas(_ servers: Int) async throws {
        try await Deadline.wait(until: "\(servers) servers in all services", limit: .seconds(40)) {
            if let director, director.exitStatus != nil { throw LabError(try director.output) }
            let status = try await self.director("status").output
            return status.split(separator: "\n").count { $0.contains("-> 10.") && $0.contains(" up") } == servers
                && !status.contains("not answered") && !status.contains("MAC not known")
        }
    }

    /// One request from the client: curl's exit status, and which backend answered.
    public func request() async throws -> (exitStatus: Int32, server: String?) {
        let answer = try await lab.client.run([
            "curl", "-s", "-o", "/dev/null", "--max-time", "10", "-w", "%header{x-server}", "http://\(Lab.vip)/",
        ])
        return (answer.status, answer.output.isEmpty ? nil : answer.output)
    }

    /// Runs `rsagent COMMAND…` on a backend.
    public func agent(_ host: LabHost, _ arguments: String...) async throws -> Command {
        let words = arguments.flatMap { $0.split(separator: " ").map(String.init) }
        return try await host.run([Product.agent] + words + ["--config", "\(host.directory)/rsagent.toml"])
    }

    /// Runs `rsdirector COMMAND…` on the director.
    public func director(_ arguments: String...) async throws -> Command {
        let words = arguments.flatMap { $0.split(separator: " ").map(String.init) }
        let host = lab.director
        return try await host.run([Product.director] + words + ["--config", "\(host.directory)/rsdirector.toml"])
    }

    /// Asks a backend's agent from the director, as a health check does that never says what it acts on, until the agent takes
    /// the director to have noticed that the service is drained, and to have nothing on its way any more.
    public func askUntilNoticed(_ host: LabHost, service: String = "web") async throws {
        try await Deadline.wait(until: "\(host.name) to take the director to have noticed", every: .milliseconds(200)) {
            try await self.lab.director.require("curl -s http://\(host.address):9380/weight/\(service)")
            let status = try await self.agent(host, "status").output
            return status.contains("by hand") && !status.contains("not yet acknowledged")
                && !status.contains("still be on its way")
        }
    }

    /// The words of a backend's line in `rsdirector status`: address, forward, weight, counts, state, reason.
    public func directorSays(of host: LabHost) async throws -> [String] {
        let lines = try await director("status").output.split(separator: "\n")
        let line = lines.first { $0.contains("-> \(host.address):") }
        return line.map { $0.split(separator: " ").map(String.init) } ?? []
    }

    /// Stops the director, then the agents, then nginx, each in its own way; throws where one does not end well.
    public func stop() async throws {
        if let director {
            let status = try await director.stop()
            guard status == 0 else { throw LabError("rsdirector ended with \(status): \(try director.output)") }
        }
        for (name, agent) in agents {
            let status = try await agent.stop()
            guard status == 0 else { throw LabError("rsagent on \(name) ended with \(status): \(try agent.output)") }
        }
        for webServer in webServers.values { try await webServer.process.stop(SIGQUIT) }
    }

    /// Forgets nginx of a backend, after it was killed, and starts another.
    public func replaceWebServer(on host: LabHost) async throws {
        try await webServers[host.name]?.process.ended()
        try await startWebServer(on: host)
    }
}
