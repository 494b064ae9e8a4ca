/// An address with a prefix length, as `ip addr` and `ip route` write it: `192.0.2.10/32`.
public struct Prefix: Hashable, Sendable {
    /// The address, host bits included.
    public var address: IPAddress
    /// How many leading bits name the network: 0 to 32, or 0 to 128.
    public var length: Int

    /// A prefix, or nil where `length` is out of the family's range.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.bitWidth).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// The prefix that holds exactly one address: /32 or /128.
    public init(host address: IPAddress) {
        self.address = address
        length = address.bitWidth
    }

    /// Whether `other` lies in this network.
    public func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let network), .v4(let other)):
            length == 0 || (network.rawValue ^ other.rawValue) >> UInt32(32 - length) == 0
        case (.v6(let network), .v6(let other)):
            if length <= 64 {
                length == 0 || (network.high ^ other.high) >> UInt64(64 - length) == 0
            } else {
                network.high == other.high && (network.low ^ other.low) >> UInt64(128 - length) == 0
            }
        default: false
        }
    }
}

extension Prefix: LosslessStringConvertible {
    /// `ADDRESS/LENGTH`, or nil.
    public init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/"), let address = IPAddress(text[..<slash]),
            case let digits = text[text.index(after: slash)...],
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let length = Int(digits)
        else { return nil }
        self.init(address, length: length)
    }

    /// `ADDRESS/LENGTH`.
    public var description: String { "\(address)/\(length)" }
}

extension Prefix: Codable {
    /// From its text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let prefix = Prefix(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not ADDRESS/LENGTH")
        }
        self = prefix
    }

    /// As its text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
