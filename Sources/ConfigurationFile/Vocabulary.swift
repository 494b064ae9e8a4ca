public import NetworkAddress

/// The transport protocol of a service.
public enum TransportProtocol: String, Sendable, Codable, CaseIterable {
    /// TCP (RFC 9293).
    case tcp
    /// UDP (RFC 768). It has no connections: nobody can count who is still being served.
    case udp

    /// Its number in an IP header (IANA, protocol numbers).
    public var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        }
    }
}

/// What a connection from a director's own address is.
public enum DirectorConnections: String, Sendable, CaseIterable {
    /// A client's, as of a proxy (HAProxy, Envoy) or a director that translates the client's address as well.
    case clients
    /// The director's own check, as of IPVS, which keeps the client's address.
    case checks
}

/// How a director hands packets to a real server (ipvsadm(8), packet-forwarding method).
public enum ForwardingMethod: String, Sendable, Codable, CaseIterable {
    /// Direct routing: only the destination MAC changes; the server answers the client itself.
    case dr
    /// Tunnelling: the packet comes whole inside another one, addressed to the server's own address (RIP).
    case tun
    /// Address translation, `masq` to ipvsadm: the packet comes addressed to the RIP, and the director turns its answer back.
    case nat
}

/// Which way the answers of a service go.
public enum ReplyPath: String, Sendable, Codable, CaseIterable {
    /// Straight to the client, as the host's own routes say.
    case direct
    /// Back by way of the director, which is the next hop of everything the service sends.
    case director
}

/// What a director wraps packets in where it forwards by ``ForwardingMethod/tun``.
public enum TunnelType: String, Sendable, Codable, CaseIterable {
    /// IP in IP, of any pair of families: RFC 2003 (4 in 4), RFC 2473 (4 or 6 in 6), RFC 4213 (6 in 4).
    case ipip
    /// Generic routing encapsulation without key, checksum or sequence number (RFC 2784).
    case gre
    /// Generic UDP encapsulation (draft-ietf-intarea-gue; `net/ipv4/fou_core.c`).
    case gue
}

/// The scope a VIP is placed with (ip-address(8), `scope`).
public enum AddressScope: String, Sendable, Codable, CaseIterable {
    /// Like any address.
    case global
    /// `scope host`: connections that this host opens to others never get the VIP as their source by accident.
    case host
}

/// An address and a port to listen on: `10.0.0.11:9380`, `[2001:db8::1]:9380`.
public struct SocketAddress: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// The port: 1 to 65535.
    public var port: UInt16

    /// An address and a port.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

extension SocketAddress: LosslessStringConvertible {
    /// `ADDRESS:PORT`, an IPv6 address in brackets, or nil.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard let address = IPv6Address(host.dropFirst().dropLast()) else { return nil }
            self.init(address: .v6(address), port: port)
        } else {
            guard let address = IPv4Address(host) else { return nil }
            self.init(address: .v4(address), port: port)
        }
    }

    /// `ADDRESS:PORT`, an IPv6 address in brackets.
    public var description: String {
        address.v6 != nil ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// Digits only: `UInt16` alone would take a sign as well.
    private static func port(_ text: some StringProtocol) -> UInt16? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(text),
            port > 0
        else { return nil }
        return port
    }
}
