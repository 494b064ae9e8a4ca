/// An IPv4 address, as a value.
public struct IPv4Address: Hashable, Sendable {
    /// The 32 bits in host order: `192.0.2.1` is `0xC000_0201`.
    public var rawValue: UInt32

    /// The address whose 32 bits, in host order, are `rawValue`.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The address `a.b.c.d`.
    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// `0.0.0.0`.
    public static let any = IPv4Address(rawValue: 0)

    /// `127.0.0.0/8` (RFC 1122 §3.2.1.3).
    public var isLoopback: Bool { rawValue >> 24 == 127 }

    /// `224.0.0.0/4` (RFC 5771).
    public var isMulticast: Bool { rawValue >> 28 == 0xE }

    /// Whether one host can own this address: neither "this network" (0/8), loopback, multicast, reserved nor broadcast.
    public var isHost: Bool {
        let first = rawValue >> 24
        return first != 0 && first != 127 && first < 224
    }
}

extension IPv4Address: LosslessStringConvertible {
    /// Four decimal numbers of 0 to 255 without leading zeros (RFC 6943 §3.1.1: the strict form), or nil.
    public init?(_ text: some StringProtocol) {
        var value: UInt32 = 0
        var parts = 0
        for part in text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard parts < 4, (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else {
                return nil
            }
            var number: UInt32 = 0
            for digit in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                number = number * 10 + UInt32(digit - UInt8(ascii: "0"))
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
            parts += 1
        }
        guard parts == 4 else { return nil }
        rawValue = value
    }

    /// Dotted decimal.
    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 255).\(rawValue >> 8 & 255).\(rawValue & 255)"
    }
}

extension IPv4Address: Comparable {
    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension IPv4Address: Codable {
    /// From its text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPv4Address(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not an IPv4 address")
        }
        self = address
    }

    /// As its text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
