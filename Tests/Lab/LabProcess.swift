public import Glibc

/// A program that runs until it is stopped. Dropped, it is killed: nothing outlives the test that started it.
public final class LabProcess: @unchecked Sendable {
    /// Its pid, which is also the id of its process group.
    public let pid: Int32
    /// What it was started with.
    public let arguments: [String]
    /// The file that holds both its output streams.
    public let log: String
    private var status: Int32?

    /// Starts a program found in PATH, its output in `log`.
    public init(_ arguments: [String], log: String) throws {
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw LabError("\(log): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        self.arguments = arguments
        self.log = log
        pid = try Command.spawn(arguments, output: descriptor, errors: descriptor, environment: [:])
    }

    deinit {
        guard status == nil else { return }
        Glibc.kill(-pid, SIGKILL)
        _ = reap(0)
    }

    /// Its exit status once it has ended, 128 + the signal where one ended it; nil while it runs.
    public var exitStatus: Int32? {
        if status == nil { _ = reap(WNOHANG) }
        return status
    }

    /// What it has written so far.
    public var output: String {
        get throws { try LabFile.read(log) }
    }

    /// Sends a signal to the process, or to its whole group, and does not wait.
    public func signal(_ number: Int32, toGroup: Bool = false) {
        guard status == nil else { return }
        Glibc.kill(toGroup ? -pid : pid, number)
    }

    /// Asks it to stop and waits for its exit status; throws where it does not stop in time.
    @discardableResult
    public func stop(_ number: Int32 = SIGTERM, limit: Duration = .seconds(20)) async throws -> Int32 {
        signal(number)
        return try await ended(limit: limit)
    }

    /// Waits for its end.
    @discardableResult
    public func ended(limit: Duration = .seconds(20)) async throws -> Int32 {
        try await Deadline.wait(for: "the end of \(arguments.joined(separator: " ")), log \(log)", limit: limit) {
            exitStatus
        }
    }

    private func reap(_ options: Int32) -> Bool {
        var raw: Int32 = 0
        let result = waitpid(pid, &raw, options)
        if result == pid { status = Command.exitStatus(raw) }
        return result == pid
    }
}
