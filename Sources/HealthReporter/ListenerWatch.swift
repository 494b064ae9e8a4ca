import ConfigurationFile

/// Notices that nobody listens any more where a check is asked, without waiting for the next question.
///
/// Between two questions a service can die, and every connection that is sent to it until then is refused. Whether there is
/// a listener is one look-up in the kernel, whatever the load, so it is looked up many times between two questions.
struct ListenerWatch: Sendable {
    /// How often it is looked up: what a death costs at most before the questions begin.
    static let interval = Duration.milliseconds(20)

    /// Whether a connection to this address of the host would find a listener.
    let isListening: @Sendable (SocketAddress) throws -> Bool

    /// Looks until the task is cancelled. When a listener goes, the check is asked at once, one question after the other,
    /// until it has passed or has failed as often as it takes to fail: `fall` counts as ever.
    func run(_ target: CheckTarget, _ checker: some Checker, record: @Sendable (CheckOutcome) async -> Void) async {
        var wasListening = false
        while !Task.isCancelled {
            // A look-up that fails says nothing; the check's own interval still rules.
            let isListening = (try? isListening(target.endpoint)) ?? wasListening
            if wasListening, !isListening { await ask(checker, atMost: target.check.fall, record: record) }
            wasListening = isListening
            try? await Task.sleep(for: Self.interval)
        }
        await checker.stop()
    }

    private func ask(
        _ checker: some Checker, atMost count: Int, record: @Sendable (CheckOutcome) async -> Void
    ) async {
        for _ in 0..<count {
            let outcome = await checker.ask()
            if Task.isCancelled { return }
            await record(outcome)
            if outcome.ok { return }
        }
    }
}
