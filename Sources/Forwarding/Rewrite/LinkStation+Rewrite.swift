import NetworkAddress

extension LinkStation {
    /// Makes the frame one for this station, as a router does: the station's MAC and ours in the Ethernet header, the TTL one
    /// less, the IPv4 header checksum brought up to date (`ip_vs_dr_xmit` and `decrement_ttl` in
    /// `net/netfilter/ipvs/ip_vs_xmit.c`). In direct routing that is all: everything else stays, above all the transport's
    /// checksum, which may be a partial one.
    ///
    /// The frame has been through ``Packet``, and its TTL is at least 2.
    @inline(__always)
    func address(_ frame: UnsafeMutableRawBufferPointer, _ family: Packet.Family) {
        guard let base = frame.baseAddress, frame.count >= FrameLayout.shortestIPv4 else { return }
        writeMACs(base)
        let reader = UnsafeRawPointer(base)
        switch family {
        case .v4:
            let old = reader.word(at: FrameLayout.timeToLive)
            let new = old &- 0x0100
            let checksum = InternetChecksum.updated(reader.word(at: FrameLayout.headerChecksum), from: old, to: new)
            base.store(word: new, at: FrameLayout.timeToLive)
            base.store(word: checksum, at: FrameLayout.headerChecksum)
        case .v6:
            base.storeBytes(
                of: reader.byte(at: FrameLayout.hopLimit6) &- 1, toByteOffset: FrameLayout.hopLimit6, as: UInt8.self)
        }
    }

    /// The two addresses in an Ethernet header: its first 12 bytes.
    @inline(__always)
    func writeMACs(_ base: UnsafeMutableRawPointer) {
        // The station's 6 and 2 of ours, then the other 4 of ours.
        let head = destination.rawValue << 16 | source.rawValue >> 32
        base.storeBytes(of: head.bigEndian, toByteOffset: FrameLayout.destinationMAC, as: UInt64.self)
        base.store(long: UInt32(truncatingIfNeeded: source.rawValue), at: 8)
    }
}
