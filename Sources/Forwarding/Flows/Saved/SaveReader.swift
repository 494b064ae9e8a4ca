import NetworkAddress

/// Reads what ``SaveWriter`` wrote, one value after the other. Everything that is not there throws.
struct SaveReader {
    private var rest: UnsafeRawBufferPointer

    /// Reads these bytes, which must stay until it is done.
    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type
    ) throws(SavedFlowsError) -> Number {
        let raw = try take(MemoryLayout<Number>.size)
        return raw.indices.reduce(0) { $0 | Number(raw[$1]) << Number(8 * $1) }
    }

    mutating func text() throws(SavedFlowsError) -> String {
        let length = Int(try number(UInt32.self))
        return String(decoding: try take(length), as: UTF8.self)
    }

    mutating func address(isIPv6: Bool = true) throws(SavedFlowsError) -> IPv6Address {
        guard isIPv6 else { return IPv6Address(mapping: IPv4Address(rawValue: try number(UInt32.self))) }
        let high = try number(UInt64.self)
        return IPv6Address(high: high, low: try number(UInt64.self))
    }

    /// A list, element by element: no room is made for a count that may be wrong.
    mutating func list(_ read: (inout SaveReader) throws(SavedFlowsError) -> Void) throws(SavedFlowsError) {
        for _ in 0..<(try number(UInt32.self)) { try read(&self) }
    }

    private mutating func take(_ count: Int) throws(SavedFlowsError) -> UnsafeRawBufferPointer {
        guard count <= rest.count else { throw .damaged }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }
}
