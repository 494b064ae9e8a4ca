/// An address of either family.
public enum IPAddress: Hashable, Sendable {
    /// An IPv4 address.
    case v4(IPv4Address)
    /// An IPv6 address.
    case v6(IPv6Address)

    /// The IPv4 address, or nil where this is IPv6.
    public var v4: IPv4Address? {
        if case .v4(let address) = self { address } else { nil }
    }

    /// The IPv6 address, or nil where this is IPv4.
    public var v6: IPv6Address? {
        if case .v6(let address) = self { address } else { nil }
    }

    /// How many bits an address of this family has: 32 or 128.
    public var bitWidth: Int { v4 != nil ? 32 : 128 }

    /// Whether one host can own this address.
    public var isHost: Bool {
        switch self {
        case .v4(let address): address.isHost
        case .v6(let address): address.isHost
        }
    }

    /// Whether it is `0.0.0.0` or `::`, which stand for any address, or none (RFC 1122 §3.2.1.3, RFC 4291 §2.5.2).
    public var isUnspecified: Bool { self == .v4(.any) || self == .v6(.any) }

    /// The same address with an IPv4-mapped IPv6 form turned into IPv4, as a dual-stack socket shows its IPv4 peers.
    public var unmapped: IPAddress {
        if case .v6(let address) = self, let mapped = address.mappedIPv4 { .v4(mapped) } else { self }
    }
}

extension IPAddress: LosslessStringConvertible {
    /// Either text form, or nil.
    public init?(_ text: some StringProtocol) {
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    /// The canonical text form.
    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then numeric.
    public static func < (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.v4(let left), .v4(let right)): left < right
        case (.v6(let left), .v6(let right)): left < right
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }
}

extension IPAddress: Codable {
    /// From its text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not an IP address")
        }
        self = address
    }

    /// As its text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
