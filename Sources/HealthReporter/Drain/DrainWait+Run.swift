extension DrainWait {
    /// Waits for the end of a drain, asking the agent again and again.
    ///
    /// - Parameters:
    ///   - client: Whom to ask.
    ///   - progress: Called with each step that differs from the one before.
    /// - Throws: `ReporterError` where the control socket may not be used; an agent that does not answer is waited for.
    public func run(
        with client: ControlClient, progress: @Sendable (Progress) -> Void
    ) async throws -> Outcome {
        try await run(clock: ContinuousClock(), progress: progress) { services throws(ReporterError) in
            do throws(ReporterError) {
                let administered = try await client.directors().administered
                var connections: [String: Int] = [:]
                for name in services { connections[name] = try await client.service(name).connections }
                return Sample(administered: administered, connections: connections)
            } catch  where error.kind != .permission {
                return nil
            }
        }
    }

    /// The same with another clock and another source of samples.
    func run<C: Clock>(
        clock: C, progress: @Sendable (Progress) -> Void,
        sample: @Sendable ([String]) async throws(ReporterError) -> Sample?
    ) async throws -> Outcome where C.Duration == Duration {
        var wait = self
        var latest: Progress?
        if hasNobodyToTell { progress(.nobodyToTell) }
        let start = clock.now
        while true {
            let sample = try await sample(services)
            let step = wait.evaluate(sample, at: start.duration(to: clock.now))
            if step != latest { progress(step) }
            if case .done(let outcome) = step { return outcome }
            latest = step
            try await clock.sleep(for: Self.sampleInterval)
        }
    }
}
