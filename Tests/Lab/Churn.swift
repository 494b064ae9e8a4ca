internal import Glibc

/// Servers that are added, drained, killed, changed and removed while clients use them: a service for each way of forwarding, all
/// on the same servers, with real nginx and our agents. At the start there is one server.
public final class Churn {
    /// Where it happens.
    public let fleet: Fleet
    /// The services.
    public let ways: [Way]
    /// A file that is sent up.
    public let file: String
    private var loads: [Load] = []
    private var captures: [String: Capture] = [:]
    private var silences: [Silence] = []
    private var uploads: [Upload] = []
    /// The names of servers that were killed.
    private var killed: Set<String> = []

    /// Starts nginx, the agents, the director with the first server alone, and the load.
    ///
    /// - Parameters:
    ///   - size: of the file, in bytes.
    ///   - pause: in seconds, between two requests of one of the lanes.
    public init(on lab: Lab, ways: [Way], size: Int, lanes: Int, pause: Double) async throws {
        (fleet, self.ways) = (Fleet(on: lab), ways)
        file = "\(lab.client.directory)/file"
        for host in lab.backends {
            try await fleet.startWebServer(on: host)
            try await host.script("printf 0123456789 >\(host.directory)/nginx/documents/small")
            try await fleet.startAgent(
                on: host, fleet.agentFile(for: host, ways: ways) { _ in Self.terms + Self.check })
        }
        try await fleet.startDirector(directorFile([(lab.backends[0], 1)]))
        try await lab.client.script("mkdir -p \(lab.client.directory); head -c \(size) /dev/urandom >\(file)")
        let openings = Set(ways.map(\.openings)).joined(separator: " or ")
        for host in lab.backends {
            // Those to be fetched are the one that is sent.
            try await host.script("ln \(file) \(host.directory)/nginx/documents/large")
            captures[host.name] = try await Capture(on: host, name: "begun", filter: openings)
        }
        for way in ways {
            try await Deadline.wait(until: "\(way.name) to be served", limit: .seconds(40)) { [fleet] in
                if let director = fleet.director, director.exitStatus != nil { throw LabError(try director.output) }
                let url = "http://\(way.vip)/small"
                return try await lab.client.run(["curl", "-sf", "--max-time", "5", "-o", "/dev/null", url]).status == 0
            }
        }
        for way in ways {
            loads.append(
                try await Load(
                    from: lab.client, to: "http://\(way.vip)/small", lanes: lanes, pause: pause, name: way.name))
        }
    }

    // MARK: What is done

    /// Has the director do something to a server in each service; returns when it was in force in all.
    @discardableResult
    public func order(_ deed: String, _ host: LabHost, _ options: String = "") async throws -> Double {
        for way in ways {
            let done = try await fleet.director("\(deed) \(way.name) \(host.address) \(options)")
            guard done.status == 0 else { throw LabError("rsdirector \(deed): exit \(done.status): \(done.text)") }
        }
        return WallClock.seconds
    }

    /// Begins an upload in each service, on the one server that takes connections.
    public func beginUploads(on host: LabHost) async throws {
        for way in ways {
            uploads.append(try await Upload(of: file, from: fleet.lab.client, to: "\(way.vip)", on: host))
        }
    }

    /// Whether the uploads begun first, on the first server, are all still under way.
    public var areFirstUploadsOpen: Bool { uploads.prefix(ways.count).allSatisfy(\.isOpen) }

    /// Finishes the uploads begun last; returns what was wrong.
    public func finishUploads() async throws -> [String] {
        var wrong: [String] = []
        for _ in ways {
            if let problem = try await uploads.popLast()?.finish() { wrong.append(problem) }
        }
        return wrong
    }

    /// Fetches the file in each service; returns the names of those where it did not come whole.
    public func fetch() async throws -> [String] {
        var broken: [String] = []
        let got = "\(fleet.lab.client.directory)/got"
        for way in ways {
            let limit = Lab.isEmulated ? "1200" : "120"
            let run = try await fleet.lab.client.run([
                "curl", "-sS", "--max-time", limit, "-o", got, "http://\(way.vip)/large",
            ])
            if try await Command.run(["cmp", file, got]).status != 0 { broken.append("\(way.name): \(run.text)") }
        }
        return broken
    }

    /// Kills nginx of a server, and waits until all services are without it.
    public func kill(_ host: LabHost) async throws {
        killed.insert(host.name)
        fleet.webServers[host.name]?.kill()
        try await untilDirectorSays("down", of: host)
    }

    // MARK: What is waited for

