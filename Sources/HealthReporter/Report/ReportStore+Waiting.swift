import NIOCore

extension ReportStore {
    /// How many may wait for a change at once.
    static let maximumWaiters = 1_024
    /// How long a caller waits at most that has the latest generation and may not have the latest report: see
    /// `GenerationCounter.isOwed`. It asks again, and must not do so in a tight loop.
    static let owedWait = Duration.milliseconds(100)

    /// Those who wait for a change.
    struct Waiters {
        fileprivate var all: [UInt64: CheckedContinuation<Void, Never>] = [:]
        fileprivate var latest: UInt64 = 0
        fileprivate var isClosed = false

        fileprivate mutating func resume(_ number: UInt64) { all.removeValue(forKey: number)?.resume() }

        /// Something has changed.
        mutating func resumeAll() {
            let resumed = all.values
            all = [:]
            for waiter in resumed { waiter.resume() }
        }
    }

    /// Returns as soon as the generation is not `since` any more, after `limit`, or when the task is cancelled.
    func wait(since: UInt64, upTo limit: Duration) async throws(ReporterError) {
        guard since == generation, !waiters.isClosed, limit > .zero else { return }
        guard waiters.all.count < Self.maximumWaiters else {
            throw ReporterError(
                .tooManyWaiters, operation: "wait for a change",
                cause: "\(Self.maximumWaiters) requests wait already", cure: "ask again later, or without `wait`")
        }
        waiters.latest += 1
        let number = waiters.latest
        let executor = EventLoopExecutor.shared
        let timer = executor.loop.scheduleTask(in: TimeAmount(counter.isOwed ? min(limit, Self.owedWait) : limit)) {
            _ = Task(executorPreference: executor) { await self.resume(number) }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume()
                } else {
                    waiters.all[number] = continuation
                }
            }
        } onCancel: {
            _ = Task(executorPreference: executor) { await self.resume(number) }
        }
        timer.cancel()
    }

    /// How many wait for a change.
    var waiterCount: Int { waiters.all.count }

    private func resume(_ number: UInt64) { waiters.resume(number) }

    /// From now on nobody waits: the servers are about to stop.
    func close() {
        waiters.isClosed = true
        waiters.resumeAll()
    }
}
