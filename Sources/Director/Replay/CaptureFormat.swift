/// How a capture file says what it says: pcap, the classic format of libpcap (draft-ietf-opsawg-pcap, pcap-savefile(5)).
///
/// ```
/// file    magic 4 · version 2 + 2 · 0 · 0 · longest frame 4 · link type 4
/// frame   seconds 4 · fraction 4 · bytes here 4 · bytes on the wire 4 · the bytes
/// ```
struct CaptureFormat: Hashable, Sendable {
    /// Whether numbers have their lowest byte first.
    var isLittleEndian = true
    /// Whether the fraction of a second is in nanoseconds, not microseconds.
    var isNanoseconds = false

    static let fileHeaderLength = 24
    static let frameHeaderLength = 16
    /// The most bytes of a frame that a file may hold: `MAXIMUM_SNAPLEN` of libpcap.
    static let longestFrame = 262_144

    private static let microseconds: UInt32 = 0xA1B2_C3D4
    private static let nanoseconds: UInt32 = 0xA1B2_3C4D
    /// The type of a pcapng file's first block, which reads the same either way.
    private static let nextGeneration: UInt32 = 0x0A0D_0D0A
    private static let ethernet: UInt32 = 1
    /// The link type's own bits; those above tell of frame check sequences.
    private static let linkTypeMask: UInt32 = 0x03FF_FFFF

    /// The format of a file that is written: the one of the machines there are.
    init(isNanoseconds: Bool) {
        self.isNanoseconds = isNanoseconds
    }

    /// The format of the file with this header, ``fileHeaderLength`` bytes of it or all there are.
    init(header: UnsafeRawBufferPointer) throws(CaptureError) {
        guard header.count >= 4 else { throw .notACapture }
        switch (Self.number(header, at: 0, isLittleEndian: true), Self.number(header, at: 0, isLittleEndian: false)) {
        case (Self.microseconds, _): break
        case (_, Self.microseconds): isLittleEndian = false
        case (Self.nanoseconds, _): isNanoseconds = true
        case (_, Self.nanoseconds): (isLittleEndian, isNanoseconds) = (false, true)
        case (Self.nextGeneration, _): throw .nextGeneration
        default: throw .notACapture
        }
        guard header.count >= Self.fileHeaderLength else { throw .shortHeader(header.count) }
        let linkType = number(header, at: 20) & Self.linkTypeMask
        guard linkType == Self.ethernet else { throw .notEthernet(linkType) }
    }

    /// What stands in front of a frame.
    struct FrameHeader: Hashable, Sendable {
        var seconds: UInt32
        /// Of a second, in the file's unit.
        var fraction: UInt32
        /// How many bytes of it the file has.
        var length: Int
        /// How many it had.
        var originalLength: Int
    }

    /// From ``frameHeaderLength`` bytes.
    func frameHeader(_ bytes: UnsafeRawBufferPointer) -> FrameHeader {
        FrameHeader(
            seconds: number(bytes, at: 0), fraction: number(bytes, at: 4), length: Int(number(bytes, at: 8)),
            originalLength: Int(number(bytes, at: 12)))
    }

    /// When that was, in milliseconds since 1970.
    func milliseconds(_ header: FrameHeader) -> UInt64 {
        UInt64(header.seconds) * 1000 + UInt64(header.fraction / (isNanoseconds ? 1_000_000 : 1000))
    }

    /// The header of a file of Ethernet frames.
    var fileHeader: [UInt8] {
        let magic = isNanoseconds ? Self.nanoseconds : Self.microseconds
        return [magic, 0x0004_0002, 0, 0, UInt32(Self.longestFrame), Self.ethernet].flatMap(Self.bytes)
    }

    /// What is written in front of a whole frame.
    static func bytes(_ header: FrameHeader) -> [UInt8] {
        [header.seconds, header.fraction, UInt32(header.length), UInt32(header.originalLength)].flatMap(bytes)
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * $0)) }
    }

    private func number(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        Self.number(bytes, at: offset, isLittleEndian: isLittleEndian)
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, at offset: Int, isLittleEndian: Bool) -> UInt32 {
        let raw = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return isLittleEndian ? UInt32(littleEndian: raw) : UInt32(bigEndian: raw)
    }
}
