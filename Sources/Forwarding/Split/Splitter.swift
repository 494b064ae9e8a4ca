/// Cuts a frame that is too long in one piece: a super-packet into the segments its sender meant, as the kernel's GSO does, or
/// an IPv4 packet without DF into fragments. It allocates nothing; each piece is written whole into the caller's buffer.
///
/// ```swift
/// guard var splitter = Splitter(frame, limit: mtu) else { … }
/// while let piece = splitter.next(into: buffer) { … }
/// ```
public struct Splitter {
    /// How many bytes in front of each piece may be written, for its encapsulation.
    public static let headroom = 128

    /// How long the buffer for ``next(into:)`` must be, in bytes.
    public let bufferLength: Int

    let header: InternetHeader
    let frame: Frame
    /// How many bytes behind the Ethernet header every piece begins with: of segments the transport's header is one.
    let headLength: Int
    /// What the checksum field of the fragmented datagram must hold, where it was partial.
    let checksum: UInt16?
    /// The most bytes a piece carries behind the headers.
    private let size: Int
    private let isSegmenting: Bool
    private var offset = 0
    private var count = 0
    private var isFinished = false

    /// A splitter of this frame, which must stay as it is until the last piece has been taken.
    ///
    /// - Parameters:
    ///   - frame: a TCP or UDP super-packet (``Frame/segmentSize`` more than 0), or a single packet.
    ///   - limit: the longest IP packet that a fragment may be, in bytes. Of no account for a super-packet: its segments are as
    ///     long as their sender chose, and are to be judged again, one by one.
    /// - Returns: nil where the frame cannot be split: not sound IPv4 or IPv6; a super-packet that is a fragment itself or
    ///   neither TCP nor UDP; else a packet that must not be fragmented (DF, all of IPv6), or a limit that leaves no room for
    ///   8 bytes behind the header.
    public init?(_ frame: Frame, limit: Int) {
        guard let base = frame.bytes.baseAddress,
            let header = InternetHeader(frame: UnsafeRawBufferPointer(frame.bytes))
        else { return nil }
        let packet = UnsafeRawPointer(base) + InternetHeader.ethernet
        isSegmenting = frame.segmentSize > 0
        if isSegmenting {
            guard let transportLength = header.transportLength(at: packet), !header.isFragment else { return nil }
            headLength = header.length + transportLength
            size = frame.segmentSize
            checksum = nil
        } else {
            guard !header.mustNotFragment, limit >= header.length + 8 else { return nil }
            headLength = header.length
            size = (limit - header.length) & ~7
            checksum = frame.isPartial ? header.completedChecksum(at: packet) : nil
            guard !frame.isPartial || checksum != nil else { return nil }
        }
        self.frame = frame
        self.header = header
        bufferLength =
            Self.headroom + InternetHeader.ethernet + headLength + min(size, header.totalLength - headLength)
    }

    /// The next piece, an ordinary frame with a complete checksum and ``headroom``, which lasts as long as `buffer` is left
    /// alone; nil after the last one, or where the buffer is shorter than ``bufferLength``.
    public mutating func next(into buffer: UnsafeMutableRawBufferPointer) -> Frame? {
        guard !isFinished, buffer.count >= bufferLength, let start = buffer.baseAddress,
            let source = frame.bytes.baseAddress
        else { return nil }
        let ethernet = InternetHeader.ethernet
        let payload = min(size, header.totalLength - headLength - offset)
        let isLast = headLength + offset + payload == header.totalLength
        let piece = start + Self.headroom
        piece.copyMemory(from: source, byteCount: ethernet + headLength)
        (piece + ethernet + headLength).copyMemory(
            from: source + ethernet + headLength + offset, byteCount: payload)
        if isSegmenting {
            finishSegment(piece + ethernet, number: count, at: offset, payload: payload, isLast: isLast)
        } else {
            finishFragment(piece + ethernet, at: offset, payload: payload, isLast: isLast)
        }
        offset += payload
        count += 1
        isFinished = isLast
        let bytes = UnsafeMutableRawBufferPointer(start: piece, count: ethernet + headLength + payload)
        return Frame(bytes: bytes, headroom: Self.headroom, ingress: frame.ingress)
    }
}
