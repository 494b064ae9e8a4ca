import NetworkAddress

/// Who asks for a server, for the schedulers that hash. An IPv4 address is in its IPv4-mapped form.
struct ScheduleQuestion {
    var source: IPv6Address
    var sourcePort: UInt16
    var destination: IPv6Address
    var destinationPort: UInt16
}

/// An IPv4 address in its IPv4-mapped form (RFC 4291 §2.5.5.2).
func mapped(_ v4: UInt32) -> IPv6Address {
    IPv6Address(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4))
}
