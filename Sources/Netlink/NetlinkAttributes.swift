internal import CNetlink
internal import Glibc
internal import NetworkAddress

/// The attributes of a netlink message, or nested in one of them, read by type. Lengths that do not fit end the list: what
/// is malformed reads as absent.
struct NetlinkAttributes {
    private let bytes: ArraySlice<UInt8>

    /// Reads `bytes`, which start with an attribute's header, or are empty.
    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// The attributes behind a fixed header of `headerSize` bytes.
    init(_ payload: [UInt8], behind headerSize: Int) {
        let start = (headerSize + 3) & ~3
        bytes = payload[min(start, payload.count)...]
    }

    /// The content of the first attribute of `type`, or nil where there is none.
    subscript(type: Int) -> ArraySlice<UInt8>? {
        let range = bytes.withUnsafeBytes { buffer -> Range<Int>? in
            guard let base = buffer.baseAddress,
                let found = nla_find(base.assumingMemoryBound(to: nlattr.self), Int32(buffer.count), Int32(type)),
                let data = nla_data(found)
            else { return nil }
            let start = UnsafeRawPointer(data) - base
            return start..<start + Int(nla_len(found))
        }
        return range.map { bytes[bytes.startIndex + $0.lowerBound..<bytes.startIndex + $0.upperBound] }
    }

    /// The attributes nested in the one of `type`; empty where there is none.
    func nested(_ type: Int) -> NetlinkAttributes { NetlinkAttributes(self[type] ?? []) }

    /// A number in the host's byte order, or nil where the attribute is absent or too short.
    func number<Value: FixedWidthInteger>(_ type: Int, as: Value.Type = Value.self) -> Value? {
        self[type].flatMap { Self.number($0) }
    }

    /// Text up to its NUL, or nil.
    func string(_ type: Int) -> String? {
        self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// An address of 4 or 16 bytes, or nil.
    func address(_ type: Int) -> IPAddress? {
        guard let content = self[type] else { return nil }
        switch content.count {
        case 4: return .v4(IPv4Address(rawValue: content.reduce(0) { $0 << 8 | UInt32($1) }))
        case 16:
            let high = content.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            return .v6(IPv6Address(high: high, low: content.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }))
        default: return nil
        }
    }

    /// The first bytes of `content` as a number in the host's byte order, or nil where it is too short.
    static func number<Value: FixedWidthInteger>(_ content: ArraySlice<UInt8>) -> Value? {
        guard content.count >= MemoryLayout<Value>.size else { return nil }
        return content.withUnsafeBytes { $0.loadUnaligned(as: Value.self) }
    }
}
