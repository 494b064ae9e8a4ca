import NetworkAddress

/// What tells one flow from another: the client's end, the VIP's end and the transport protocol. One type for each address
/// family, so that an IPv4 flow does not pay for IPv6.
///
/// The same type names the two ends of an answer, the real server's in place of the VIP's.
protocol FlowKey: Equatable, Sendable {
    /// An address as the key holds it.
    associatedtype Address: Equatable, Sendable

    init(client: Address, vip: Address, clientPort: UInt16, port: UInt16, transport: UInt8)

    /// What stands for no address where there is none to remember.
    static var noAddress: Address { get }
    static func address(_ wide: IPv6Address) -> Address
    static func wide(_ address: Address) -> IPv6Address

    var client: Address { get }
    var vip: Address { get }
    var clientPort: UInt16 { get }
    var port: UInt16 { get }
    var transport: UInt8 { get }

    /// Its hash, different for each seed.
    func hash(_ hash: FlowHash) -> UInt64
}

extension FlowKey {
    /// The key of a packet that a client sends.
    @inline(__always)
    init(inbound packet: Packet) {
        self.init(
            client: Self.address(packet.source), vip: Self.address(packet.destination), clientPort: packet.sourcePort,
            port: packet.destinationPort, transport: packet.transport)
    }

    /// The key of a packet that a client is sent.
    @inline(__always)
    init(outbound packet: Packet) {
        self.init(
            client: Self.address(packet.destination), vip: Self.address(packet.source),
            clientPort: packet.destinationPort, port: packet.sourcePort, transport: packet.transport)
    }

    /// The same client and protocol, with another end.
    @inline(__always)
    func with(vip: Address, port: UInt16) -> Self {
        Self(client: client, vip: vip, clientPort: clientPort, port: port, transport: transport)
    }
}

/// A flow of IPv4, 13 bytes, in host byte order.
struct IPv4FlowKey: FlowKey {
    var client: UInt32
    var vip: UInt32
    var clientPort: UInt16
    var port: UInt16
    var transport: UInt8

    static var noAddress: UInt32 { 0 }
    @inline(__always) static func address(_ wide: IPv6Address) -> UInt32 { wide.low32 }
    @inline(__always) static func wide(_ address: UInt32) -> IPv6Address {
        IPv6Address(mapping: IPv4Address(rawValue: address))
    }

    @inline(__always)
    func hash(_ hash: FlowHash) -> UInt64 {
        hash(
            UInt64(client) << 32 | UInt64(vip),
            // The last word of the message carries its length in the top byte.
            13 << 56 | UInt64(transport) << 32 | UInt64(clientPort) << 16 | UInt64(port))
    }
}

/// A flow of IPv6, 37 bytes, in host byte order.
struct IPv6FlowKey: FlowKey {
    var client: IPv6Address
    var vip: IPv6Address
    var clientPort: UInt16
    var port: UInt16
    var transport: UInt8

    static var noAddress: IPv6Address { .any }
    @inline(__always) static func address(_ wide: IPv6Address) -> IPv6Address { wide }
    @inline(__always) static func wide(_ address: IPv6Address) -> IPv6Address { address }

    @inline(__always)
    func hash(_ hash: FlowHash) -> UInt64 {
        hash(
            client.high, client.low, vip.high, vip.low,
            37 << 56 | UInt64(transport) << 32 | UInt64(clientPort) << 16 | UInt64(port))
    }
}
