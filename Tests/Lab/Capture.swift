internal import Glibc

/// What passes a host's `eth0`, as tcpdump, which knows nothing of us, sees it.
public final class Capture: Sendable {
    private let process: LabProcess
    /// The file.
    public let path: String

    /// Starts to capture on `host` what `filter` (pcap-filter(7)) lets through, so many bytes of each frame; returns when
    /// tcpdump listens.
    public init(on host: LabHost, name: String, filter: String = "", length: Int = 160) async throws {
        path = "\(host.directory)/\(name).pcap"
        process = try await host.start(
            ["tcpdump", "-i", "eth0", "-Z", "root", "-U", "--immediate-mode", "-s", "\(length)", "-w", path]
                + (filter.isEmpty ? [] : [filter]), log: "tcpdump-\(name)")
        try await Deadline.wait(until: "tcpdump to listen on \(host.name)") { [process] in
            if process.exitStatus != nil { throw LabError("tcpdump: \(try process.output)") }
            return try process.output.contains("listening on")
        }
    }

    /// Stops capturing. Every frame that was on the wire before is in the file.
    public func stop() async throws {
        guard process.exitStatus == nil else { return }
        try await process.stop(SIGINT)
    }

    /// One line per captured frame that `filter` lets through, MAC addresses first (`tcpdump -e`), times in seconds.
    public func frames(_ filter: String) async throws -> [Substring] {
        let read = try await Command.run(["tcpdump", "-r", path, "-nn", "-e", "-tt", filter])
        guard read.status == 0 else { throw LabError("tcpdump -r: \(read.errors)") }
        return read.output.split(separator: "\n")
    }

    /// The same packets as `tcpdump -vv` tells of them: with what it thinks of their checksums, as far as it has all of them.
    public func details(_ filter: String) async throws -> String {
        let read = try await Command.run(["tcpdump", "-r", path, "-nn", "-vv", filter])
        guard read.status == 0 else { throw LabError("tcpdump -r: \(read.errors)") }
        return read.output
    }

    /// The source MACs of the captured frames that `filter` lets through, each with how often.
    public func sources(_ filter: String) async throws -> [String: Int] {
        try await frames(filter).reduce(into: [:]) { counts, line in
            let words = line.split(separator: " ")
            if words.count > 1 { counts[String(words[1]), default: 0] += 1 }
        }
    }
}
