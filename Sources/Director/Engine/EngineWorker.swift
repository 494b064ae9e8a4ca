internal import Glibc

/// One of the engine's threads, and the mailbox that it is reached through.
final class EngineWorker: Sendable {
    let mailbox: EngineMailbox
    private let thread: pthread_t

    /// Runs a loop on a thread of its own; where there can be none, its packet filter is removed.
    init(_ loop: EngineLoop) throws(DirectorError) {
        mailbox = loop.mailbox
        let loop = Unmanaged.passRetained(loop)
        var thread = pthread_t()
        // A top-level function: a closure literal here dies with SIGILL.
        let status = pthread_create(&thread, nil, workerMain, loop.toOpaque())
        guard status == 0 else {
            let loop = loop.takeRetainedValue()
            loop.closeInterfaces()
            try? loop.removeFilter()
            throw DirectorError(operation: "start the engine's thread", cause: DirectorError.words(status))
        }
        self.thread = thread
    }

    /// Leaves a wish and waits until it is fulfilled.
    func fulfil(_ command: (@escaping @Sendable () -> Void) -> EngineMailbox.Command) async {
        await withCheckedContinuation { continuation in
            mailbox.leave(command { continuation.resume() })
        }
    }

    /// Leaves a question and waits for the answer.
    func ask<Answer: Sendable>(
        _ command: (@escaping @Sendable (Answer) -> Void) -> EngineMailbox.Command
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            mailbox.leave(command { continuation.resume(returning: $0) })
        }
    }

    /// Has the loop end, which takes no longer than a batch of packets.
    func stop() { mailbox.leave(.stop) }

    /// Waits for the thread of a loop that was stopped. To be called once.
    func join() -> EngineLoop? {
        var outcome: UnsafeMutableRawPointer?
        pthread_join(thread, &outcome)
        return outcome.map { Unmanaged<EngineLoop>.fromOpaque($0).takeRetainedValue() }
    }
}

private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<EngineLoop>.fromOpaque(argument).takeUnretainedValue().run()
    return argument
}
