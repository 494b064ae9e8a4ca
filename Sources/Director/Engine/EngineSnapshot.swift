internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// What the engine knows at one moment.
struct EngineSnapshot: Sendable {
    /// One interface.
    struct Interface: Sendable {
        var name: String
        /// Nil while it is lost.
        var mac: MACAddress?
        var counters: PacketCounters
        var vips: [VIP]
        /// Why it cannot be taken into use although it is there; nil: it can, or nobody knows.
        var fault: String?
    }

    /// One VIP on one interface.
    struct VIP: Sendable {
        var address: IPAddress
        var state: VIPOwnership.State
        var contender: MACAddress?
    }

    var interfaces: [Interface]
    var services: [ServiceStatistics]
    var outbound: [OutboundStatistics] = []
    /// The MACs that packets for the servers go to, as far as known: a server's own, or that of the router towards it.
    var stations: [IPAddress: MACAddress]
    var flows: Int
    var flowCapacity: Int
    /// Packets not forwarded, by why; only what occurred.
    var drops: [String: UInt64]
}
