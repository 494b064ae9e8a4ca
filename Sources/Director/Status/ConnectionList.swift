internal import Forwarding
internal import NetworkAddress

/// Which connections, and how many: the query of `GET /v1/connections`.
public struct ConnectionQuestion: Hashable, Sendable {
    /// Which end of the list is told where it is longer than the limit.
    public enum Order: String, Sendable, CaseIterable {
        /// Those whose last packet came most recently.
        case newest
        /// Those that were silent longest.
        case oldest
    }

    /// How many may be asked for.
    public static let limits = 1...100_000

    /// How many at most, within ``limits``.
    public var limit: Int
    /// Which of them.
    public var order: Order

    /// A question; `limit` is brought within ``limits``.
    public init(limit: Int = 1000, order: Order = .newest) {
        self.limit = min(max(limit, Self.limits.lowerBound), Self.limits.upperBound)
        self.order = order
    }
}

/// What the flow tables hold: the JSON of `GET /v1/connections`.
public struct ConnectionList: Codable, Sendable, Equatable {
    /// One flow or template.
    public struct Entry: Codable, Sendable, Equatable {
        /// `TCP`, `UDP` or `ICMP`, as ipvsadm has them.
        public var transport: String
        /// IPVS's name of the state; `NONE` of a template.
        public var state: String
        /// In how many seconds it is forgotten unless a packet comes.
        public var expires: UInt64
        /// For how many seconds no packet came.
        public var idle: UInt64
        /// Whether it only says where the next connection of a client goes.
        public var template: Bool
        /// Who opened it, as `ADDRESS:PORT`.
        public var source: String
        /// The VIP and its port.
        public var virtual: String
        /// The server and its port.
        public var destination: String

        enum CodingKeys: String, CodingKey {
            case state, expires, idle, template, source, virtual, destination
            case transport = "protocol"
        }
    }

    /// How many there are in all.
    public var total: Int
    /// The ones asked for, in the order asked for.
    public var connections: [Entry]
}

extension ConnectionList {
    /// Picks the ones asked for out of many, in memory for about twice as many as that.
    struct Builder {
        private let question: ConnectionQuestion
        private var total = 0
        private var kept: [Connection] = []

        init(_ question: ConnectionQuestion) {
            self.question = question
        }

        mutating func add(_ connection: Connection) {
            total += 1
            kept.append(connection)
            if kept.count >= 2 * question.limit { select() }
        }

        var finished: ConnectionList {
            var copy = self
            copy.select()
            return ConnectionList(total: total, connections: copy.kept.map(Entry.init))
        }

        private mutating func select() {
            switch question.order {
            case .newest: kept.sort { $0.idle < $1.idle }
            case .oldest: kept.sort { $0.idle > $1.idle }
            }
            if kept.count > question.limit { kept.removeLast(kept.count - question.limit) }
        }
    }

    /// Laid out as `ipvsadm -L -n -c` does (its `list_conn` and `print_conn`). Every line ends with a newline.
    public var text: String {
        var lines = [
            "IPVS connection entries", Self.line("pro", "expire", "state", "source", "virtual", "destination"),
        ]
        lines += connections.map { entry in
            let (minutes, seconds) = entry.expires.quotientAndRemainder(dividingBy: 60)
            return Self.line(
                entry.transport, "\(minutes.twoDigits):\(seconds.twoDigits)", entry.state, entry.source, entry.virtual,
                entry.destination)
        }
        if connections.count < total { lines.append("\(connections.count) of \(total); --limit shows more") }
        return lines.map { $0.printable + "\n" }.joined()
    }

    private static func line(
        _ transport: String, _ expires: String, _ state: String, _ source: String, _ virtual: String,
        _ destination: String
    ) -> String {
        [
            transport.padded(to: 3), expires.padded(to: 6), state.padded(to: 11), source.padded(to: 18),
            virtual.padded(to: 18), destination,
        ].joined(separator: " ")
    }
}

extension ConnectionList.Entry {
    fileprivate init(_ connection: Connection) {
        transport =
            switch connection.transport {
            case 6: "TCP"
            case 17: "UDP"
            default: "ICMP"
            }
        state = connection.state
        expires = connection.expires / 1000
        idle = connection.idle / 1000
        template = connection.isTemplate
        source = connection.source.text
        virtual = connection.virtual.text
        destination = connection.destination.text
    }
}

extension Connection.End {
    fileprivate var text: String { address.withPort(port) }
}

extension IPAddress {
    /// As ipvsadm prints an end: an IPv6 address in brackets.
    func withPort(_ port: UInt16) -> String { with(port: "\(port)") }

    /// The same with all ports of a range.
    func withPorts(_ ports: ClosedRange<UInt16>) -> String { with(port: "\(ports.lowerBound)-\(ports.upperBound)") }

    private func with(port: String) -> String { v6 == nil ? "\(self):\(port)" : "[\(self)]:\(port)" }
}

extension UInt64 {
    fileprivate var twoDigits: String { self < 10 ? "0\(self)" : "\(self)" }
}
