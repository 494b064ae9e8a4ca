import ConfigurationFile

extension DrainWait {
    /// How it ended, and how many connections were ended by force.
    public struct Result: Sendable, Equatable {
        /// How it ended.
        public var outcome: Outcome
        /// How many connections were ended by force.
        public var cut = 0
    }

    /// Waits for the end of a drain, asking the agent again and again.
    ///
    /// - Parameters:
    ///   - client: Whom to ask.
    ///   - progress: Called with each step, the time since the drain was asked for, and who is found to send new connections,
    ///     in words; also where nothing but the time has changed.
    /// - Throws: `ReporterError` where the control socket may not be used, or connections cannot be ended by force; an agent
    ///   that does not answer is waited for.
    public func run(
        with client: ControlClient, progress: @Sendable (Progress, Duration, _ alarms: [String]) -> Void
    ) async throws -> Result {
        try await run(clock: ContinuousClock(), progress: progress) { services throws(ReporterError) in
            do throws(ReporterError) {
                let administered = try await client.directors().administered
                var sample = Sample(administered: administered, connections: [:])
                for name in services {
                    let service = try await client.service(name)
                    sample.connections[name] = service.connections
                    if service.transport == .udp { sample.withoutConnections.insert(name) }
                }
                return sample
            } catch  where error.kind != .permission {
                return nil
            }
        } cut: { services throws(ReporterError) in
            do throws(ReporterError) {
                return try await client.cut(services)
            } catch  where [.notRunning, .unreachable, .conflict].contains(error.kind) {
                return 0
            }
        }
    }

    /// The same with another clock and another source of samples.
    func run<C: Clock>(
        clock: C, progress: @Sendable (Progress, Duration, _ alarms: [String]) -> Void,
        sample: @Sendable ([String]) async throws(ReporterError) -> Sample?,
        cut: @Sendable ([String]) async throws(ReporterError) -> Int
    ) async throws -> Result where C.Duration == Duration {
        var wait = self
        var result = Result(outcome: .timeout)
        if hasNobodyToTell { progress(.nobodyToTell, .zero, []) }
        let start = clock.now
        var hasTold = false
        while true {
            let sample = try await sample(services)
            if let sample, !hasTold {
                hasTold = true
                let unseen = sample.withoutConnections.sorted()
                if !unseen.isEmpty { progress(.nothingToCount(unseen), .zero, []) }
            }
            let elapsed = start.duration(to: clock.now)
            let step = wait.evaluate(sample, at: elapsed)
            let alarms = sample?.administered.filter { services.contains($0.name) }.flatMap(\.alarms) ?? []
            progress(step, elapsed, alarms)
            if case .done(let outcome) = step {
                result.outcome = outcome
                return result
            }
            if case .cutting = step { result.cut += try await cut(services) }
            try await clock.sleep(for: Self.sampleInterval)
        }
    }
}
