public import NetworkAddress

extension AgentConfiguration {
    /// One question asked of the service again and again.
    public struct Check: Sendable, Equatable {
        /// What is asked.
        public var kind: Kind
        /// Where it is asked instead of on each VIP; nil: on the VIPs, as clients do. Nil for what asks this host and not the
        /// service: ``Kind/systemd(unit:)``, ``Kind/file(path:exists:)``.
        public var address: IPAddress?
        /// Which port it is asked on; nil: the service's first. Never nil where the service takes all ports and the question
        /// needs one; nil for what asks this host.
        public var port: UInt16?
        /// From the start of one check to the start of the next while nothing changes: 100 ms to 1 h.
        public var interval: Duration
        /// The same while the latest answer disagrees with the verdict, or there is no verdict yet. 100 ms or more, and not
        /// longer than `interval`.
        public var fastInterval: Duration
        /// How long an answer may take: 10 ms or more, and not longer than `interval`.
        public var timeout: Duration
        /// How many successes in a row make a failed check pass: 1 to 1000.
        public var rise: Int
        /// How many failures in a row make a passing check fail: 1 to 1000.
        public var fall: Int

        /// What a check asks.
        public enum Kind: Sendable, Equatable {
            /// A request over HTTP/1.1 must be answered as wanted.
            case http(HTTP)
            /// A TCP connection must be accepted.
            case tcp
            /// A TLS handshake must succeed.
            case tls(TLS)
            /// A datagram of `send` (0 to 1024 bytes) must be answered: `expect` (1 to 1024 bytes) must be in the answer,
            /// nil: whatever it is.
            case udp(send: String, expect: String?)
            /// `grpc.health.v1.Health/Check` of `service` (letters, digits, `_`, `-` and dots between; empty: of the server)
            /// must say SERVING (1). Over TLS where given.
            case grpc(service: String, tls: TLS?)
            /// A program must end with exit status 0. Its first element is an absolute path; no shell is in between. It is
            /// looked for each time it is run, not when the file is read: it may be installed later than that.
            case exec([String])
            /// A unit of systemd must be active. Its name has its type, `nginx.service`, and is no template.
            case systemd(unit: String)
            /// A file must be there (`exists`), or must not be there. Its path is absolute.
            case file(path: String, exists: Bool)
        }

        /// An HTTP request, and which answer is good.
        public struct HTTP: Sendable, Equatable {
            /// The path with its query; begins with a slash.
            public var path: String
            /// The method: upper-case letters, not `CONNECT`, which asks for no path.
            public var method: String
            /// The `Host` header; nil: the name that TLS asks for, or else the address and the port that are asked.
            public var host: String?
            /// More headers, in the order of their lines, and by name where they share one: which of two different headers
            /// comes first means nothing (RFC 9110 §5.3). No two have the same name, whatever their case; none is `Host`,
            /// `Connection`, `Content-Length` or `Transfer-Encoding`.
            public var headers: [Header]
            /// The statuses that are good: 100 to 599. At least one range.
            public var status: [ClosedRange<Int>]
            /// What must be in the body, in its first 64 KiB: 1 to 1024 bytes; nil: whatever it is. Nil with `HEAD`.
            public var body: String?
            /// Over TLS (https); nil: plain.
            public var tls: TLS?

            /// A header.
            public struct Header: Sendable, Hashable {
                /// The name: a token (RFC 9110 §5.6.2).
                public var name: String
                /// The value, without control characters, and without blanks before and behind it. It may be empty.
                public var value: String

                /// A header of these parts.
                public init(name: String, value: String) {
                    self.name = name
                    self.value = value
                }
            }

            /// A request; what is left out is a plain `GET` that must be answered with 200.
            public init(
                _ path: String, method: String = "GET", host: String? = nil, headers: [Header] = [],
                status: [ClosedRange<Int>] = [200...200], body: String? = nil, tls: TLS? = nil
            ) {
                self.path = path
                self.method = method
                self.host = host
                self.headers = headers
                self.status = status
                self.body = body
                self.tls = tls
            }
        }

        /// How a check speaks TLS. Whether the certificate is one that clients would trust is asked only with `isVerified`;
        /// when it ends always is.
        public struct TLS: Sendable, Equatable {
            /// The name asked for (SNI) and, with `isVerified`, to be found in the certificate; nil: none is asked for. A host's
            /// name (RFC 1123 §2.1), never an address.
            public var serverName: String?
            /// Whether the certificate must be valid, for `serverName` where there is one.
            public var isVerified: Bool
            /// A file of certificates to trust instead of the system's; nil: the system's. Only with `isVerified`. It is looked
            /// for when the check is made.
            public var authority: String?
            /// A certificate that ends sooner than this is a warning: up to 365 days; 0: never.
            public var expiryWarning: Duration

            /// Settings; what is left out does not verify and warns two weeks ahead.
            public init(
                serverName: String? = nil, isVerified: Bool = false, authority: String? = nil,
                expiryWarning: Duration = .seconds(14 * 86_400)
            ) {
                self.serverName = serverName
                self.isVerified = isVerified
                self.authority = authority
                self.expiryWarning = expiryWarning
            }
        }

        /// Creates a check from values that are already known to be valid. `fastInterval` left out is a quarter of
        /// `interval`, but 100 ms or more.
        public init(
            _ kind: Kind, address: IPAddress? = nil, port: UInt16? = nil, interval: Duration = .seconds(1),
            fastInterval: Duration? = nil, timeout: Duration = .milliseconds(500), rise: Int = 2, fall: Int = 3
        ) {
            self.kind = kind
            self.address = address
            self.port = port
            self.interval = interval
            self.fastInterval = fastInterval ?? max(.milliseconds(100), interval / 4)
            self.timeout = timeout
            self.rise = rise
            self.fall = fall
        }
    }
}
