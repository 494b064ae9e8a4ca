import ConfigurationFile
import NIOPosix

/// Looks at the load again and again, and tells the store: what weights follow, and what time a slow start has had.
struct LoadWatch: Sendable {
    /// From the end of one look to the next.
    static let interval = Duration.seconds(1)

    let store: ReportStore

    /// What directors may ask for (ORCA).
    private static let askable: Set<LoadMeasure> = [.cpu, .memory]

    /// Looks until the task is cancelled. Where no service has load rules or a slow start, and nobody asks, there is nothing to
    /// look for.
    func run() async {
        let services = await store.checked.map(\.configuration)
        let commands = services.enumerated().compactMap { index, service in
            service.load?.command.map { (index, $0.arguments) }
        }
        await withDiscardingTaskGroup { tasks in
            for (index, arguments) in commands {
                let figure = CommandFigure(arguments, on: MultiThreadedEventLoopGroup.singleton)
                tasks.addTask { await figure.run { await store.record(commandFigure: $0, service: index) } }
            }
            await watchHost(for: services) {
                // Not waited for: the disk may hang.
                tasks.addTask { await store.keepWarmServices() }
            }
        }
    }

    private func watchHost(for services: [AgentConfiguration.Service], keepWarmServices: () -> Void) async {
        let ruled = Set(services.flatMap { $0.load?.rules.map(\.measure) ?? [] })
        let isFollowed = services.contains { $0.load != nil || $0.slowStart > .zero }
        var host = HostLoad(ruled)
        var wasAsked = false
        while !Task.isCancelled {
            let isAsked = await store.isLoadAsked()
            if isAsked != wasAsked { host = host.wanting(isAsked ? ruled.union(Self.askable) : ruled) }
            if isFollowed || isAsked || wasAsked {
                let (next, readings) = await Self.sample(host)
                host = next
                await store.record(load: readings)
                keepWarmServices()
            }
            wasAsked = isAsked
            try? await MultiThreadedEventLoopGroup.singleton.any().sleep(for: Self.interval)
        }
    }

    /// On a thread that may block, where there is anything to read.
    private static func sample(_ host: HostLoad) async -> (HostLoad, [LoadMeasure: LoadReading]) {
        guard !host.wanted.isEmpty else { return (host, [:]) }
        let sampled = try? await NIOThreadPool.singleton.runIfActive {
            var host = host
            let readings = host.sample()
            return (host, readings)
        }
        return sampled ?? (host, [:])
    }
}
