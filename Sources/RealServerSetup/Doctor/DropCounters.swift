/// The counters that prove that packets were dropped, and where, at one moment.
public struct DropCounters: Sendable, Hashable {
    /// How many, since the namespace or the table was made. What the kernel does not count is not in it.
    public var values: [Counter: UInt64]

    /// Counters with these values.
    public init(_ values: [Counter: UInt64] = [:]) { self.values = values }

    /// A counter, by the name nstat(8) gives it; those of rsagent's own tables by the table's and the counter's name.
    public enum Counter: String, Sendable, Hashable, CaseIterable {
        /// `rp_filter`: the route back to the source leads elsewhere (`LINUX_MIB_IPRPFILTER`).
        case reversePathFilter = "TcpExtIPReversePathFilter"
        /// SYNs and last ACKs of handshakes that a listener dropped.
        case listenDrops = "TcpExtListenDrops"
        /// Of these, because the queue of what is to be accepted was full.
        case listenOverflows = "TcpExtListenOverflows"
        /// Came in, and no route leads to their destination.
        case noRouteIn = "IpExtInNoRoutes"
        /// Came in for an address that is not this host's.
        case addressErrors = "IpInAddrErrors"
        /// Came in for this host with a protocol nobody takes, as a tunnel packet where there is no tunnel.
        case unknownProtocols = "IpInUnknownProtos"
        /// Could not go out for want of a route.
        case noRouteOut = "IpOutNoRoutes"
        /// The same for IPv6.
        case noRouteIn6 = "Ip6InNoRoutes"
        /// The same for IPv6.
        case addressErrors6 = "Ip6InAddrErrors"
        /// The same for IPv6.
        case unknownProtocols6 = "Ip6InUnknownProtos"
        /// The same for IPv6.
        case noRouteOut6 = "Ip6OutNoRoutes"
        /// Tunnel packets from a source that is not a director's.
        case outerSource = "table inet rsagent, counter outer_source"
        /// Packets out of a tunnel that are for no VIP.
        case innerDestination = "table inet rsagent, counter inner_destination"

        /// Whether its growth alone is worth a word: what comes in for nobody, as multicast does on any network, is not.
        var isTelling: Bool {
            switch self {
            case .noRouteIn, .noRouteIn6, .addressErrors, .addressErrors6: false
            default: true
            }
        }

        /// What it says where it grows.
        var meaning: String {
            switch self {
            case .reversePathFilter: "rp_filter drops packets: the route back to their source leads elsewhere"
            case .listenDrops: "listeners drop connections that clients ask for"
            case .listenOverflows: "a queue of connections to be accepted is full: the service does not keep up"
            case .noRouteIn, .noRouteIn6: "packets come in that no route leads on"
            case .addressErrors, .addressErrors6: "packets come in for an address that is not this host's"
            case .unknownProtocols, .unknownProtocols6:
                "packets come in with a protocol nobody takes, as tunnel packets where no tunnel is set up"
            case .noRouteOut, .noRouteOut6: "answers have no route to go by"
            case .outerSource: "tunnel packets come from a source that is not a director's"
            case .innerDestination: "packets come out of the tunnel that are for no VIP"
            }
        }
    }

    /// By how much each counter grew since `earlier`; only those that did.
    public func growth(since earlier: DropCounters) -> [Counter: UInt64] {
        values.reduce(into: [:]) { growth, entry in
            let before = earlier.values[entry.key] ?? 0
            // A table that was made anew counts from 0.
            if entry.value > before { growth[entry.key] = entry.value - before }
        }
    }

    /// Reads `/proc/net/netstat` or `/proc/net/snmp`: lines in pairs, a heading and its numbers, `TcpExt: NAME …` and
    /// `TcpExt: NUMBER …` (proc(5)); or `/proc/net/snmp6`: `NAME NUMBER` in each line.
    mutating func read(_ text: [UInt8]) {
        var heading: [Substring] = []
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard let first = words.first else { continue }
            guard first.hasSuffix(":") else {
                if words.count == 2 { note("\(first)", words[1]) }
                continue
            }
            guard heading.first == first else {
                heading = words
                continue
            }
            for (name, number) in zip(heading, words).dropFirst() { note("\(first.dropLast())\(name)", number) }
            heading = []
        }
    }

    private mutating func note(_ name: String, _ number: Substring) {
        guard let counter = Counter(rawValue: name), let value = UInt64(number) else { return }
        values[counter] = value
    }
}

extension [DropCounters.Counter: UInt64] {
    /// `NAME +3`, in the order of the list of counters.
    var words: [String] {
        DropCounters.Counter.allCases.compactMap { counter in self[counter].map { "\(counter.rawValue) +\($0)" } }
    }
}
