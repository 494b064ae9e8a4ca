/// Three DNS servers, an agent beside each, and a director with a service of UDP for each way of forwarding.
public final class NameService {
    /// The services.
    public let ways: [Way]
    private let lab: Lab
    private let fleet: Fleet
    private var servers: [String: DNSServer] = [:]
    /// Below the ports of every load.
    private var port = 1_100

    /// Starts everything, and waits until all servers are up in all services.
    public init(on lab: Lab, ways: [Way]) async throws {
        (self.lab, self.ways, fleet) = (lab, ways, Fleet(on: lab))
        for host in lab.backends {
            try await start(on: host)
            try await fleet.startAgent(
                on: host, fleet.agentFile(for: host, ways: ways) { Self.terms + Self.check($0.ownAddress(of: host)) })
        }
        let servers = lab.backends.map { (host: $0, weight: 1) }
        try await fleet.startDirector(
            fleet.directorFile(ways: ways, servers: servers, service: Self.terms + "scheduler = \"rr\"\n"))
        try await fleet.untilDirectorHas(ways.count * lab.backends.count)
    }

    private static let terms = "port = 53\nprotocol = \"udp\"\n"

    private static func check(_ own: some CustomStringConvertible) -> String {
        """
        [[service.check]]
        exec = ["/usr/bin/dig", "+time=\(Lab.isEmulated ? 5 : 1)", "+tries=1", "@\(own)", "\(DNSServer.nameOfServer)", "TXT"]
        \(Fleet.pace)
        """
    }

    /// Starts dnsmasq on a backend.
    private func start(on host: LabHost) async throws { servers[host.name] = try await DNSServer(on: host) }

    /// Ends everything, each in its own way.
    public func stop() async throws {
        try await fleet.stop()
        for server in servers.values { try await server.process.stop() }
    }

    // MARK: What is asked

    /// Asks once, from a port of its own; returns what dig says.
    private func answer(_ way: Way, _ words: String) async throws -> String {
        port += 1
        let line = "\(DNSServer.question) -b 0.0.0.0#\(port) @\(way.vip) \(words) TXT"
        let run = try await lab.client.run(line.split(separator: " ").map(String.init))
        return run.status == 0 ? run.output : "exit \(run.status): \(run.text)"
    }

    /// Who answers so many questions: how many each.
    public func ask(_ way: Way, times: Int) async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for _ in 0..<times {
            let name = try await answer(way, DNSServer.nameOfServer).filter { !"\"\n".contains($0) }
            counts[name, default: 0] += 1
        }
        return counts
    }

    /// Asks for what no single packet holds; returns the strings that came, which are to be `DNSServer.longText`.
    public func askForLongText(_ way: Way) async throws -> [String] {
        try await answer(way, "+bufsize=4096 \(DNSServer.longName)").split { " \"\n".contains($0) }.map(String.init)
    }

    /// Who answers a question that no single packet holds; dig would ask it over TCP.
    public func askAtLength(_ way: Way) async throws -> String {
        let question = DNSServer.longQuestion.map { byte in
            let digits = String(byte, radix: 16)
            return "\\x" + (digits.count == 1 ? "0" : "") + digits
        }
        let script = """
            exec 3<>/dev/udp/\(way.vip)/53
            printf '\(question.joined())' | dd bs=4096 iflag=fullblock status=none >&3
            timeout \(Lab.isEmulated ? 20 : 5) dd bs=4096 count=1 status=none <&3 | grep -ao 'rs[0-9]'
            """
        return try await lab.client.run(["bash", "-c", script]).output.filter { $0 != "\n" }
    }

    // MARK: What is done

    /// What came of a server that was drained, and of another that died, while clients went on asking.
    public struct Outcome {
        /// All questions.
        public let requests: [Load.Request]
        /// Those without an answer.
        public let lost: [Load.Request]
        /// Those of them that were not sent to the dead server, or were over before its death: there must be none.
        public let lostElsewhere: [Load.Request]
        /// What a server was asked while it was drained, as tcpdump has it: there must be nothing.
        public let askedWhileDrained: [Substring]
        /// When it was drained.
        public let drained: Double
    }

    /// Drains a server in every service, undrains it, kills another and starts it again, each for so many questions to each service.
    ///
    /// - Parameter pause: in seconds, between two questions of one of the lanes.
    public func drainAndKill(
        _ drained: LabHost, _ dead: LabHost, questions: Int, lanes: Int, pause: Double
    ) async throws -> Outcome {
        let asked = Set(ways.map(\.questions)).joined(separator: " or ")
        // From before the first question: one may lie in the server's socket for a while when it is killed.
        let wire = try await Capture(on: dead, name: "dead", filter: asked)
        var loads: [Load] = []
        for way in ways {
            loads.append(
                try await Load(
                    from: lab.client, asking: .serverName(at: way.vip), lanes: lanes, pause: pause, name: way.name))
        }
        let load = Questions(loads: loads)
        try await load.untilServed(by: drained)

        try await order("drain", drained)
        let time = WallClock.seconds
        let quiet = try await Capture(on: drained, name: "drained", filter: asked)
        try await load.more(questions)
        try await quiet.stop()
        try await order("undrain", drained)
        try await load.untilServed(by: drained)

        let death = WallClock.seconds
        servers[dead.name]?.kill()
        try await Deadline.wait(until: "\(dead.name) to be down", limit: .seconds(30)) { [fleet, ways] in
            let lines = try await fleet.director("status").output.split(separator: "\n")
            return lines.count { $0.contains("-> \(dead.address):") && $0.contains(" down") } == ways.count
        }
        try await load.more(questions)
        try await start(on: dead)
        try await load.untilServed(by: dead)
        try await wire.stop()

        let requests = try await load.stop()
        let lost = requests.filter { !$0.isAnswered }
        let sent = Set(
            try await wire.frames("").filter { $0.contains(" \(lab.client.address).") }
                .compactMap { Scenario.timeAndPort($0)?.port })
        return Outcome(
            requests: requests, lost: lost,
            lostElsewhere: lost.filter { !sent.contains($0.port) || $0.end < death },
            askedWhileDrained: try await quiet.frames(""), drained: time)
    }

    private func order(_ deed: String, _ host: LabHost) async throws {
        for way in ways {
            let done = try await fleet.director("\(deed) \(way.name) \(host.address)")
            guard done.status == 0 else { throw LabError("rsdirector \(deed): \(done.text)") }
        }
    }
}

/// Loads on several services, as one.
struct Questions {
    let loads: [Load]

    /// Waits until each has had so many more.
    func more(_ count: Int) async throws {
        for load in loads {
            let before = try await load.requests().count
            try await Deadline.wait(until: "\(count) more questions", every: .milliseconds(100)) {
                try await load.requests().count >= before + count
            }
        }
    }

    /// Waits until a server answers what is asked from now on, everywhere.
    func untilServed(by host: LabHost) async throws {
        let start = WallClock.seconds
        for load in loads {
            try await Deadline.wait(until: "\(host.name) to answer", every: .milliseconds(100)) {
                try await load.requests().contains { $0.server == host.name && $0.start > start }
            }
        }
    }

    func stop() async throws -> [Load.Request] {
        var requests: [Load.Request] = []
        for load in loads { requests += try await load.stop() }
        return requests
    }
}
