import NetworkAddress

/// Who asks for a server, for the schedulers that hash. An IPv4 address is in its IPv4-mapped form.
struct ScheduleQuestion {
    var source: IPv6Address
    var sourcePort: UInt16
    var destination: IPv6Address
    var destinationPort: UInt16
}
