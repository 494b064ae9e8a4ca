internal import Glibc
internal import Synchronization

/// Requests sent from a client one after the other, each with curl on a connection of its own.
public final class Load: Sendable {
    /// One request and what became of it.
    public struct Request: Sendable, Hashable {
        /// When it was sent, in seconds since 1970.
        public let start: Double
        /// When it had ended.
        public let end: Double
        /// curl's exit status: 0 where a whole answer came.
        public let exitStatus: Int
        /// The HTTP status, 0 where none came.
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
    private static func firstPort() -> Int { 2_000 + 1_000 * (lanes.wrappingAdd(1, ordering: .relaxed).oldValue % 30) }
    private static let lanes = Atomic<Int>(0)

    /// Begins to send requests from `host`, `lanes` at a time, each lane pausing for `pause` seconds between two.
    public init(from host: LabHost, to url: String, lanes: Int, pause: Double, name: String) async throws {
        flag = try await host.write("", to: "\(name).running")
        let format = "%{exitcode} %{http_code} $port %header{x-server}\\n"
        // The port is chosen here: curl does not tell it of a connection that was refused.
        let script = """
            port=$4
            while test -e "$1"; do
                port=$((port + 1))
                start=$EPOCHREALTIME
                answer=$(curl -s -o /dev/null --max-time 10 --local-port $port -w "\(format)" "$2")
                echo "$start $EPOCHREALTIME $answer"
                sleep "$3"
            done
            """
        var processes: [LabProcess] = []
        for lane in 0..<lanes {
            processes.append(
                try await host.start(
                    [
                        "bash", "-c", script, "load", flag, url, "\(pause)",
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
