import NIOCore
import Synchronization

/// What may block, asked on a thread of its own: one that hangs, on a file server that is gone for one, holds up nobody
/// else's.
///
/// At most one thread at a time: while one still hangs, a new question fails at once.
final class Errand: Sendable {
    private let isUnderWay = Mutex(false)

    /// Does `work` on a thread, which completes the promise; unless the work before is not done yet.
    func begin(_ answer: EventLoopPromise<CheckAnswer>, _ work: @escaping @Sendable () -> CheckAnswer) {
        if let obstacle = begin(work, then: { answer.succeed($0) }) { answer.succeed(CheckAnswer(false, obstacle)) }
    }

    /// Does `work` on a thread, unless the work before is not done yet.
    ///
    /// - Parameter then: called on that thread with what came of it; the next work may begin from then on.
    /// - Returns: why it is not done, in words; nil: it is under way.
    func begin<Outcome: Sendable>(
        _ work: @escaping @Sendable () -> Outcome, then: @escaping @Sendable (Outcome) -> Void
    ) -> String? {
        let isFree = isUnderWay.withLock { isUnderWay in
            defer { isUnderWay = true }
            return !isUnderWay
        }
        guard isFree else { return "an earlier question still hangs in the kernel" }
        let obstacle = BackgroundThread.start {
            let outcome = work()
            self.isUnderWay.withLock { $0 = false }
            then(outcome)
        }
        if obstacle != nil { isUnderWay.withLock { $0 = false } }
        return obstacle
    }
}
