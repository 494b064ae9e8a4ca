import ConfigurationFile
import HealthReporter
import Netlink
import NetworkAddress
import RealServerSetup

extension AgentConfiguration {
    /// What a drain needs of this host: its sockets, and the wire.
    var drainTools: DrainTools {
        let tap = ArrivalTap(
            directors: directors,
            guePorts: services.compactMap(\.tunnel).filter { $0.type == .gue }.map(\.port))
        return DrainTools(
            list: { endpoints, limit in
                try SocketDiagnostics.clientConnections(
                    to: endpoints.localEnds, limit: limit
                )?.map {
                    ClientConnection(
                        client: $0.remote, clientPort: $0.remotePort, address: $0.local, port: $0.localPort)
                }
            },
            cut: { endpoints in
                try SocketDiagnostics.destroyClientConnections(
                    to: endpoints.localEnds)
            },
            arrivals: { addresses in
                guard Capability.hasRawPackets else { throw NoRawPackets() }
                return try tap.sightings(lookingFor: addresses).map(Arrival.init)
            })
    }
}

extension Arrival {
    /// As the tap saw it.
    fileprivate init(_ sighting: ArrivalTap.Sighting) {
        let sender: Sender =
            switch sighting.origin {
            case .director(let address): .director(address)
            case .stranger(let words): .stranger(words)
            }
        self.init(
            ClientConnection(
                client: sighting.source, clientPort: sighting.sourcePort, address: sighting.destination,
                port: sighting.port),
            from: sender)
    }
}

/// Nobody sees on the wire who sends.
private struct NoRawPackets: Error, CustomStringConvertible {
    var description: String { "the agent lacks CAP_NET_RAW" }
}

extension LocalEndpoints {
    /// The same as `Netlink` has it.
    var localEnds: LocalEnds {
        LocalEnds(addresses: Set(addresses), ports: Set(ports), checkers: checkers)
    }
}
