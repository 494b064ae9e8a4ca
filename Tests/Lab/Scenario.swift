/// What is done to a fleet, once, for the demo to tell and for the tests to judge.
public enum Scenario {}

// A number of requests, and what the wire says of them.
extension Scenario {
    /// What became of a number of requests.
    public struct Requests: Sendable {
        /// All of them, in order.
        public let all: [Load.Request]
        /// Answered ones by the backend that answered.
        public let byServer: [String: Int]
        /// Those that were not answered with 200.
        public let lost: [Load.Request]

        init(_ all: [Load.Request]) {
            self.all = all
            byServer = all.reduce(into: [:]) {
                if $1.isAnswered, let server = $1.server { $0[server, default: 0] += 1 }
            }
            lost = all.filter { !$0.isAnswered }
        }
    }

    /// Sends at least `count` requests to the VIP.
    public static func requests(_ count: Int, on fleet: Fleet, name: String) async throws -> Requests {
        // The client has to ask for the VIP anew: what it learned from an announcement proves nothing of the answers.
        try await fleet.lab.client.require("ip neigh flush dev eth0")
        let load = try await load(on: fleet, name: name)
        try await Deadline.wait(until: "\(count) requests", limit: .seconds(120)) {
            try await load.requests().count >= count
        }
        return Requests(try await load.stop())
    }

    /// Starts the steady load that runs through every scenario: four clients, each about 25 times a second.
    public static func load(on fleet: Fleet, name: String) async throws -> Load {
        try await Load(from: fleet.lab.client, to: "http://\(Lab.vip)/", lanes: 4, pause: 0.02, name: name)
    }
}

// What the client's wire shows of direct routing.
extension Scenario {
    /// The source MACs seen at the client, each with how often.
    public struct Wire: Sendable {
        /// Of TCP packets from the VIP.
        public let answers: [String: Int]
        /// Of ARP answers for the VIP.
        public let owners: [String: Int]
        /// Of ARP packets that carry the VIP as their sender and are not the owner's announcements or answers.
        public let announcers: [String: Int]
    }

    /// Reads what `capture`, taken at the client, holds.
    public static func wire(_ capture: Capture) async throws -> Wire {
        Wire(
            answers: try await capture.sources("tcp and src host \(Lab.vip)"),
            owners: try await capture.sources("arp[6:2] = 2 and arp src host \(Lab.vip)"),
            announcers: try await capture.sources("arp and arp src host \(Lab.vip)"))
    }
}

// A backend is drained while requests and a long download are under way.
extension Scenario {
    /// What a drain came to.
    public struct Drain: Sendable {
        /// The requests sent meanwhile.
        public let requests: Requests
        /// What `rsagent drain --wait` printed.
        public let progress: [String]
        /// Its exit status.
        public let exitStatus: Int32
        /// Requests that the drained backend answered and that were sent after `--wait` had returned.
        public let afterwards: Int
        /// Bytes of the download that was under way on the drained backend; `WebServer.bigSize` where it came whole.
        public let downloaded: Int
        /// How many seconds after the end of the download `--wait` returned; negative: before it.
        public let returnedAfterDownload: Double
    }

    /// Drains `host` with `--wait` under load, with a slow download open on it.
    public static func drain(_ host: LabHost, on fleet: Fleet, name: String) async throws -> Drain {
        let load = try await load(on: fleet, name: name)
        let download = try await Download(from: host, on: fleet, name: name)
        let drained = try await fleet.agent(host, "drain", "web", "--wait", "--reason", "maintenance")
        let returned = WallClock.seconds
        let (bytes, end) = try await download.result()
        let count = try await load.requests().count
        try await Deadline.wait(until: "requests after the drain") { try await load.requests().count >= count + 100 }
        let requests = Requests(try await load.stop())
        return Drain(
            requests: requests, progress: drained.text.split(separator: "\n").map(String.init),
            exitStatus: drained.status,
            afterwards: requests.all.count { $0.start > returned && $0.server == host.name }, downloaded: bytes,
            returnedAfterDownload: returned - end)
    }

