public import NetworkAddress

/// Every scheduler, and persistence, as the servers' own wires see them: whose each of a client's connections is. Whoever the
/// director is, ours or IPVS, what comes of it is the same.
public final class SchedulerTrial {
    /// A service on a VIP of its own, its servers' weights 3, 2 and 1. It gets twelve connections that stay open, one after the other.
    public struct Case: Sendable {
        /// The service's name.
        public let name: String
        /// How a server is picked, by ipvsadm's name.
        public let scheduler: String
        /// By ipvsadm's name: `port`.
        public var flag: String?
        /// Whether clients stay with their server for five minutes; what they do once that one is drained.
        public var persistence: Persistence?
        /// The servers, by number, in the order in which they get connections; those for whom there is none are refused.
        public var order: [Int]?
        /// Whether that is a round that may begin anywhere: where depends on which servers were there first.
        public var isRound = false
        /// Or how many get any.
        public var servers = 1...3

        /// What a drained server's known clients do.
        public enum Persistence: Sendable { case stay, move }
    }

    /// By IPVS's rules (`net/netfilter/ipvs/ip_vs_*.c`): each open connection counts 256, ties go to the first in the list. lblc takes the
    /// least loaded once there are more than its server's weight and another has less than half of its own; lblcr adds it to the
    /// destination's set; ovf refuses once all have more than their weight.
    public static let cases: [Case] = [
        Case(name: "rr", scheduler: "rr", order: [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]),
        Case(name: "wrr", scheduler: "wrr", order: [1, 1, 2, 1, 2, 3, 1, 1, 2, 1, 2, 3], isRound: true),
        Case(name: "lc", scheduler: "lc", order: [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]),
        Case(name: "wlc", scheduler: "wlc", order: [1, 2, 3, 1, 2, 1, 1, 2, 3, 1, 2, 1]),
        Case(name: "sed", scheduler: "sed", order: [1, 2, 1, 1, 2, 3, 1, 2, 1, 1, 2, 3]),
        Case(name: "nq", scheduler: "nq", order: [1, 2, 3, 1, 1, 2, 1, 2, 1, 1, 2, 3]),
        Case(name: "fo", scheduler: "fo", order: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        Case(name: "ovf", scheduler: "ovf", order: [1, 1, 1, 1, 2, 2, 2, 3, 3]),
        Case(name: "lblc", scheduler: "lblc", order: [1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]),
        Case(name: "lblcr", scheduler: "lblcr", order: [1, 1, 1, 1, 2, 2, 2, 3, 3, 1, 2, 1]),
        Case(name: "twos", scheduler: "twos", servers: 2...3),
        // One client's, and one destination's: all are one server's; with its port they are not.
        Case(name: "sh", scheduler: "sh", servers: 1...1),
        Case(name: "dh", scheduler: "dh", servers: 1...1),
        Case(name: "mh", scheduler: "mh", servers: 1...1),
        Case(name: "sh-port", scheduler: "sh", flag: "port", servers: 2...3),
        Case(name: "mh-port", scheduler: "mh", flag: "port", servers: 2...3),
        Case(name: "stay", scheduler: "rr", persistence: .stay, servers: 1...1),
        Case(name: "move", scheduler: "rr", persistence: .move, servers: 1...1),
    ]

    /// The weights of a lab's servers, in order.
    public static let weights = [3, 2, 1]
    private static let count = 12

    /// Where the service is that has this place among those that are tried.
    public static func vip(_ index: Int) -> IPv4Address { IPv4Address(192, 0, 2, UInt8(100 + index)) }

    private let lab: Lab
    private let cases: [Case]
    private let wire: Wire
    private var open: [LabProcess] = []

    /// A trial on a lab whose director has these services, and its servers their VIPs.
    public init(_ cases: [Case] = SchedulerTrial.cases, on lab: Lab) async throws {
        (self.lab, self.cases) = (lab, cases)
        wire = try await Wire(lab)
    }

    /// Connects to each service in turn; then, where clients stay, has `drain` drain the server that they stay with, and connects again.
    ///
    /// - Returns: what is not as it should be, in words.
    public func run(drain: (Case, _ vip: IPv4Address, _ server: LabHost) async throws -> Void) async throws -> [String]
    {
        var wrong: [String] = []
        for (index, tried) in cases.enumerated() { try await connect(Self.count, to: index, tried.name) }
        for (index, tried) in cases.enumerated() {
            guard let persistence = tried.persistence else { continue }
            let vip = Self.vip(index)
            let server = try await Deadline.wait(for: "a connection on the wire") {
                try await self.wire.orders()[vip]?.first
            }
            try await drain(tried, vip, lab.backends[server - 1])
            try await connect(3, to: index, "\(tried.name)-drained")
            let after = try await Deadline.wait(for: "three more connections on the wire") {
                try await self.wire.orders()[vip].flatMap { $0.count == Self.count + 3 ? Array($0.suffix(3)) : nil }
            }
            if Set(after.map { $0 == server }) != [persistence == .stay] {
                wrong.append("\(tried.name): server \(server) is drained, and its client goes to \(after)")
            }
        }
        try await wire.stop()

        let (orders, answers) = (try await wire.orders(), try await wire.answers())
        for (index, tried) in cases.enumerated() {
            let all = orders[Self.vip(index), default: []]
            let order = Array(all.prefix(Self.count))
            if let expected = tried.order {
                let starts = tried.isRound ? Array(expected.indices) : [0]
                if !starts.contains(where: { Array(expected[$0...] + expected[..<$0]) == order }) {
                    wrong.append("\(tried.name): \(order), not \(expected)")
                }
            } else if order.count != Self.count || !(tried.servers ~= Set(order).count) {
                wrong.append("\(tried.name): \(order), not \(Self.count) to \(tried.servers) servers")
            }
            // By the servers' own MACs, one answer to each: direct routing.
            let from = answers[Self.vip(index), default: []]
            if from.sorted() != all.sorted() { wrong.append("\(tried.name): \(all), answered by \(from)") }
        }
        for process in open { try await process.stop() }
        return wrong
    }

    /// Opens so many connections from the client, each once the one before is open or refused, and keeps them.
    private func connect(_ count: Int, to index: Int, _ name: String) async throws {
        let script = """
            for number in {1..\(count)}; do exec {held}<>/dev/tcp/\(Self.vip(index))/80 || :; done 2>/dev/null
            echo opened
            exec sleep 600
            """
        let process = try await lab.client.start(["bash", "-c", script, "connect"], log: "connect-\(name)")
        open.append(process)
        try await Deadline.wait(until: "\(count) connections to \(name)", limit: .seconds(40)) {
            if process.exitStatus != nil { throw LabError("\(name): \(try process.output)") }
            return try process.output.contains("opened")
        }
    }
}

extension SchedulerTrial {
    /// What passes each server's wire and the client's.
    private struct Wire: Sendable {
        private let lab: Lab
        private let atServers: [Capture]
        private let atClient: Capture