    /// Waits until a server answers requests of each service that are sent from now on.
    public func untilServed(by host: LabHost) async throws {
        let start = WallClock.seconds
        for (way, load) in zip(ways, loads) {
            try await Deadline.wait(until: "\(host.name) to serve \(way.name)", every: .milliseconds(100)) {
                try await load.requests().contains { $0.server == host.name && $0.start > start && $0.isAnswered }
            }
        }
    }

    /// Waits until each service has had so many more requests. With `silent`, that server is to get none of them; the judgement
    /// comes with the end.
    public func moreRequests(_ count: Int, silent host: LabHost? = nil, since start: Double = WallClock.seconds)
        async throws
    {
        for (way, load) in zip(ways, loads) {
            try await Deadline.wait(until: "\(count) requests of \(way.name)", every: .milliseconds(100)) {
                try await load.requests().count { $0.start > start } >= count
            }
        }
        if let host { silences.append(Silence(host: host, from: start, until: WallClock.seconds)) }
    }

    /// Waits until the director's status has this word behind a server, in every service.
    public func untilDirectorSays(_ word: String, of host: LabHost) async throws {
        var seen = ""
        do {
            try await Deadline.wait(until: "the director to call \(host.name) \(word)", limit: .seconds(30)) {
                seen = try await fleet.director("status").text
                let lines = seen.split(separator: "\n").filter { $0.contains("-> \(host.address):") }
                return lines.count == ways.count
                    && lines.allSatisfy { $0.split(separator: " ").contains { $0 == word } }
            }
        } catch {
            throw LabError("\(error)\n\(seen)")
        }
    }

    // MARK: What came of it

    /// What is known when all is over.
    public struct Outcome {
        /// All requests, by the name of their service.
        public let requests: [String: [Load.Request]]
        /// Those without an answer.
        public let lost: [Load.Request]
        /// Those of them that were not sent to a server that was killed: there must be none.
        public let lostElsewhere: [Load.Request]
        /// New connections that a server got while it was to get none, as tcpdump has them.
        public let broken: [Substring]
        /// Connections that a server got, and whose request says that another answered, or is not there at all: they were not
        /// counted, or wrongly.
        public let uncounted: [Substring]

        /// How many requests each service had, and how many were lost, named.
        public var summary: String {
            let counts = requests.map { "\($0.value.count) \($0.key)" }.sorted().joined(separator: ", ")
            let names = lost.map { "; port \($0.port), exit \($0.exitStatus)" }.joined()
            return "\(counts) requests; \(lost.count) lost, all on the killed server\(names)"
        }
    }

    /// Ends the load and reads what the servers saw.
    public func end() async throws -> Outcome {
        var requests: [String: [Load.Request]] = [:]
        for (way, load) in zip(ways, loads) { requests[way.name] = try await load.stop() }
        var begun: [String: [Substring]] = [:]
        for host in fleet.lab.backends {
            guard let capture = captures[host.name] else { continue }
            try await capture.stop()
            // To the server itself: what is for others the segment floods to it as well, once a link was down.
            begun[host.name] = try await capture.frames("ether dst \(host.mac)")
                .filter { $0.contains(" \(fleet.lab.client.address).") }
        }
        let lost = requests.values.joined().filter { !$0.isAnswered }
        let deaths = Set(killed.flatMap { begun[$0] ?? [] }.compactMap { Scenario.timeAndPort($0)?.port })
        let broken = silences.flatMap { silence in
            (begun[silence.host.name] ?? []).filter { line in
                Scenario.timeAndPort(line).map { silence.from < $0.time && $0.time < silence.until } ?? false
            }
        }
        return Outcome(
            requests: requests, lost: lost, lostElsewhere: lost.filter { !deaths.contains($0.port) }, broken: broken,
            uncounted: Self.uncounted(begun, Array(requests.values.joined())))
    }

    private static func uncounted(_ begun: [String: [Substring]], _ requests: [Load.Request]) -> [Substring] {
        let byPort = Dictionary(requests.map { ($0.port, $0) }) { first, _ in first }
        return begun.flatMap { name, lines in
            lines.filter { line in
                guard let port = Scenario.timeAndPort(line)?.port, Load.ports.contains(port) else { return false }
                return byPort[port].map { $0.isAnswered && $0.server != name } ?? true
            }
        }
    }
}

/// A time in which a server was to get nothing new.
struct Silence {
    let host: LabHost
    let from: Double
    let until: Double
}

// What stands in the files.
extension Churn {
    private static let terms = "port = 80\n"

    private static let check = """
        [[service.check]]
        http = "/small"
        \(Fleet.pace)
        """

    /// The director's file with these servers and weights in each service.
    public func directorFile(_ servers: [(host: LabHost, weight: Int)]) -> String {
        fleet.directorFile(ways: ways, servers: servers, service: Self.terms)
    }
}
