import Logging

/// What goes to the disk, which may be slow, full, or hang. Reports and checks go on meanwhile.
extension ReportStore {
    /// Makes what `change` makes of it the state asked for by hand: on the disk first, so that what is answered survives.
    ///
    /// One change is made after the other, in the order in which they were asked for. Until it is on the disk nothing has
    /// changed for anybody; the generation that tells of it is kept for it meanwhile, so that nobody can have seen that number
    /// without it.
    ///
    /// - Parameter change: the next state, and the generation that tells of it; the state as it is changes nothing.
    /// - Throws: what `change` throws, or `ReporterError` where it cannot be written. Nothing has changed then.
    func changeAdmin(
        at now: Timestamp, instant: DrainBook.Instant,
        _ change: (_ generation: UInt64) throws(ReporterError) -> AdminState
    ) async throws(ReporterError) {
        // Who finds the disk hanging is told so; who waits for it already goes on to.
        if let operation = disk.stalled(at: instant) {
            throw ReporterError(
                .storage, operation: operation, cause: "the disk does not answer",
                cure: "see what is the matter with it (dmesg); this change was not made, and reports go on")
        }
        if !changes.take() { await withCheckedContinuation { changes.wait($0) } }
        defer { changes.pass() }
        while counter.isExhausted { try await reserveMore() }
        let next = try change(counter.next)
        guard next != admin else { return }
        _ = counter.hold()
        do throws(ReporterError) {
            try await disk.write(next.content, to: adminFile)
        } catch {
            counter.release()
            settleGeneration()
            throw error
        }
        counter.release()
        admin = next
        followDrains(at: now, instant: instant)
        refresh(always: true)
    }

    /// Sees to it that there are generations to give. To be called whenever one was given, and now and then.
    func reserveAhead() {
        guard counter.due != nil, !isReserving else { return }
        isReserving = true
        _ = Task(executorPreference: EventLoopExecutor.shared) { await self.reserveNow() }
    }

    private func reserveNow() async {
        defer { isReserving = false }
        do throws(ReporterError) {
            try await reserveMore()
            failures.succeeded("generation")
        } catch {
            failures.failed(
                "generation", "\(error); until that is mended, reports may be told under an old generation",
                level: .error)
        }
    }

    private func reserveMore() async throws(ReporterError) {
        guard let bound = counter.due else { return }
        try await disk.write(GenerationCounter.content(reserving: bound), to: counter.file)
        counter.reserve(bound)
        settleGeneration()
    }

    /// Gives the generation that is owed, where that is possible again.
    private func settleGeneration() {
        guard counter.settle() else { return }
        waiters.resumeAll()
    }

    /// Looks whether the disk hangs and who is refused, and tells where that has changed. To be called once a second.
    func reviewConditions(at now: ContinuousClock.Instant = .now) {
        reserveAhead()
        let stalled = disk.stalled(at: now).map { ["cannot \($0): the disk does not answer"] } ?? []
        let next = stalled + refusals.words(at: now)
        guard next != conditions else { return }
        for condition in stalled where !conditions.contains(condition) {
            logger.error("\(condition); reports go on, and what is asked for by hand waits")
        }
        conditions = next
        refresh(always: true)
    }
}
