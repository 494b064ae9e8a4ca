internal import Glibc
public import NetworkAddress
internal import Synchronization

/// Requests sent from a client one after the other, each from a port of its own.
public final class Load: Sendable {
    /// What is asked, and with what.
    public enum Question: Sendable {
        /// A page, with curl.
        case page(url: String)
        /// A DNS server's name, with dig, over UDP and once.
        case serverName(at: IPv4Address)

        /// Where it goes, and the line of bash(1) that asks from `$port` there, `$1`: it prints an exit status, an HTTP status
        /// (200 for an answer by DNS), the port and who answered.
        fileprivate var command: (target: String, line: String) {
            switch self {
            case .page(let url):
                (
                    url,
                    // The port is chosen here: curl does not tell it of a connection that was refused.
                    """
                    curl -s -o /dev/null --max-time \(Lab.isEmulated ? 60 : 10) --local-port $port \
                        -w "%{exitcode} %{http_code} $port %header{x-server}\\n" "$1"
                    """
                )
            case .serverName(let server):
                (
                    "\(server)",
                    """
                    said=$(\(DNSServer.question) -b 0.0.0.0#$port @$1 \(DNSServer.nameOfServer) TXT)
                    status=$?; if ((status == 0)); then echo "0 200 $port ${said//\\\"/}"; else echo "$status 0 $port"; fi
                    """
                )
            }
        }
    }

    /// One request and what became of it.
    public struct Request: Sendable, Hashable {
        /// When it was sent, in seconds since 1970.
        public let start: Double
        /// When it had ended.
        public let end: Double
        /// curl's or dig's exit status: 0 where a whole answer came.
        public let exitStatus: Int
        /// The HTTP status, 0 where none came. 200 for an answer by DNS.
        public let status: Int
        /// Which backend answered; nil where none did.
        public let server: String?
        /// The client's port.
        public let port: Int

        /// Whether it was answered with 200.
        public var isAnswered: Bool { exitStatus == 0 && status == 200 }
    }

    private let processes: [LabProcess]
    private let flag: String

    /// Each lane of each load has a block of ports to itself, below those that the kernel gives out by itself: a port that
    /// waits out TIME_WAIT cannot be bound again.
    private static func firstPort() -> Int {
        ports.lowerBound + 1_000 * (lanes.wrappingAdd(1, ordering: .relaxed).oldValue % 30)
    }
    private static let lanes = Atomic<Int>(0)
    /// The ports of all lanes.
    static let ports = 2_000..<32_000

    /// Begins to send requests from `host`, `lanes` at a time, each lane pausing for `pause` seconds between two.
    public convenience init(from host: LabHost, to url: String, lanes: Int, pause: Double, name: String) async throws {
        try await self.init(from: host, asking: .page(url: url), lanes: lanes, pause: pause, name: name)
    }

    /// The same for any question.
    public init(from host: LabHost, asking question: Question, lanes: Int, pause: Double, name: String) async throws {
        flag = try await host.write("", to: "\(name).running")
        let (target, line) = question.command
        let script = """
            port=$4
            ask() {
            \(line)
            }
            while test -e "$1"; do
                port=$((port + 1))
                start=$EPOCHREALTIME
                answer=$(ask "$2")
                echo "$start $EPOCHREALTIME $answer"
                sleep "$3"
            done
            """
        var processes: [LabProcess] = []
        for lane in 0..<lanes {
            processes.append(
                try await host.start(
                    [
                        "bash", "-c", script, "load", flag, target, "\(pause)",
                        "\(Self.firstPort())",
                    ],
                    log: "\(name)-\(lane)"))
        }
        self.processes = processes
    }

    /// The requests that have ended so far, in the order they were sent.
    public func requests() async throws -> [Request] {
        var requests: [Request] = []
        for process in processes {
            // The last line may not be whole yet.
            for line in try process.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                let words = line.split(separator: " ")
                guard words.count >= 5, let start = Double(words[0]), let end = Double(words[1]),
                    let exitStatus = Int(words[2]), let status = Int(words[3]), let port = Int(words[4])
                else { throw LabError("the load wrote: \(line)") }
                requests.append(
                    Request(
                        start: start, end: end, exitStatus: exitStatus, status: status,
                        server: words.count > 5 ? String(words[5]) : nil, port: port))
            }
        }
        return requests.sorted { $0.start < $1.start }
    }

    /// Ends the load when the requests under way are answered; returns all of them.
    public func stop() async throws -> [Request] {
        unlink(flag)
        for process in processes { try await process.ended() }
        return try await requests()
    }
}
