import NetworkAddress

/// What the outer UDP header of a tunnel tells routers of the flow inside, so that they may spread flows over paths and keep
/// each on its own.
enum FlowEntropy {
    /// The lowest and highest source port, Linux's default `ip_local_port_range`, which `udp_flow_src_port` takes
    /// (`include/net/udp.h`). The highest is never used, there as here.
    static let ports: ClosedRange<UInt16> = 32768...60999

    /// A source port from a keyed hash of the addresses, the protocol, and the ports where there are some: all fragments of a
    /// datagram go by the addresses alone, as in the kernel's flow dissector.
    static func port(of header: InternetHeader, at packet: UnsafeMutableRawPointer, seed: UInt64) -> UInt16 {
        var hash = seed
        hash = mixed(hash, header.source.high)
        hash = mixed(hash, header.source.low)
        hash = mixed(hash, header.destination.high)
        hash = mixed(hash, header.destination.low)
        let hasPorts =
            !header.isFragment && (header.transport == InternetHeader.tcp || header.transport == InternetHeader.udp)
            && header.length + 4 <= header.totalLength
        let ports = hasPorts ? UnsafeRawPointer(packet).long(at: header.length) : 0
        hash = mixed(hash, UInt64(header.transport) << 32 | UInt64(ports))
        let span = UInt64(Self.ports.upperBound - Self.ports.lowerBound)
        return Self.ports.lowerBound + UInt16(((hash >> 32) * span) >> 32)
    }

    /// A step of SplitMix64's finisher: it need not withstand anybody, only spread.
    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        var value = (hash ^ word) &+ 0x9e37_79b9_7f4a_7c15
        value = (value ^ value &>> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value &>> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value &>> 31
    }
}
