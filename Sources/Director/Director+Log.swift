internal import Logging

extension Director {
    /// One line for each change an operator cares for.
    func log(_ event: EngineEvent) {
        switch event {
        case .arp(let event, let interface):
            log(event, interface)
        case .lost(_, let reason):
            logger.warning("\(reason); waiting for it to come back")
        case .back(let interface, let mac):
            logger.notice("interface \(interface): back, MAC \(mac)")
        case .filterFailed(let reason):
            logger.error("\(reason)")
        }
    }

    private func log(_ event: ARPEvent, _ interface: String) {
        switch event {
        case .claimed(let vip):
            logger.notice("VIP \(vip) on \(interface): ours, nobody else has it")
        case .notClaimed(let vip, let holder, let retrySeconds):
            logger.error("VIP \(vip) on \(interface): not claimed, \(holder) has it; trying again in \(retrySeconds) s")
        case .contested(let vip, let contender):
            logger.error(
                "VIP \(vip) on \(interface): \(contender) says it has it too; is it a real server that does not hide it?"
            )
        case .resolved(let server, let mac):
            logger.notice("server \(server) on \(interface): at \(mac)")
        case .moved(let server, let old, let new):
            logger.warning("server \(server) on \(interface): now at \(new), before at \(old)")
        case .unreachable(let server):
            logger.warning("server \(server) on \(interface): does not answer ARP, gets nothing until it does")
        }
    }
}
