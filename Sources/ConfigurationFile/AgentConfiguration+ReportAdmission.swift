public import NetworkAddress

extension AgentConfiguration {
    /// Who is answered over TCP, on the report's addresses and on those of HAProxy's agent checks. Nobody changes anything
    /// there.
    public struct ReportAdmission: Sendable, Equatable {
        /// Who may ask. This host itself always may.
        public var callers: Callers
        /// What every caller over HTTP must show as `Authorization: Bearer TOKEN` (RFC 6750); nil: nothing. HAProxy's agent
        /// check has no place for one, and is not asked for it.
        public var token: Token?
        /// How the report is served over TLS; nil: as plain HTTP. HAProxy's agent check is always plain.
        public var tls: TLS?

        /// Who may ask.
        public enum Callers: Sendable, Equatable {
            /// The directors and these networks; where no director is configured either, anyone. Host bits are zero; none is a
            /// /0; no two are the same.
            case directorsAnd([Prefix])
            /// Anyone.
            case anyone
        }

        /// A secret shared with the callers.
        public enum Token: Sendable, Hashable {
            /// In the configuration itself: 16 to 1024 printable characters of ASCII, without spaces.
            case text(String)
            /// The first line of this file, by its absolute path; read again when it changes.
            case file(String)
        }

        /// The files of TLS, in PEM; they are read again when they change.
        public struct TLS: Sendable, Equatable {
            /// This server's certificate and those that lead to its authority.
            public var certificate: String
            /// Its private key.
            public var key: String
            /// The authorities whose certificates callers must show; nil: they need show none.
            public var clientAuthority: String?

            /// Files by their absolute paths.
            public init(certificate: String, key: String, clientAuthority: String? = nil) {
                self.certificate = certificate
                self.key = key
                self.clientAuthority = clientAuthority
            }
        }

        /// Admission; what is left out admits the directors, over plain HTTP.
        public init(callers: Callers = .directorsAnd([]), token: Token? = nil, tls: TLS? = nil) {
            self.callers = callers
            self.token = token
            self.tls = tls
        }
    }
}
