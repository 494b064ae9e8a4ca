internal import ConfigurationFile
internal import Forwarding
internal import Logging
internal import NetworkAddress

extension Director {
    /// One line for each change an operator cares for.
    func log(_ event: EngineEvent, _ configuration: DirectorConfiguration) {
        switch event {
        case .resolution(let event, let interface):
            log(event, interface, configuration)
        case .lost(_, let reason):
            logger.warning("\(reason); waiting for it to come back")
        case .back(let interface, let mac):
            logger.notice("interface \(interface): back, MAC \(mac)")
        case .unusable(let interface, let worker, let reason):
            let meanwhile =
                worker == 0
                ? "nothing is forwarded from \(interface)"
                : "its clients' connections are lost; after \(FanoutRow.patience) the workers in front of it serve their new ones"
            logger.error("\(reason); trying again every second. Until then \(meanwhile)")
        case .usable(let interface, let worker):
            logger.notice("interface \(interface): worker \(worker + 1) takes frames from it again")
        case .filterFailed(let reason):
            logger.error("\(reason); trying again every second")
        case .filterRestored:
            logger.notice("the packet filter is in force again")
        case .resumed(let outcome):
            logger.notice("\(outcome.sentence)")
        case .notResumed(let reason):
            logger.warning("connections saved at the last stop are not resumed: \(reason)")
        }
    }

    private func log(
        _ event: ResolutionEvent, _ interface: String, _ configuration: DirectorConfiguration
    ) {
        switch event {
        case .claimed(let vip):
            logger.notice("\(ours(vip, configuration)) on \(interface): ours, nobody else has it")
        case .notClaimed(let vip, let holder, let retrySeconds):
            logger.error(
                "\(ours(vip, configuration)) on \(interface): not claimed, \(holder) has it; trying again in \(retrySeconds) s"
            )
        case .contested(let vip, let contender):
            logger.error(
                "\(ours(vip, configuration)) on \(interface): \(contender) says it has it too; is it a real server that does not hide it?"
            )
        case .resolved(let address, let mac):
            logger.notice("\(neighbor(address, configuration)) on \(interface): at \(mac)")
        case .moved(let address, let old, let new):
            logger.warning("\(neighbor(address, configuration)) on \(interface): now at \(new), before at \(old)")
        case .unreachable(let address):
            let question = address.v4 != nil ? "ARP" : "Neighbor Discovery"
            logger.warning(
                "\(neighbor(address, configuration)) on \(interface): does not answer \(question), gets nothing until it does"
            )
        }
    }

    /// What a neighbour is to us: whoever is no server is the way to some.
    private func neighbor(_ address: IPAddress, _ configuration: DirectorConfiguration) -> String {
        let isServer = configuration.services.contains { service in
            service.servers.contains { $0.address == address }
                || service.sorryServers.contains { $0.address == address }
        }
        return "\(isServer ? "server" : "router") \(address)"
    }

    /// An address that is answered for, and what it is to the world.
    private func ours(_ address: IPAddress, _ configuration: DirectorConfiguration) -> String {
        let isVIP = configuration.services.contains { $0.vips.contains(address) }
        return "\(isVIP ? "VIP" : "outbound address") \(address)"
    }
}

extension Resumption {
    /// For the log.
    fileprivate var sentence: String {
        let left = [
            (expired, "expired meanwhile"), (orphaned, "of servers no longer in service"),
            (homeless, "without room or a way back to their client"),
        ]
        let others = left.filter { $0.0 > 0 }.map { "; \($0) \($1)" }.joined()
        return
            "resumed \(flows) connections and the persistence of \(templates) clients, saved \(age / 1000) s ago\(others)"
    }
}
