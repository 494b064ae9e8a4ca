/// A frame in the caller's memory, with what the kernel knows of it beyond its bytes.
public struct Frame {
    /// The frame from its destination MAC on, without VLAN tag and frame check sequence. After an encapsulation it begins
    /// earlier, in what was ``headroom``.
    public var bytes: UnsafeMutableRawBufferPointer
    /// How many bytes in front of ``bytes`` may be written.
    public var headroom: Int
    /// Whether the transport checksum holds only the pseudo-header's sum, the rest being left to whoever sends the frame on
    /// (CHECKSUM_PARTIAL, `VIRTIO_NET_HDR_F_NEEDS_CSUM`).
    public var isPartial: Bool
    /// How many bytes of payload each segment of a super-packet gets; 0 where the frame is one packet.
    public var segmentSize: Int
    /// Which of the caller's interfaces it came in by: what ``LinkStation/egress`` counts too.
    public var ingress: Int

    /// A frame as received. It may be padded, and is not cut short.
    public init(
        bytes: UnsafeMutableRawBufferPointer, headroom: Int = 0, isPartial: Bool = false, segmentSize: Int = 0,
        ingress: Int = 0
    ) {
        self.bytes = bytes
        self.headroom = headroom
        self.isPartial = isPartial
        self.segmentSize = segmentSize
        self.ingress = ingress
    }
}
