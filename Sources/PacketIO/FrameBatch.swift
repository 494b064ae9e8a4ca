internal import CLinux

/// The frames of one block of the receive ring, in order of arrival.
///
/// Nothing is copied: the frames lie where the kernel put them until `PacketSocket.release(_:)` gives the block back.
public struct FrameBatch: ~Copyable {
    let block: UnsafeMutableRawPointer
    private var next: UnsafeMutableRawPointer
    private var remaining: UInt32

    /// A block the kernel has handed over (`TP_STATUS_USER` seen with acquire ordering).
    init(block: UnsafeMutableRawPointer) {
        let description = block.assumingMemoryBound(to: tpacket_block_desc.self).pointee.hdr.bh1
        self.block = block
        next = block + Int(description.offset_to_first_pkt)
        remaining = description.num_pkts
    }

    /// The next frame, or nil after the last.
    @inline(__always)
    public mutating func nextFrame() -> ReceivedFrame? {
        guard remaining > 0 else { return nil }
        let start = next
        let header = start.assumingMemoryBound(to: tpacket3_hdr.self).pointee
        let link = (start + Self.linkAddressOffset).assumingMemoryBound(to: sockaddr_ll.self)
        remaining &-= 1
        next = start + Int(header.tp_next_offset)
        let frame = start + Int(header.tp_mac)
        // Its headers mostly go on into another line of the cache, which will be wanted when those of all frames are read.
        clinux_prefetch(frame + 53)
        let isTruncated = header.tp_snaplen < header.tp_len
        return ReceivedFrame(
            bytes: UnsafeMutableRawBufferPointer(start: frame, count: Int(header.tp_snaplen)),
            // A truncated frame has no header: tpacket_rcv() leaves it out.
            header: isTruncated ? .none : VirtioNetHeader(frame - VirtioNetHeader.byteCount),
            destination: Self.destination(link.pointee.sll_pkttype),
            vlan: header.tp_status & UInt32(TP_STATUS_VLAN_VALID) != 0
                ? UInt16(truncatingIfNeeded: header.hv1.tp_vlan_tci) : nil,
            isTruncated: isTruncated)
    }

    /// Where `tpacket_rcv()` puts the frame's `sockaddr_ll`: after its header, aligned to `TPACKET_ALIGNMENT`.
    private static let linkAddressOffset =
        (MemoryLayout<tpacket3_hdr>.size + Int(TPACKET_ALIGNMENT) - 1) & ~(Int(TPACKET_ALIGNMENT) - 1)

    @inline(__always)
    private static func destination(_ type: UInt8) -> ReceivedFrame.Destination {
        switch CInt(type) {
        case PACKET_HOST: .host
        case PACKET_BROADCAST, PACKET_MULTICAST: .group
        default: .other
        }
    }
}
