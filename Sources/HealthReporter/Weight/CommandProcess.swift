import Glibc
import NIOPosix
import Synchronization

/// A program that is run for its output, on the calling thread, with an end to everything: time, output, and its children.
enum CommandProcess {
    /// How often it is looked whether it has ended, in milliseconds.
    private static let look: CInt = 10

    /// Runs `arguments` on a thread of these. Where the task is cancelled, the program is killed.
    static func run(
        _ arguments: [String], timeout: Duration, longestOutput: Int, on threads: NIOThreadPool
    ) async -> (ending: CommandFigure.Ending, output: [UInt8]) {
        let stop = Stop()
        return await withTaskCancellationHandler {
            let ended = try? await threads.runIfActive {
                Self.run(arguments, timeout: timeout, longestOutput: longestOutput, stop: stop)
            }
            return ended ?? (.notStarted(ECANCELED), [])
        } onCancel: {
            stop.isAsked.store(true, ordering: .relaxed)
        }
    }

    /// Whether nobody waits for the program any more.
    final class Stop: Sendable {
        let isAsked = Atomic(false)
    }

    /// Runs `arguments`, the first of which is the program's absolute path, in a process group of its own. Whatever is left
    /// of the group at the end is killed.
    static func run(
        _ arguments: [String], timeout: Duration, longestOutput: Int, stop: Stop = Stop()
    ) -> (ending: CommandFigure.Ending, output: [UInt8]) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return (.notStarted(errno), []) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // Our end only: what a program prints on is not expected to refuse.
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        defer { close(ends[0]) }
        var process: pid_t = 0
        let error = spawn(arguments, output: ends[1], &process)
        close(ends[1])
        guard error == 0 else { return (.notStarted(error), []) }

        var printed: [UInt8] = []
        let cut = watch(process, ends[0], &printed, until: .now + timeout, longestOutput: longestOutput, stop)
        // Before it is reaped: until then nobody else can have its number.
        kill(-process, SIGKILL)
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // wait(2): the low seven bits are the signal, 0 where there was none; the next byte is the exit status.
        let signal = status & 0x7F
        return (cut ?? (signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)), printed)
    }

    /// Waits until it has ended; returns why it must be killed where it has not. Never on the output alone: a child that was
    /// left behind may hold it open.
    private static func watch(
        _ process: pid_t, _ output: CInt, _ printed: inout [UInt8], until deadline: ContinuousClock.Instant,
        longestOutput: Int, _ stop: Stop
    ) -> CommandFigure.Ending? {
        while true {
            // In this order: what it printed before it ended is there to be read once it has.
            let hasEnded = hasEnded(process)
            read(output, into: &printed, upTo: longestOutput + 1)
            if printed.count > longestOutput { return .printedTooMuch }
            if hasEnded { return nil }
            if ContinuousClock.now >= deadline || stop.isAsked.load(ordering: .relaxed) { return .late }
            poll(nil, 0, look)
        }
    }

    private static func read(_ descriptor: CInt, into printed: inout [UInt8], upTo limit: Int) {
        var buffer = [UInt8](repeating: 0, count: 512)
        while printed.count < limit {
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, limit - printed.count))
            guard count > 0 else { return }
            printed += buffer[..<count]
        }
    }

    /// Whether it has ended; it stays to be reaped.
    private static func hasEnded(_ process: pid_t) -> Bool {
        var information = siginfo_t()
        waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
        return information.si_signo != 0
    }

    /// Equivalent to: `env -i PATH=… PROGRAM </dev/null >PIPE 2>/dev/null` in a process group of its own. Needs no capability.
    private static func spawn(_ arguments: [String], output: CInt, _ process: inout pid_t) -> CInt {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)

        // This process ignores some signals, and a child would go on ignoring them.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        var argumentPointers = pointers(to: arguments)
        var environment = pointers(to: [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
        ])
        defer { for pointer in argumentPointers + environment { free(pointer) } }
        return posix_spawn(&process, arguments[0], &actions, &attributes, &argumentPointers, &environment)
    }

    /// C strings, and a null pointer at the end, as execve(2) wants them.
    private static func pointers(to strings: [String]) -> [UnsafeMutablePointer<CChar>?] {
        strings.map { strdup($0) } + [nil]
    }
}
