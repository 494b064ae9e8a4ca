import CLinux
import Glibc

/// A program that runs for one question, in a process group of its own that ends with it.
struct Program: Sendable {
    /// How much it may print before it is killed.
    static let longestOutput = 1 << 20
    /// How much of that is kept, to find its first line in.
    private static let keptOutput = 4_096

    /// Its absolute path, and what it is told.
    var arguments: [String]
    /// What it finds in its environment beside `PATH` and `LC_ALL`: nothing of ours is inherited.
    var environment: [String: String] = [:]

    /// How it ended.
    enum Ending: Sendable, Equatable {
        /// By itself, with this status.
        case exited(CInt)
        /// By a signal that was not ours.
        case killed(signal: CInt)
        /// It was killed, because it printed more than `longestOutput`.
        case printedTooMuch
        /// It was killed, because the time was up.
        case late
        /// It was killed, because nobody waits for it any more.
        case stopped
        /// It never ran (errno).
        case notStarted(CInt)
        /// It ended, and somebody else took its exit status.
        case unknown
    }

    /// Runs it on the calling thread, which blocks until it has ended or was killed.
    ///
    /// Whatever it leaves behind in its process group is killed too, and nothing is waited for but the program itself: a
    /// child that holds its output open does not hold up the answer.
    ///
    /// - Parameter stop: an eventfd that is readable as soon as the program is to be killed.
    /// - Returns: how it ended, and the beginning of what it printed.
    func run(until deadline: ContinuousClock.Instant, stop: CInt) -> (ending: Ending, output: [UInt8]) {
        var program = clinux_program()
        let error = withCStrings(arguments) { arguments in
            withCStrings(environmentStrings) { clinux_spawn(arguments, $0, &program) }
        }
        guard error == 0 else { return (.notStarted(error), []) }
        defer {
            close(program.ending)
            close(program.output)
        }
        var output = Output(descriptor: program.output)
        let cut = Self.watch(program, &output, until: deadline, stop: stop)
        // 1. Nobody in the group outlives the question. The group's number is not given away before 2.
        kill(-program.process, SIGKILL)
        // 2. The program, and as process 1 of a container also whom it left behind.
        let status = Self.reap(group: program.process)
        if let cut { return (cut, output.kept) }
        guard let status else { return (.unknown, output.kept) }
        // wait(2): the low seven bits are the signal, 0 where there was none; the next byte is the exit status.
        let signal = status & 0x7F
        return (signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal), output.kept)
    }

    /// Waits until it has ended; returns why it must be killed where it has not.
    private static func watch(
        _ program: clinux_program, _ output: inout Output, until deadline: ContinuousClock.Instant, stop: CInt
    ) -> Ending? {
        while true {
            var watched = [program.ending, stop, output.isOpen ? program.output : -1].map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            let left = deadline - .now
            if left <= .zero { return .late }
            // Rounded up: a wait that ends too early would spin.
            poll(&watched, nfds_t(watched.count), CInt(clamping: Int(left.roundedMilliseconds.rounded(.up))))
            if watched[1].revents != 0 { return .stopped }
            if watched[0].revents != 0 {
                // It has ended; what it printed is there to read.
                while output.read() {}
                return output.count > longestOutput ? .printedTooMuch : nil
            }
            if watched[2].revents != 0 {
                _ = output.read()
                if output.count > longestOutput { return .printedTooMuch }
            }
        }
    }

    /// Waits for every child of ours in the group, and returns the status of the one that led it. Process numbers are given
    /// away in turn (pid_namespaces(7)), so the group's is nobody else's yet when the last round asks for it.
    private static func reap(group: pid_t) -> CInt? {
        var leader: CInt?
        while true {
            var status: CInt = 0
            let process = waitpid(-group, &status, 0)
            if process == group { leader = status }
            if process < 0, errno != EINTR { return leader }
        }
    }

    private var environmentStrings: [String] {
        ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
            + environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// What it prints: its beginning is kept, the rest is counted.
    private struct Output {
        let descriptor: CInt
        private(set) var isOpen = true
        private(set) var count = 0
        private(set) var kept: [UInt8] = []

        init(descriptor: CInt) { self.descriptor = descriptor }

        /// Reads what is there, once; returns whether there may be more that is wanted.
        mutating func read() -> Bool {
            guard isOpen, count <= Program.longestOutput else { return false }
            return withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
                let size = Glibc.read(descriptor, buffer.baseAddress!, buffer.count)
                guard size > 0 else {
                    if size == 0 || (errno != EAGAIN && errno != EINTR) { isOpen = false }
                    return size < 0 && errno == EINTR
                }
                count += size
                kept += buffer.prefix(min(size, Program.keptOutput - kept.count))
                return true
            }
        }
    }
}

/// Calls `body` with an array of C strings that ends in a null pointer, as execve(2) wants it.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(&pointers)
}
