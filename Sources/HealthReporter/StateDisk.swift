import Synchronization

/// Where state files are written: one after the other, in the order in which they were asked for, on one thread.
///
/// fsync(2) may take as long as a disk likes, for ever where one is gone, and the event loop has others to answer. Nor is it
/// done on the threads for all that blocks: those count connections, and a disk that hangs would soon have taken both. The
/// thread is there only while there is something to write.
final class StateDisk: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// After which time a disk that has not answered is said to hang: far more than a busy one takes.
    static let patience = Duration.seconds(5)

    private struct Work: Sendable {
        var operation: String
        /// Does it, unless something stands in the way, and returns what tells of the outcome.
        var run: @Sendable (_ obstacle: String?) -> @Sendable () -> Void
    }

    private struct State {
        var waiting: [Work] = []
        /// Whether there is a thread.
        var isRunning = false
        /// What is under way, and since when.
        var current: (operation: String, since: Instant)?
    }

    private let state = Mutex(State())

    /// Replaces the content of `file`, as `StateFile.write` does. The caller's thread is free meanwhile. It does not end with
    /// the caller's task: nobody can take back what a disk has begun.
    func write(_ content: [UInt8], to file: StateFile) async throws(ReporterError) {
        try await perform("write \(file.path)") { () throws(ReporterError) in try file.write(content) }
    }

    /// Does `work` once all before it is done.
    ///
    /// - Parameter operation: what it is, for `ReporterError.operation`.
    func perform(
        _ operation: String, _ work: @escaping @Sendable () throws(ReporterError) -> Void
    ) async throws(ReporterError) {
        let result: Result<Void, ReporterError> = await withCheckedContinuation { continuation in
            enqueue(
                Work(operation: operation) { obstacle in
                    let result = Result { () throws(ReporterError) in
                        if let obstacle { throw ReporterError(.storage, operation: operation, cause: obstacle) }
                        try work()
                    }
                    return { continuation.resume(returning: result) }
                })
        }
        try result.get()
    }

    /// How many wait for what is under way.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// What has been under way for longer than `patience`; nil: the disk answers.
    func stalled(at now: Instant = .now) -> String? {
        state.withLock { state in
            guard let (operation, since) = state.current, now - since > Self.patience else { return nil }
            return operation
        }
    }

    private func enqueue(_ work: Work) {
        let isIdle = state.withLock { state in
            state.waiting.append(work)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard isIdle, let obstacle = BackgroundThread.start({ self.workOff() }) else { return }
        let failed = state.withLock { state in
            defer { state = State() }
            return state.waiting
        }
        for work in failed { work.run(obstacle)() }
    }

    /// The thread: until nothing is left.
    private func workOff() {
        while let work = next() {
            let tell = work.run(nil)
            // Before anybody hears of it: who does may look.
            state.withLock { $0.current = nil }
            tell()
        }
    }

    private func next() -> Work? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            let work = state.waiting.removeFirst()
            state.current = (work.operation, .now)
            return work
        }
    }
}
