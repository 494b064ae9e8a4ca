internal import ConfigurationFile
internal import Forwarding
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO

/// Whose packets the engine takes, and whom it sends them to: what follows from the services for everything around the
/// packet path.
struct EngineTargets: Hashable, Sendable {
    /// Every VIP, once.
    var vips: [IPAddress]
    /// Every server and sorry server, once.
    var servers: [IPAddress]
    /// What servers behind address translation answer from.
    var answers: [IngressDrop.Answer]

    init(_ plans: [ServicePlan]) {
        vips = unique(plans.flatMap(\.vips))
        servers = unique(plans.flatMap { $0.servers.map(\.address) })
        answers = unique(
            plans.flatMap { plan in
                plan.servers.filter { $0.method == .nat }.map { server in
                    IngressDrop.Answer(
                        address: server.address, transport: plan.transport.rawValue,
                        port: server.port == 0 ? plan.port : server.port)
                }
            })
    }

    /// Those of configured services.
    init(_ services: [DirectorConfiguration.Service]) {
        self.init(Membership(services, now: .now).plans)
    }

    init(of settings: EngineSettings) {
        (vips, servers, answers) = (settings.vips, settings.servers, settings.answers)
    }
}

extension EngineLoop {
    /// Takes up the VIPs and servers of the plans, where they are others than before. Those that stay are left alone: a VIP
    /// that is owned stays so, a MAC that is known stays known.
    func takeTargets() {
        let targets = EngineTargets(plans)
        guard targets != EngineTargets(of: settings) else { return }
        (settings.vips, settings.servers, settings.answers) = (targets.vips, targets.servers, targets.answers)
        putTargetsInForce()
    }

    /// Takes up other rules of source NAT; what stays of them is left alone.
    func take(_ outbound: [Outbound.Rule]) {
        guard outbound != settings.outbound else { return }
        settings.outbound = outbound
        putTargetsInForce()
    }

    private func putTargetsInForce() {
        let open = ports.filter { $0.socket != nil }
        // The filter first: from the first frame taken on, the host's own stack must not see it.
        refreshFilter()
        for port in open {
            do throws(PacketIOError) {
                if worker == 0, seats != nil { try port.steer(by: settings.steering) }
                try port.take(vips: settings.owned, owns: settings.ownsVIPs, now: now())
            } catch {
                // As if it had gone: it is opened again, with all that belongs to it.
                lose(port, error)
            }
        }
        // What went wrong here is tried again by `findMissingWays`.
        try? findWays(on: open, now: now())
    }
}

/// In order, each once.
func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
}
