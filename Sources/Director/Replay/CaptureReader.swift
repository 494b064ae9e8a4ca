/// The frames of a capture file, one after the other. It trusts nothing the file says, and keeps one frame in memory.
final class CaptureReader {
    /// Reads on, as read(2) does: so many bytes into the buffer; 0: there are no more.
    typealias Source = (UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int

    /// One frame, whose bytes last until the next.
    struct Captured {
        var header: CaptureFormat.FrameHeader
        /// With ``headroom`` bytes in front that may be written too.
        var bytes: UnsafeMutableRawBufferPointer
        /// Whether the file has only its beginning.
        var isCutShort: Bool { header.length < header.originalLength }
    }

    /// How many bytes in front of each frame may be written.
    static let headroom = 128

    let format: CaptureFormat
    /// Why the file ended before its end, in words; nil: it did not, or has not yet.
    private(set) var flaw: String?
    /// How many frames were read.
    private(set) var count = 0
    private let source: Source
    private let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: CaptureReader.headroom + CaptureFormat.longestFrame, alignment: 8)

    /// Reads the file's header.
    init(_ source: @escaping Source) throws(CaptureError) {
        self.source = source
        let header = UnsafeMutableRawBufferPointer(rebasing: memory[..<CaptureFormat.fileHeaderLength])
        do throws(CaptureError) {
            let length = try Self.fill(header, from: source)
            format = try CaptureFormat(header: UnsafeRawBufferPointer(rebasing: header[..<length]))
        } catch {
            memory.deallocate()
            throw error
        }
    }

    deinit { memory.deallocate() }

    /// The next frame; nil at the end of the file, or where it is damaged: ``flaw`` tells.
    func next() throws(CaptureError) -> Captured? {
        guard flaw == nil else { return nil }
        let start = UnsafeMutableRawBufferPointer(rebasing: memory[..<CaptureFormat.frameHeaderLength])
        let got = try Self.fill(start, from: source)
        guard got == start.count else {
            if got > 0 { flaw = "the file ends within the header of frame \(count + 1)" }
            return nil
        }
        let header = format.frameHeader(UnsafeRawBufferPointer(start))
        guard header.length <= CaptureFormat.longestFrame else {
            flaw =
                "frame \(count + 1) is damaged: it says it is \(header.length) bytes long, and none is longer than "
                + "\(CaptureFormat.longestFrame)"
            return nil
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[Self.headroom..<Self.headroom + header.length])
        let length = try Self.fill(bytes, from: source)
        guard length == header.length else {
            flaw = "the file ends within frame \(count + 1), after \(length) of its \(header.length) bytes"
            return nil
        }
        count += 1
        return Captured(header: header, bytes: bytes)
    }

    /// Reads until the buffer is full or the file ends; returns how much there was.
    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from source: Source
    ) throws(CaptureError) -> Int {
        var length = 0
        while length < buffer.count {
            let count = try source(UnsafeMutableRawBufferPointer(rebasing: buffer[length...]))
            guard count > 0 else { break }
            length += count
        }
        return length
    }
}
