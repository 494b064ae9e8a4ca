import CLinux

/// Which services were up and past their slow start, for the agent's next run: a restart of the agent is none of theirs, and must
/// not send them through a slow start.
struct WarmServices: Codable, Sendable, Equatable {
    /// How long an agent may have been away, in seconds. After a longer time nobody knows what became of the services.
    static let longestAbsence: Int64 = 60

    /// The boot they were up in.
    var boot: String
    /// Their names, sorted.
    var services: [String]
    /// When the agent ended, in seconds since boot; nil: it runs, or was killed.
    var stopped: Int64?

    /// The services that need no slow start in an agent that starts now.
    func warm(inBoot boot: String, uptime: Int64) -> Set<String> {
        guard boot == self.boot, stopped.map({ uptime - $0 <= Self.longestAbsence }) ?? true else { return [] }
        return Set(services)
    }

    /// Seconds since boot, those asleep included.
    static func uptime() -> Int64 { clinux_uptime() }
}

extension WarmServices {
    /// The file, in the state folder.
    static func file(in directory: String) -> StateFile { StateFile("warm.json", in: directory) }

    /// What the last run left; nil where there is nothing.
    ///
    /// - Throws: `ReporterError` where it cannot be read. A slow start too many is all that costs.
    static func load(from file: StateFile) throws(ReporterError) -> WarmServices? {
        guard let bytes = try file.read() else { return nil }
        return try JSON.decode(WarmServices.self, from: bytes, operation: "read \(file.path)")
    }

    /// What the file holds.
    var content: [UInt8] { JSON.encode(self) + [UInt8(ascii: "\n")] }
}
