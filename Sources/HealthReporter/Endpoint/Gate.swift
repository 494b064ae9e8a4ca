import ConfigurationFile
import Logging
import NIOCore
import NetworkAddress
import Synchronization

/// Who gets in over TCP, for all servers of an agent: one admission, one token, one set of certificates, one count.
final class Gate: Sendable {
    let admission: Admission
    let token: BearerToken?
    let tls: ServerTLS?
    let registry: ConnectionRegistry
    let counters: EndpointCounters
    /// The table of the file that says who may ask, in the words of the log.
    private let section: String
    private let logger: Logger
    private let strangers = Mutex(Sparing(interval: .seconds(3_600)))
    private let tokens = Mutex(Sparing(interval: .seconds(60)))

    /// - Throws: `ReporterError` that names the file that cannot be used.
    init(
        _ configuration: AgentConfiguration.ReportAdmission, directors: [IPAddress],
        rooms: [Caller: ConnectionTable.Room] = ConnectionTable.rooms, section: String = "[report]", logger: Logger
    ) throws(ReporterError) {
        admission = Admission(configuration.callers, directors: directors)
        token = if let token = configuration.token { try BearerToken(token, logger: logger) } else { nil }
        tls = if let tls = configuration.tls { try ServerTLS(tls, logger: logger) } else { nil }
        counters = EndpointCounters()
        registry = ConnectionRegistry(ConnectionTable(rooms: rooms), counters: counters)
        self.section = section
        self.logger = logger
    }

    /// Who is at the other end of `channel`.
    func caller(of channel: any Channel) -> Caller {
        admission.caller(from: channel.remoteIPAddress, to: channel.localIPAddress)
    }

    /// A stranger was refused: counted each time, logged once an hour for each address.
    func refuseStranger(at address: IPAddress?) {
        counters.countStranger()
        guard strangers.withLock({ $0.isDue(address, at: .now) }) else { return }
        logger.warning("refused: \(Admission.refusal(of: address))")
    }

    /// A caller that may ask was refused for its token: counted each time, logged once a minute for each address.
    ///
    /// - Parameter words: `no token`, or `wrong token`.
    func refuseToken(_ words: String, of caller: Caller, at address: IPAddress?) {
        counters.countRefusedToken(of: caller)
        guard tokens.withLock({ $0.isDue(address, at: .now) }) else { return }
        let name = address.map(\.description) ?? "a caller without an address"
        logger.warning(
            "refused: \(words) from \(name); let it send the one of `token` or `token_file` under \(section)")
    }
}

extension Channel {
    /// The caller's address, an IPv4 caller's as IPv4 also where it came in on an IPv6 socket.
    var remoteIPAddress: IPAddress? { remoteAddress.flatMap(IPAddress.init(of:)) }

    /// The address it reached.
    var localIPAddress: IPAddress? { localAddress.flatMap(IPAddress.init(of:)) }
}

extension IPAddress {
    fileprivate init?(of socket: NIOCore.SocketAddress) {
        // Not by way of its text: this is done several times for each answer.
        switch socket {
        case .v4(let socket):
            // `sin_addr` (ip(7)).
            let bits = withUnsafeBytes(of: socket.address) { $0.load(fromByteOffset: 4, as: UInt32.self) }
            self = .v4(IPv4Address(rawValue: UInt32(bigEndian: bits)))
        case .v6(let socket):
            // `sin6_addr` (ipv6(7)), in two halves.
            let half = { offset in
                withUnsafeBytes(of: socket.address) { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
            }
            let address = IPv6Address(high: UInt64(bigEndian: half(8)), low: UInt64(bigEndian: half(16)))
            self = IPAddress.v6(address).unmapped
        case .unixDomainSocket: return nil
        }
    }
}