        init(_ lab: Lab) async throws {
            self.lab = lab
            var atServers: [Capture] = []
            for host in lab.backends {
                atServers.append(
                    try await Capture(
                        on: host, name: "syn",
                        filter: "src host \(lab.client.address) and tcp[13] & 0x12 = 2 and dst port 80"))
            }
            self.atServers = atServers
            atClient = try await Capture(on: lab.client, name: "answers", filter: "tcp[13] & 0x12 = 0x12")
        }

        func stop() async throws {
            for capture in atServers { try await capture.stop() }
            try await atClient.stop()
        }

        /// By VIP the servers that were sent a connection's first packet, in the order in which they were; each once, however often
        /// it was sent again.
        func orders() async throws -> [IPv4Address: [Int]] {
            var seen: [(time: Double, port: String, vip: IPv4Address, server: Int)] = []
            for (index, capture) in atServers.enumerated() {
                for line in try await capture.frames("") {
                    // TIME MAC > MAC, …: CLIENT.PORT > VIP.80: Flags …
                    let words = line.split(separator: " ")
                    let ends = words.indices.filter { words[$0] == ">" }
                    guard ends.count == 2, let time = Double(words[0]),
                        let port = words[ends[1] - 1].split(separator: ".").last,
                        let vip = IPv4Address(
                            words[ends[1] + 1].split(separator: ".").prefix(4).joined(separator: "."))
                    else { throw LabError("not a SYN: \(line)") }
                    seen.append((time, String(port), vip, index + 1))
                }
            }
            var (orders, known): ([IPv4Address: [Int]], Set<String>) = ([:], [])
            for one in seen.sorted(by: { $0.time < $1.time }) where known.insert("\(one.vip) \(one.port)").inserted {
                orders[one.vip, default: []].append(one.server)
            }
            return orders
        }

        /// By VIP the servers whose MAC answered a connection's first packet.
        func answers() async throws -> [IPv4Address: [Int]] {
            let numbers = Dictionary(
                uniqueKeysWithValues: lab.backends.enumerated().map { ("\($0.element.mac)", $0.offset + 1) })
            var answers: [IPv4Address: Set<String>] = [:]
            for line in try await atClient.frames("") {
                let words = line.split(separator: " ")
                let ends = words.indices.filter { words[$0] == ">" }
                guard ends.count == 2,
                    let vip = IPv4Address(words[ends[1] - 1].split(separator: ".").prefix(4).joined(separator: "."))
                else { throw LabError("no answer: \(line)") }
                answers[vip, default: []].insert("\(words[1]) \(words[ends[1] + 1])")
            }
            return answers.mapValues { lines in
                lines.map { numbers[String($0.prefix { $0 != " " })] ?? 0 }
            }
        }
    }
}
