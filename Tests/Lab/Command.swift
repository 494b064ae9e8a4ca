internal import Dispatch
internal import Glibc

/// A program run to its end.
public struct Command: Sendable {
    /// The exit status; 128 + the signal where one ended it.
    public let status: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String

    /// Both streams, for messages.
    public var text: String { output + errors }

    /// Runs a program found in PATH, in the namespace of the calling thread, and waits for it.
    public static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Command {
        let output = try scratchFile()
        let errors = try scratchFile()
        defer {
            close(output)
            close(errors)
        }
        let process = try spawn(arguments, output: output, errors: errors, environment: environment)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return Command(status: exitStatus(status), output: contents(output), errors: contents(errors))
    }

    /// The same without blocking the caller's thread.
    public static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Command {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runBlocking(arguments, environment) })
            }
        }
    }

    /// Runs a line of words separated by spaces, and throws where its status is not 0.
    @discardableResult
    public static func require(_ line: String) throws -> Command {
        let command = try runBlocking(line.split(separator: " ").map(String.init), [:])
        guard command.status == 0 else { throw LabError("\(line): exit \(command.status): \(command.text)") }
        return command
    }

    private static func runBlocking(_ arguments: [String], _ environment: [String: String]) throws -> Command {
        try run(arguments, environment: environment)
    }

    /// Starts a program found in PATH with its own process group; returns its pid.
    static func spawn(
        _ arguments: [String], output: Int32, errors: Int32, environment: [String: String]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: a Ctrl-C at the terminal reaches the lab alone, which then ends its processes in order.
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var variables: [String] = []
        var entry = environ
        while let variable = entry.pointee {
            let text = String(cString: variable)
            let name = text.prefix { $0 != "=" }
            if environment[String(name)] == nil { variables.append(text) }
            entry += 1
        }
        variables += environment.map { "\($0)=\($1)" }
        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var variablePointers = variables.map { strdup($0) } + [nil]
        defer {
            argumentPointers.forEach { free($0) }
            variablePointers.forEach { free($0) }
        }
        var process = pid_t()
        let code = posix_spawnp(&process, arguments[0], &actions, &attributes, &argumentPointers, &variablePointers)
        guard code == 0 else { throw LabError("\(arguments[0]): \(String(cString: strerror(code)))") }
        return process
    }

    static func exitStatus(_ status: Int32) -> Int32 {
        status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// A file without a name: it can hold any amount, so no pipe has to be read while the program runs.
    private static func scratchFile() throws -> Int32 {
        let descriptor = open("/tmp", O_TMPFILE_FLAGS | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LabError("/tmp: \(String(cString: strerror(errno)))") }
        return descriptor
    }

    private static func contents(_ descriptor: Int32) -> String {
        lseek(descriptor, 0, SEEK_SET)
        return LabFile.contents(descriptor)
    }
}

/// O_TMPFILE (open(2)), which the Glibc module hides: `__O_TMPFILE | O_DIRECTORY`.
private let O_TMPFILE_FLAGS: Int32 = 0o20_000_000 | O_DIRECTORY

extension Command {
    /// The pid of this process.
    public static var ownPID: Int32 { getpid() }
}
