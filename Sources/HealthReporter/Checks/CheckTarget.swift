import ConfigurationFile
import NetworkAddress

/// One check asked at one address: what a task of its own keeps asking.
struct CheckTarget: Sendable, Equatable {
    /// The service it belongs to.
    var service: String
    /// Unique within the service: `http /healthz`, with the address where there is more than one.
    var name: String
    var check: AgentConfiguration.Check
    /// Where it is asked.
    var endpoint: SocketAddress

    /// Every check of a service at every address it is asked at, in the order of the configuration.
    ///
    /// - Parameter endpoints: where the packets of `service` end on this host.
    /// - Throws: `ReporterError` where there is no port to ask on.
    static func all(
        of service: AgentConfiguration.Service, at endpoints: LocalEndpoints
    ) throws(ReporterError) -> [CheckTarget] {
        var targets: [CheckTarget] = []
        for check in service.checks {
            guard let port = check.port ?? endpoints.ports.first else {
                throw ReporterError(
                    .configuration, operation: "check service \(service.name)",
                    cause: "it has all ports, and its check does not say which one to ask on",
                    cure: "give the check a `port`")
            }
            let addresses = check.address.map { [$0] } ?? endpoints.checkedAddresses
            for address in addresses {
                let endpoint = SocketAddress(address: address, port: port)
                var name =
                    switch check.kind {
                    case .http(let http): "http \(http.path)"
                    default: "tcp"
                    }
                if check.port != nil, check.port != endpoints.ports.first { name += " port \(port)" }
                if check.address != nil || addresses.count > 1 { name += " on \(address)" }
                targets.append(CheckTarget(service: service.name, name: name, check: check, endpoint: endpoint))
            }
        }
        // Two checks may differ only in what the name leaves out, such as the Host header.
        var used: [String: Int] = [:]
        for index in targets.indices {
            used[targets[index].name, default: 0] += 1
            let count = used[targets[index].name]!
            if count > 1 { targets[index].name += " (\(count))" }
        }
        return targets
    }
}
