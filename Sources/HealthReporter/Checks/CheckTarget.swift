import ConfigurationFile
import NetworkAddress

/// One check asked at one place: what a task of its own keeps asking.
struct CheckTarget: Sendable, Equatable {
    /// The service it belongs to.
    var service: String
    /// Unique within the service: `http /healthz`, with the address where there is more than one.
    var name: String
    var check: AgentConfiguration.Check
    /// Where it is asked. Port 0: all ports, which only a program can be told. Of no meaning to what asks this host and not
    /// the service.
    var endpoint: SocketAddress

    /// The listener on this host without which the check cannot but fail; nil: there is none. What is asked where the
    /// check says, and not where the service's packets end, may not be on this host.
    var listener: SocketAddress? {
        switch check.kind {
        case .http, .tcp, .tls, .grpc: check.address == nil ? endpoint : nil
        case .udp, .exec, .systemd, .file: nil
        }
    }

    /// Every check of a service at every address it is asked at, in the order of the configuration. What asks this host and
    /// not the service is asked once.
    ///
    /// - Parameter endpoints: where the packets of `service` end on this host.
    /// - Throws: `ReporterError` where there is no port to ask on.
    static func all(
        of service: AgentConfiguration.Service, at endpoints: LocalEndpoints
    ) throws(ReporterError) -> [CheckTarget] {
        var targets: [CheckTarget] = []
        for check in service.checks {
            guard let port = check.port ?? endpoints.ports.first ?? (check.kind.needsPort ? nil : 0) else {
                throw ReporterError(
                    .configuration, operation: "check service \(service.name)",
                    cause: "it has all ports, and its check does not say which one to ask on",
                    cure: "give the check a `port`")
            }
            let addresses = check.address.map { [$0] } ?? endpoints.checkedAddresses
            for address in check.kind.asksThisHost ? addresses.prefix(1) : addresses[...] {
                var name = check.kind.name
                if !check.kind.asksThisHost {
                    if check.port != nil, check.port != endpoints.ports.first { name += " port \(port)" }
                    if check.address != nil || addresses.count > 1 { name += " on \(address)" }
                }
                targets.append(
                    CheckTarget(
                        service: service.name, name: name, check: check,
                        endpoint: SocketAddress(address: address, port: port)))
            }
        }
        nameApart(&targets)
        return targets
    }

    /// Two checks may differ only in what the name leaves out, such as the Host header: the second is `http / (2)`.
    private static func nameApart(_ targets: inout [CheckTarget]) {
        var used: Set<String> = []
        for index in targets.indices {
            let name = targets[index].name
            var number = 1
            while !used.insert(targets[index].name).inserted {
                number += 1
                targets[index].name = "\(name) (\(number))"
            }
        }
    }
}

extension AgentConfiguration.Check.Kind {
    /// What it is called, but for where it is asked.
    fileprivate var name: String {
        switch self {
        case .http(let http): (http.tls == nil ? "http " : "https ") + http.path
        case .tcp: "tcp"
        case .tls: "tls"
        case .udp: "udp"
        case .grpc(let service, _): service.isEmpty ? "grpc" : "grpc \(service)"
        case .exec(let arguments): "exec \(arguments.first?.split(separator: "/").last ?? "")"
        case .systemd(let unit): "systemd \(unit)"
        case .file(let path, _): "file \(path)"
        }
    }

    /// Whether it asks this host and not the service: the same question whatever the address.
    fileprivate var asksThisHost: Bool {
        switch self {
        case .systemd, .file: true
        case .http, .tcp, .tls, .udp, .grpc, .exec: false
        }
    }

    /// Whether there is nothing to ask without a port.
    fileprivate var needsPort: Bool {
        switch self {
        case .http, .tcp, .tls, .udp, .grpc: true
        case .exec, .systemd, .file: false
        }
    }
}
