import NetworkAddress

extension LinkStation {
    /// Makes the frame one for this server, as direct routing does: the server's MAC and ours in the Ethernet header, the TTL
    /// one less, the IPv4 header checksum brought up to date (`ip_vs_dr_xmit` and `decrement_ttl` in
    /// `net/netfilter/ipvs/ip_vs_xmit.c`). Everything else stays, above all the TCP checksum, which may be a partial one.
    ///
    /// The frame has been through ``Segment``, and its TTL is at least 2.
    func address(_ frame: UnsafeMutableRawBufferPointer) {
        guard let base = frame.baseAddress, frame.count >= FrameLayout.shortestIPv4 else { return }
        // The two addresses are the first 12 bytes: the server's 6 and 2 of ours, then the other 4 of ours.
        let head = destination.rawValue << 16 | source.rawValue >> 32
        base.storeBytes(of: head.bigEndian, toByteOffset: FrameLayout.destinationMAC, as: UInt64.self)
        base.storeBytes(
            of: UInt32(truncatingIfNeeded: source.rawValue).bigEndian, toByteOffset: 8, as: UInt32.self)

        let reader = UnsafeRawPointer(base)
        let old = reader.word(at: FrameLayout.timeToLive)
        let new = old &- 0x0100
        let checksum = InternetChecksum.updated(reader.word(at: FrameLayout.headerChecksum), from: old, to: new)
        base.storeBytes(of: new.bigEndian, toByteOffset: FrameLayout.timeToLive, as: UInt16.self)
        base.storeBytes(of: checksum.bigEndian, toByteOffset: FrameLayout.headerChecksum, as: UInt16.self)
    }
}