    /// A slow download that a certain backend serves.
    private struct Download {
        private let process: LabProcess

        init(from host: LabHost, on fleet: Fleet, name: String) async throws {
            let script = """
                answer=$(curl -s -o /dev/null --limit-rate 1500k -w '%{size_download}' -D "$1" "$2")
                echo "$answer $EPOCHREALTIME"
                """
            var attempt = 0
            // The scheduler decides whose it is: until it is the one wanted, the next is begun.
            while true {
                attempt += 1
                let head = "\(fleet.lab.client.directory)/\(name)-\(attempt).head"
                let process = try await fleet.lab.client.start(
                    ["bash", "-c", script, "download", head, "http://\(Lab.vip)/big"],
                    log: "\(name)-download-\(attempt)")
                let server = try await Deadline.wait(for: "the head of a download") {
                    try await Command.run(["sed", "-nE", "s/^X-Server: ([a-z0-9]+).*/\\1/p", head]).output
                        .split(separator: "\n").first.map(String.init)
                }
                if server == host.name {
                    self.process = process
                    return
                }
                process.signal(9, toGroup: true)
                guard attempt < 50 else { throw LabError("no download was given to \(host.name)") }
            }
        }

        func result() async throws -> (bytes: Int, end: Double) {
            try await process.ended(limit: .seconds(60))
            let words = try process.output.split(whereSeparator: \.isWhitespace)
            guard words.count == 2, let bytes = Int(words[0]), let end = Double(words[1]) else {
                throw LabError("the download wrote: \(try process.output)")
            }
            return (bytes, end)
        }
    }
}

// A web server dies.
extension Scenario {
    /// What a death came to.
    public struct Death: Sendable {
        /// The requests sent meanwhile.
        public let requests: Requests
        /// When it died.
        public let time: Double
        /// When the last connection sent to the dead server arrived there, in seconds after its death, by a capture on its
        /// wire; nil where none did.
        public let lastSentTo: Double?
        /// Lost requests that had not been sent to the dead server: there must be none.
        public let lostElsewhere: [Load.Request]
    }

    /// Kills nginx on `host` under load with SIGKILL, and goes on until the director has taken it out.
    public static func kill(_ host: LabHost, on fleet: Fleet, name: String) async throws -> Death {
        let capture = try await Capture(
            on: host, name: name, filter: "tcp[tcpflags] & tcp-syn != 0 and dst host \(Lab.vip)")
        let load = try await load(on: fleet, name: name)
        try await Deadline.wait(until: "requests before the death") {
            try await load.requests().contains { $0.server == host.name }
        }
        let time = WallClock.seconds
        fleet.webServers[host.name]?.kill()
        try await Deadline.wait(until: "the director to take \(host.name) out") {
            try await fleet.directorSays(of: host).contains("down")
        }
        let count = try await load.requests().count
        try await Deadline.wait(until: "requests after the death") { try await load.requests().count >= count + 100 }
        let requests = Requests(try await load.stop())
        try await capture.stop()
        let sent = try await capture.frames("src host \(fleet.lab.client.address)").compactMap(Self.timeAndPort)
        let portsSentTo = Set(sent.map(\.port))
        return Death(
            requests: requests, time: time, lastSentTo: sent.last.map { $0.time - time }.flatMap { $0 > 0 ? $0 : nil },
            lostElsewhere: requests.lost.filter { !portsSentTo.contains($0.port) })
    }

    /// The time and the client's port in a line of `tcpdump -e -tt`: `… 10.0.0.2.40312 > 192.0.2.10.80: …`.
    static func timeAndPort(_ line: Substring) -> (time: Double, port: Int)? {
        let words = line.split(separator: " ")
        guard let time = words.first.flatMap({ Double($0) }), let arrow = words.lastIndex(of: ">"), arrow > 0,
            let port = words[arrow - 1].split(separator: ".").last.flatMap({ Int($0) })
        else { return nil }
        return (time, port)
    }
}
