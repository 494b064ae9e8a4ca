import NetworkAddress

/// What ``SaveReader`` reads, one value after the other.
struct SaveWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }

    mutating func append(_ text: String) {
        append(UInt32(text.utf8.count))
        bytes += text.utf8
    }

    mutating func append(_ raw: [UInt8]) { bytes += raw }

    /// An address of either family, in as many bytes as `isIPv6` says it has.
    mutating func append(_ address: IPv6Address, isIPv6: Bool = true) {
        guard isIPv6 else { return append(address.low32) }
        append(address.high)
        append(address.low)
    }

    /// A list: its length, then its elements. `write` is given room for them and says how many there were.
    mutating func append(list write: (inout SaveWriter) -> Int) {
        let place = bytes.count
        append(UInt32(0))
        let count = UInt32(write(&self))
        for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: count >> UInt32(8 * index)) }
    }

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(bytes.count + count) }
}
