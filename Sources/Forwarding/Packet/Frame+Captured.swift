public import NetworkAddress

// A frame from a capture file, which has its bytes and nothing of what the kernel knew of it.
extension Frame {
    /// A frame as it was captured. What the file does not tell is read off its bytes:
    ///
    /// - its checksum is a partial one where the field holds just the pseudo-header's sum: one complete checksum in 65,536 looks
    ///   like that too;
    /// - TCP longer than any packet may be is a super-packet, as a host captures what its card cuts.
    ///
    /// - Parameters:
    ///   - bytes: the whole frame, and in front of it `headroom` bytes that may be written.
    ///   - longestPacket: the longest IP packet that is one, in bytes.
    ///   - segment: how long the packets that a super-packet stands for are taken to be, in bytes.
    public init(captured bytes: UnsafeMutableRawBufferPointer, headroom: Int, longestPacket: Int, segment: Int) {
        self.init(bytes: bytes, headroom: headroom)
        guard let base = bytes.baseAddress, let header = InternetHeader(frame: UnsafeRawBufferPointer(bytes)) else {
            return
        }
        let packet = UnsafeRawPointer(base) + InternetHeader.ethernet
        if let offset = header.checksumOffset, !header.isFragment {
            let sum = header.pseudoHeaderSum(length: header.totalLength - header.length)
            isPartial = packet.word(at: offset) == sum
        }
        guard header.transport == InternetHeader.tcp, !header.isFragment, header.totalLength > longestPacket,
            let transportLength = header.transportLength(at: packet)
        else { return }
        segmentSize = max(1, segment - header.length - transportLength)
    }

    /// Whom a captured frame's IP packet is from and for; nil: it carries none, or was sent to a group.
    public static func ends(of frame: UnsafeRawBufferPointer) -> (source: IPAddress, destination: IPAddress)? {
        Packet.ends(of: frame).map { ($0.source.narrow, $0.destination.narrow) }
    }
}
