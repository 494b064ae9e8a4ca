import NIOPosix
import NetworkAddress

/// Looks after the drains while there are any: whose packets may still be on their way, who still sends.
struct DrainWatch: Sendable {
    /// How often it looks while there is a drain. More often than `DrainWait.hold`, so that what comes within that is seen.
    static let interval = Duration.milliseconds(250)
    /// How often it looks whether there is one.
    static let idleInterval = Duration.seconds(1)

    let store: ReportStore
    let connections: ConnectionCounter

    /// Looks until the task is cancelled.
    func run() async {
        var hadDrains = false
        while !Task.isCancelled {
            let hasDrains = await store.hasDrains
            // Once more after the last has ended: then nobody watches the wire any more.
            if hasDrains || hadDrains { await look() }
            hadDrains = hasDrains
            try? await EventLoopExecutor.shared.loop.sleep(for: hasDrains ? Self.interval : Self.idleInterval)
        }
        _ = try? connections.tools?.arrivals([])
    }

    /// One look at all drains.
    func look() async {
        let names = await store.reviewDrains()
        let services = connections.services.filter { names.contains($0.name) && $0.obstacle == nil }
        guard let tools = connections.tools else { return }
        let looks = try? await NIOThreadPool.singleton.runIfActive { Self.look(at: services, with: tools) }
        guard let looks, !looks.isEmpty else { return }
        await store.record(looks: looks)
    }

    /// The wire first: what comes after that is for the next look, which knows it from the list.
    private static func look(
        at services: [ConnectionCounter.Counted], with tools: DrainTools
    ) -> [String: LateArrivals.Look] {
        let arrivals = Result { try tools.arrivals(Set(services.flatMap(\.endpoints.addresses))) }
        var looks: [String: LateArrivals.Look] = [:]
        for service in services {
            let (addresses, ports) = (Set(service.endpoints.addresses), Set(service.endpoints.ports))
            var look = LateArrivals.Look()
            switch arrivals {
            case .success(let all):
                look.arrivals = all.filter {
                    addresses.contains($0.connection.address) && (ports.isEmpty || ports.contains($0.connection.port))
                        && service.endpoints.isClient($0.connection.client)
                }
            case .failure(let error): look.obstacle = "\(error)"
            }
            look.open = try? tools.list(service.endpoints, LateArrivals.maximumKnown)
            looks[service.name] = look
        }
        return looks
    }
}
