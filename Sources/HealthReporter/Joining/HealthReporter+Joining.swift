import ConfigurationFile

extension HealthReporter {
    /// How often it is looked whether the setup has been verified.
    private static let glance = Duration.milliseconds(100)

    /// Joins the directors, once they can poll and the host is set up, until cancelled.
    ///
    /// - Returns: those that took this server, which are to be left.
    func joinDirectors() async -> [Joiner] {
        guard !joins.isEmpty, let places = try? await listening.wait() else { return [] }
        // A director that takes a server sends to it: not before the VIPs are there.
        while await store.setup == nil, !Task.isCancelled {
            try? await EventLoopExecutor.shared.loop.sleep(for: Self.glance)
        }
        let joiners = joins.compactMap { join in
            join.reportPlace(among: listen).map {
                Joiner(join, agentPort: places[$0].port, realPorts: realPorts, logger: logger)
            }
        }
        return await withTaskGroup(of: Joiner?.self) { [store] tasks in
            for joiner in joiners {
                tasks.addTask { await joiner.run { await store.recordJoin($0) } ? joiner : nil }
            }
            return await tasks.reduce(into: []) { joined, joiner in
                if let joiner { joined.append(joiner) }
            }
        }
    }

    /// Leaves these directors, all at once.
    func leave(_ joiners: [Joiner]) async {
        await withTaskGroup(of: Void.self) { tasks in
            for joiner in joiners { tasks.addTask { await joiner.leave() } }
        }
    }
}
