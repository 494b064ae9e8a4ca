public import NetworkAddress

extension AgentConfiguration {
    /// A director that this server joins by itself, so that nobody need write it into that director's file.
    public struct Join: Sendable, Equatable {
        /// Where the director takes it: the address and port of `listen` under `[join]` in its file.
        public var director: SocketAddress
        /// Whether over TLS. The director's certificate must be for that address.
        public var isOverTLS: Bool
        /// What the director is shown as `Authorization: Bearer TOKEN` (RFC 6750).
        public var token: ReportAdmission.Token
        /// A file of the authorities that vouch for the director, by its absolute path, in PEM; nil: the system's. Nil over plain
        /// HTTP.
        public var authority: String?
        /// The names of the services that are joined, in the order of the file. At least one.
        public var services: [String]
        /// Multiplies what the agent reports: 0 to 65535.
        public var weight: Int
        /// The server's own address (RIP) as the director is to know it; nil: the one that the director sees it come from.
        public var address: IPAddress?

        /// Creates values that are already known to be valid.
        public init(
            director: SocketAddress, isOverTLS: Bool = false, token: ReportAdmission.Token, authority: String? = nil,
            services: [String], weight: Int = 1, address: IPAddress? = nil
        ) {
            self.director = director
            self.isOverTLS = isOverTLS
            self.token = token
            self.authority = authority
            self.services = services
            self.weight = weight
            self.address = address
        }

        /// `http://ADDRESS:PORT` or `https://ADDRESS:PORT`.
        public var url: String { "\(isOverTLS ? "https" : "http")://\(director)" }

        /// Which of the places where the report is served the director can poll; nil: none. It polls where packets go: the address
        /// this server joins with.
        public func reportPlace(among listen: [SocketAddress]) -> Int? {
            let family = (address ?? director.address).bitWidth
            let isLocal = director.address.isLoopback
            return listen.firstIndex { place in
                if place.address == .v6(.any) { return true }
                guard place.address.bitWidth == family, isLocal || !place.address.isLoopback else { return false }
                return address.map { place.address == $0 || place.address == .v4(.any) } ?? true
            }
        }
    }
}
