/// A frame in the receive ring: valid, and ours to change, until its batch is released.
public struct ReceivedFrame {
    /// How many bytes in front of ``bytes`` are ours too, for headers that are put in front of it (`PACKET_RESERVE`,
    /// packet(7)): enough for IPv6, UDP and GUE.
    public static let headroom = 64

    /// The frame from its destination MAC on, without VLAN tag (see `vlan`) and frame check sequence.
    public var bytes: UnsafeMutableRawBufferPointer
    /// What must be sent in front of it for it to stay whole.
    public var header: VirtioNetHeader
    /// Whom the frame was meant for, by its destination MAC.
    public var destination: Destination
    /// The VLAN tag (priority, DEI, identifier) the interface took off the frame; nil: it had none.
    public var vlan: UInt16?
    /// Whether bytes are missing because the frame did not fit into the ring: it must not be sent on.
    public var isTruncated: Bool
    /// Whether it is for a VLAN's interface. A tag with the identifier 0 only names a priority (IEEE 802.1Q), and the frame is for the
    /// interface it came in by.
    public var isVLANs: Bool { (vlan ?? 0) & 0xFFF != 0 }

    /// Whom a frame was meant for (`sll_pkttype`, packet(7)).
    public enum Destination: Sendable {
        /// This interface's own MAC.
        case host
        /// Everyone on the segment, or a group.
        case group
        /// Another station: a switch flooded it. Forwarding it would put it on the wire twice.
        case other
    }
}
