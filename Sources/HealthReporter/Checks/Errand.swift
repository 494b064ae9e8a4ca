import Glibc
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
        let isFree = isUnderWay.withLock { isUnderWay in
            defer { isUnderWay = true }
            return !isUnderWay
        }
        guard isFree else {
            answer.succeed(CheckAnswer(false, "an earlier question still hangs in the kernel"))
            return
        }
        let body = Body {
            let result = work()
            self.isUnderWay.withLock { $0 = false }
            answer.succeed(result)
        }
        let retained = Unmanaged.passRetained(body)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runErrand, retained.toOpaque())
        if code == 0 {
            pthread_detach(thread)
        } else {
            retained.release()
            isUnderWay.withLock { $0 = false }
            answer.succeed(CheckAnswer(false, "cannot start a thread: \(String(cString: strerror(code)).lowercased())"))
        }
    }

    fileprivate final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

/// A top-level function: a closure literal handed to pthread_create dies with SIGILL in an async context.
private func runErrand(_ body: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let body { Unmanaged<Errand.Body>.fromOpaque(body).takeRetainedValue().run() }
    return nil
}
