import NIOCore
import NIOPosix

/// Runs tasks on the thread of an event loop.
///
/// All that the reporter does is short and begins or ends with an event of that loop: a timer, a request, an answer. On threads
/// of their own, tasks would be woken and would wake the loop again several times for each: most of what an answer costs, and
/// nearly all that idling does. What may block has a thread pool.
///
/// A `Task { }` does not inherit it: one that is started by hand names it.
final class EventLoopExecutor: TaskExecutor {
    /// The reporter's.
    static let shared = EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.any())

    let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension EventLoop {
    /// Waits, as `Task.sleep` does, without waking another thread; from half a second on until the nearest `Beat`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(for duration: Duration) async throws {
        try await sleep(until: Beat.own.end(of: duration, from: .now()))
    }

    /// Waits until a moment, as `Task.sleep` does, without waking another thread.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until deadline: NIODeadline) async throws {
        let promise = makePromise(of: Void.self)
        let timer = scheduleTask(deadline: deadline) { promise.succeed() }
        try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            timer.cancel()
            promise.fail(CancellationError())
        }
    }
}
