public import NetworkAddress

extension DirectorConfiguration {
    /// What a director shows an agent, and who must vouch for the agent.
    public struct AgentAccess: Sendable, Hashable {
        /// What is sent as `Authorization: Bearer TOKEN` (RFC 6750); nil: nothing.
        public var token: AgentConfiguration.ReportAdmission.Token?
        /// A file of the authorities that vouch for the agent's certificate, by its absolute path, in PEM; nil: the system's.
        /// Nil over plain HTTP.
        public var authority: String?
        /// The director's own certificate; nil: none is shown. Nil over plain HTTP.
        public var certificate: Certificate?

        /// A certificate for clients and its private key: files in PEM by their absolute paths, read again when they change.
        public struct Certificate: Sendable, Hashable {
            /// The certificate and those that lead to its authority.
            public var file: String
            /// The private key.
            public var key: String

            /// Files by their absolute paths.
            public init(file: String, key: String) {
                self.file = file
                self.key = key
            }
        }

        /// Access; what is left out is not shown, and vouched for by the system's authorities.
        public init(
            token: AgentConfiguration.ReportAdmission.Token? = nil, authority: String? = nil,
            certificate: Certificate? = nil
        ) {
            self.token = token
            self.authority = authority
            self.certificate = certificate
        }
    }

    /// How agents are asked where nothing else is said.
    public struct AgentDefaults: Sendable, Equatable {
        /// Whether over TLS.
        public var isOverTLS: Bool
        /// What they are shown. Its TLS part may be given for single servers only, without `isOverTLS`.
        public var access: AgentAccess

        /// Defaults; what is left out is plain HTTP, and nothing shown.
        public init(isOverTLS: Bool = false, access: AgentAccess = AgentAccess()) {
            self.isOverTLS = isOverTLS
            self.access = access
        }

        /// Where the agent of the server at `address` answers: `http://ADDRESS:9380`, or with `https`.
        public func url(of address: IPAddress) -> String {
            let scheme = isOverTLS ? "https" : "http"
            return "\(scheme)://\(SocketAddress(address: address, port: AgentConfiguration.defaultReportPort))"
        }
    }
}
