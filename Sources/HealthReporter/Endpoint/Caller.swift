import ConfigurationFile
import NetworkAddress

/// Who is at the other end of a TCP connection, as far as its address tells.
enum Caller: String, Sendable, CaseIterable {
    /// One of the configured directors.
    case director
    /// This host itself.
    case host
    /// Somebody else who may ask.
    case guest
    /// Somebody who may not.
    case stranger
}

/// Tells by its address who a caller is.
struct Admission: Sendable {
    private let directors: Set<IPAddress>
    private let networks: [Prefix]
    private let isOpen: Bool

    /// As configured: the directors, this host, and who `callers` names. Without directors and networks anyone may ask, for
    /// nothing says who should.
    init(_ callers: AgentConfiguration.ReportAdmission.Callers, directors: [IPAddress]) {
        self.directors = Set(directors.map(\.unmapped))
        switch callers {
        case .anyone: (networks, isOpen) = ([], true)
        case .directorsAnd(let networks): (self.networks, isOpen) = (networks, directors.isEmpty && networks.isEmpty)
        }
    }

    /// Who asks from `remote` and reached `local`; nil: the kernel does not tell.
    func caller(from remote: IPAddress?, to local: IPAddress?) -> Caller {
        guard let remote = remote?.unmapped else { return isOpen ? .guest : .stranger }
        if directors.contains(remote) { return .director }
        // A packet from outside with our own address, or a loopback one, is dropped by the kernel (martian source).
        if remote.isLoopback || remote == local?.unmapped { return .host }
        return isOpen || networks.contains { $0.contains(remote) } ? .guest : .stranger
    }

    /// What a stranger is told: one line that says what to write, so that whoever runs the caller can act on it.
    static func refusal(of address: IPAddress?) -> String {
        let network = address.map { "\(Prefix(host: $0))" } ?? "ADDRESS/LENGTH"
        let name = address.map(\.description) ?? "this caller"
        return "\(name) may not ask; if it is a director, add it to `directors` in rsagent.toml; else let it ask with "
            + "allow = [\"\(network)\"] under [report]"
    }
}

extension IPAddress {
    /// Whether it never leaves the host: 127.0.0.0/8 (RFC 1122, 3.2.1.3) or ::1 (RFC 4291, 2.5.3).
    fileprivate var isLoopback: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 24 == 127
        case .v6(let address): address.high == 0 && address.low == 1
        }
    }
}
