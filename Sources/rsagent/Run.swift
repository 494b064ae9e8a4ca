import ArgumentParser
import ConfigurationFile
import Glibc
import HealthReporter
import Logging
import Netlink
import NetworkAddress
import RealServerSetup
import ServiceLifecycle
import UnixSignals

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "The agent, in the foreground: apply, keep, check, report. Stops on SIGTERM or SIGINT and puts the host back."
    )

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let logger = Logger(label: "rsagent")
        let configuration = try configuration.loadForSetup()
        let refusals = try configuration.setup.plan().refusals
        guard refusals.isEmpty else { throw SetupError.refused(refusals) }
        let listen = try configuration.reportAddresses()
        try Capability.requireNetworkAdministration()
        let claim = try NamespaceClaim()
        DescriptorLimit.raise()

        let listeners = try ListenerProbe()
        let reporter = try HealthReporter(
            configuration: configuration, listen: listen, identity: try .ofThisHost(),
            countConnections: { service in
                try SocketDiagnostics.clientConnections(to: Set(service.vips), ports: Set(service.ports))
            },
            isListening: { try listeners.hasTCPListener($0.address, port: $0.port) }, logger: logger)
        let keeper = try SetupKeeper(configuration.setup, logger: logger) { problems in
            await reporter.report(setupProblems: configuration.problemsByService(problems))
        }
        // Services stop in reverse order: the reporter says goodbye to the directors first, the VIPs go last.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [keeper, reporter], gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: logger))
        try await group.run()
        withExtendedLifetime(claim) {}
    }
}

extension AgentConfiguration {
    /// Where the report is served: as configured, or on the interface's own address.
    func reportAddresses() throws -> [SocketAddress] {
        guard reportListen.isEmpty else { return reportListen }
        let vips = Set(services.flatMap(\.vips))
        guard let own = try Network().ownAddress(interface: interface, excluding: vips) else {
            throw NoOwnAddress(interface: interface)
        }
        return [SocketAddress(address: own.address, port: Self.defaultReportPort)]
    }

    /// What is wrong with the host, by the services whose VIPs it concerns.
    func problemsByService(_ problems: [IPv4Address: [String]]) -> [String: [String]] {
        Dictionary(
            uniqueKeysWithValues: services.map { service in
                var texts: [String] = []
                for text in service.vips.compactMap(\.v4).flatMap({ problems[$0] ?? [] }) where !texts.contains(text) {
                    texts.append(text)
                }
                return (service.name, texts)
            })
    }
}

/// The report has no address to be served on.
struct NoOwnAddress: Error, CustomStringConvertible {
    let interface: String?

    var description: String {
        let cure = "set listen = [\"ADDRESS:9380\"] under [report]"
        return if let interface {
            "interface = \"\(interface)\": there is no such interface, or no IPv4 address on it; nothing was touched; "
                + "name the one that faces the director, or \(cure)"
        } else {
            "this host has no default route with an address on its interface; nothing was touched; set interface = \"NAME\", the one "
                + "that faces the director, or \(cure)"
        }
    }
}

extension HealthReporter.Identity {
    /// The name of this host and its boot.
    static func ofThisHost() throws -> Self {
        var names = utsname()
        uname(&names)
        let host = withUnsafeBytes(of: &names.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return Self(agent: RSAgent.version, host: host, boot: try Boot.identifier())
    }
}
