@testable internal import Director

/// A capture file made by hand, in any of the four kinds there are.
struct TestCapture {
    struct Frame: Equatable {
        var seconds: UInt32
        /// In the file's unit.
        var fraction: UInt32 = 0
        var bytes: [UInt8]
        /// How long it was on the wire, where that is more.
        var originalLength: Int?
    }

    var isLittleEndian = true
    var isNanoseconds = false
    var linkType: UInt32 = 1
    var frames: [Frame]

    var bytes: [UInt8] {
        var file = octets(isNanoseconds ? UInt32(0xA1B2_3C4D) : 0xA1B2_C3D4)
        for half in [UInt16(2), 4] { file += octets(half) }
        for word in [UInt32(0), 0, 262_144, linkType] { file += octets(word) }
        for frame in frames { file += record(frame) }
        return file
    }

    /// A frame as it lies in the file.
    func record(_ frame: Frame) -> [UInt8] {
        let length = frame.bytes.count
        var record: [UInt8] = []
        for word in [frame.seconds, frame.fraction, UInt32(length), UInt32(frame.originalLength ?? length)] {
            record += octets(word)
        }
        return record + frame.bytes
    }

    private func octets(_ number: some FixedWidthInteger) -> [UInt8] {
        let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) }
        return isLittleEndian ? bytes.reversed() : bytes
    }

    /// What a reader finds in a file, handed over in portions of so many bytes at most; the error where it is none.
    static func read(
        _ file: [UInt8], by portion: Int = .max
    ) throws(CaptureError) -> (frames: [Frame], times: [UInt64], flaw: String?) {
        var rest = file[...]
        let reader = try CaptureReader { (room) throws(CaptureError) in
            let count = min(room.count, portion, rest.count)
            room.copyBytes(from: rest.prefix(count))
            rest = rest.dropFirst(count)
            return count
        }
        var (frames, times): ([Frame], [UInt64]) = ([], [])
        while let captured = try reader.next() {
            let header = captured.header
            frames.append(
                Frame(
                    seconds: header.seconds, fraction: header.fraction, bytes: Array(captured.bytes),
                    originalLength: captured.isCutShort ? header.originalLength : nil))
            times.append(reader.format.milliseconds(header))
        }
        return (frames, times, reader.flaw)
    }
}
