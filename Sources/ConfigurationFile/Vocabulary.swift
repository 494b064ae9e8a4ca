public import NetworkAddress

/// The transport protocol of a service.
public enum TransportProtocol: String, Sendable, Codable, CaseIterable {
    /// TCP (RFC 9293).
    case tcp
}

/// How a director hands packets to a real server (ipvsadm(8), packet-forwarding method).
public enum ForwardingMethod: String, Sendable, Codable, CaseIterable {
    /// Direct routing: only the destination MAC changes; the server answers the client itself.
    case dr
}

/// Which scheduler picks a server, by IPVS's names (ipvsadm(8), scheduling-method).
public enum SchedulerName: String, Sendable, Codable, CaseIterable {
    /// Round robin.
    case rr
    /// Weighted round robin.
    case wrr
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
