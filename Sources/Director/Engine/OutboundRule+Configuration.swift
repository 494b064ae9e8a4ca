internal import ConfigurationFile
internal import Forwarding

extension Outbound.Rule {
    /// As the file says.
    init(_ outbound: DirectorConfiguration.Outbound) {
        self.init(sources: outbound.sources, address: outbound.address, ports: outbound.ports)
    }
}
