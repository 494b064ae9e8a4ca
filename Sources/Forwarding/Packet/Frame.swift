/// A frame in the caller's memory, with what the kernel knows of it beyond its bytes.
///
/// Whoever makes one vouches for the memory: ``bytes``, and ``headroom`` bytes in front of it, stay valid and are touched by
/// nobody else while the frame is in use.
public struct Frame {
    /// The whole Ethernet frame, from the destination MAC on. It may begin earlier after encapsulation.
    public var bytes: UnsafeMutableRawBufferPointer
    /// How many bytes in front of ``bytes`` may be written, 0 or more.
    public var headroom: Int
    /// Whether the transport checksum holds only the pseudo-header's sum (CHECKSUM_PARTIAL), for a device to complete.
    public var isPartial: Bool
    /// Payload bytes per segment of a super-packet (`gso_size`), or 0 where the frame is one packet.
    public var segmentSize: Int
    /// Index of the interface it came in by.
    public var ingress: Int
    /// Whether other forwarders are given the same frame, because nobody knew whose it is: see ``Forwarder/share(_:)``.
    public var isShared: Bool

    /// A frame in `bytes`: one packet with a complete checksum and no headroom, unless told otherwise.
    public init(
        bytes: UnsafeMutableRawBufferPointer, headroom: Int = 0, isPartial: Bool = false, segmentSize: Int = 0,
        ingress: Int = 0, isShared: Bool = false
    ) {
        self.bytes = bytes
        self.headroom = headroom
        self.isPartial = isPartial
        self.segmentSize = segmentSize
        self.ingress = ingress
        self.isShared = isShared
    }
}
