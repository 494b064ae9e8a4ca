/// What the kernel knows of a frame beyond its bytes: a checksum not filled in yet, segments still in one piece.
///
/// The kernel writes it in front of each received frame and reads it in front of each frame sent while
/// `PACKET_VNET_HDR` is on (packet(7); the fields are those of `struct virtio_net_hdr`, OASIS virtio 1.2 §5.1.6).
/// A frame that is sent on with the header it came with is whole on the other side, whatever its size.
public struct VirtioNetHeader: Hashable, Sendable {
    /// `VIRTIO_NET_HDR_F_…`.
    public var flags: UInt8
    /// `VIRTIO_NET_HDR_GSO_…`: 0 where the frame is one packet.
    public var segmentationType: UInt8
    /// How many bytes of headers each segment repeats: a hint.
    public var headerLength: UInt16
    /// How many bytes of payload each segment gets; 0 where the frame is one packet.
    public var segmentSize: UInt16
    /// Where the bytes to be checksummed begin, from the start of the frame. Moves when a header is put in front.
    public var checksumStart: UInt16
    /// Where the checksum goes, from `checksumStart`.
    public var checksumOffset: UInt16

    /// A frame that is exactly its bytes: every checksum filled in, one packet.
    public static let none = VirtioNetHeader()

    /// Creates a header.
    public init(
        flags: UInt8 = 0, segmentationType: UInt8 = 0, headerLength: UInt16 = 0, segmentSize: UInt16 = 0,
        checksumStart: UInt16 = 0, checksumOffset: UInt16 = 0
    ) {
        self.flags = flags
        self.segmentationType = segmentationType
        self.headerLength = headerLength
        self.segmentSize = segmentSize
        self.checksumStart = checksumStart
        self.checksumOffset = checksumOffset
    }

    /// How many bytes it takes in front of a frame.
    public static let byteCount = 10

    /// Whether the transport checksum holds only the pseudo-header's sum (`VIRTIO_NET_HDR_F_NEEDS_CSUM`).
    public var needsChecksum: Bool { flags & 1 != 0 }

    /// Whether the frame stands for several packets.
    public var isSuperPacket: Bool { segmentationType != 0 }

    /// The header of the same frame with `growth` bytes more in front of what is to be checksummed. For one packet, not a
    /// super-packet.
    @inline(__always)
    public func grown(by growth: Int) -> VirtioNetHeader {
        guard growth != 0, needsChecksum else { return self }
        var header = self
        header.checksumStart &+= UInt16(truncatingIfNeeded: growth)
        return header
    }

    /// From the bytes the kernel wrote.
    @inline(__always)
    init(_ bytes: UnsafeRawPointer) {
        flags = bytes.load(as: UInt8.self)
        segmentationType = bytes.load(fromByteOffset: 1, as: UInt8.self)
        headerLength = bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
        segmentSize = bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        checksumStart = bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
        checksumOffset = bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
    }

    /// As the bytes the kernel reads. `VIRTIO_NET_HDR_F_DATA_VALID` is the kernel's word to a reader and means
    /// nothing on the way out: only `VIRTIO_NET_HDR_F_NEEDS_CSUM` is passed on.
    @inline(__always)
    func store(to bytes: UnsafeMutableRawPointer) {
        bytes.storeBytes(of: flags & 1, as: UInt8.self)
        bytes.storeBytes(of: segmentationType, toByteOffset: 1, as: UInt8.self)
        bytes.storeBytes(of: headerLength, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: segmentSize, toByteOffset: 4, as: UInt16.self)
        bytes.storeBytes(of: checksumStart, toByteOffset: 6, as: UInt16.self)
        bytes.storeBytes(of: checksumOffset, toByteOffset: 8, as: UInt16.self)
    }
}
