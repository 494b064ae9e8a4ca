import NetworkAddress

extension LinkStation {
    /// Makes the frame one for this station, as a router does: the station's MAC and ours in the Ethernet header, the TTL one
    /// less, the IPv4 header checksum brought up to date (`ip_vs_dr_xmit` and `decrement_ttl` in
    /// `net/netfilter/ipvs/ip_vs_xmit.c`). In direct routing that is all: everything else stays, above all the transport's
    /// checksum, which may be a partial one.
    ///
    /// The frame has been through ``Packet/read(_:)``, and its TTL is at least 2.
    @inline(__always)
    func address(_ frame: UnsafeMutableRawBufferPointer, _ header: InternetHeader) {
        guard let base = frame.baseAddress else { return }
        base.writeEthernet(
            from: source, to: destination,
            type: header.isIPv6 ? InternetHeader.etherTypeIPv6 : InternetHeader.etherTypeIPv4)
        (base + InternetHeader.ethernet).decrementTimeToLive(header)
    }
}

extension UnsafeMutableRawPointer {
    /// Takes one off the TTL or hop limit of the packet that begins here, which is at least 2.
    @inline(__always)
    func decrementTimeToLive(_ header: InternetHeader) {
        let reader = UnsafeRawPointer(self)
        guard !header.isIPv6 else { return write(header.timeToLive - 1, at: 7) }
        // The word is read anew: a translation has changed the checksum since.
        let old = reader.word(at: 8)
        write(old &- 0x0100, at: 8)
        write(InternetChecksum.updated(reader.word(at: 10), from: old, to: old &- 0x0100), at: 10)
    }
}
