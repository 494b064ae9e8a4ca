public import ConfigurationFile
public import Netlink
public import NetworkAddress

/// What a diagnosis is made from besides the host's settings: what the kernel counted, who listens, where packets would go, and
/// what became of probes.
public struct Evidence: Sendable, Hashable {
    /// Something that was looked at, or the reason why it could not be.
    public enum Reading<Value: Sendable & Hashable>: Sendable, Hashable {
        /// What was seen.
        case read(Value)
        /// Why nothing was, in words for an operator, with what to do.
        case unread(String)

        /// What was seen, or nil.
        public var value: Value? {
            if case .read(let value) = self { value } else { nil }
        }
    }

    /// Where a service is to be listened for, and asked.
    public struct Endpoint: Sendable, Hashable {
        /// The service's name.
        public var service: String
        /// The VIP that clients connect to.
        public var vip: IPAddress
        /// Where its packets end on this host: the VIP, with NAT this host's own address.
        public var address: IPAddress
        /// The protocol of the port.
        public var transport: TransportProtocol
        /// The port there.
        public var port: UInt16

        /// An endpoint made of its parts.
        public init(
            service: String, vip: IPAddress, address: IPAddress, transport: TransportProtocol = .tcp, port: UInt16
        ) {
            self.service = service
            self.vip = vip
            self.address = address
            self.transport = transport
            self.port = port
        }
    }

    /// What the kernel's drop counters came to.
    public struct Counts: Sendable, Hashable {
        /// When the doctor came.
        public var before: DropCounters
        /// When it had looked at everything.
        public var after: DropCounters

        /// Two readings of the counters.
        public init(before: DropCounters, after: DropCounters) {
            self.before = before
            self.after = after
        }
    }

    /// Where the kernel would send, or whether it would take, one packet.
    public struct Passage: Sendable, Hashable {
        /// The packet's source.
        public var source: IPAddress
        /// Its destination.
        public var destination: IPAddress
        /// The index of the interface it comes in by; nil: this host sends it.
        public var incoming: Int32?
        /// The services it is about.
        public var services: Set<String>
        /// The kernel's answer.
        public var answer: Reading<RouteLookup>

        /// A question to the kernel, and its answer.
        public init(
            source: IPAddress, destination: IPAddress, incoming: Int32? = nil, services: Set<String>,
            answer: Reading<RouteLookup>
        ) {
            self.source = source
            self.destination = destination
            self.incoming = incoming
            self.services = services
            self.answer = answer
        }
    }

    /// The counters.
    public var counts: Reading<Counts> = .unread("not looked at")
    /// Every TCP listener of the host, and every UDP socket that takes what anybody sends.
    public var listeners: Reading<[ListeningSocket]> = .unread("not looked at")
    /// Whether a SYN or a datagram to an endpoint would find a listener. Only endpoints whose address this host holds.
    public var isListenedOn: [Endpoint: Bool] = [:]
    /// Packets of the clients, as they come in.
    public var arrivals: [Passage] = []
    /// The answers to them, as they go out.
    public var departures: [Passage] = []
    /// What the interface that faces the director does to packets.
    public var offloads: Reading<InterfaceOffloads> = .unread("not looked at")
    /// The addresses this host answers for in another's place.
    public var neighborProxies: Reading<[Neighbor]> = .unread("not looked at")
    /// Who else on the segment says it has a VIP.
    public var answerers: Reading<[Answerer]> = .unread("not looked at")
    /// What became of the probes.
    public var probes: Reading<[ProbeResult]> = .unread("not looked at")
    /// How many endpoints were not probed, because there are many.
    public var unprobedCount = 0

    /// Nothing looked at yet.
    public init() {}
}
