internal import ConfigurationFile
internal import Fuzzing
internal import Lab
internal import Testing

@testable internal import Director

@Suite("captures")
struct CaptureTests {
    static let frames = [
        TestCapture.Frame(seconds: 1_700_000_000, fraction: 999_999, bytes: Array(0..<60)),
        .init(seconds: 1_700_000_001, fraction: 0, bytes: []),
        .init(seconds: 1_700_000_001, fraction: 1500, bytes: Array(repeating: 7, count: 96), originalLength: 1514),
    ]

    @Test("either byte order and unit of time is read, in whatever portions it comes", arguments: [1, 7, 24, 10_000])
    func kinds(portion: Int) throws {
        for isLittleEndian in [true, false] {
            for isNanoseconds in [true, false] {
                let capture = TestCapture(
                    isLittleEndian: isLittleEndian, isNanoseconds: isNanoseconds, frames: Self.frames)
                let read = try TestCapture.read(capture.bytes, by: portion)
                #expect(read.frames == Self.frames && read.flaw == nil)
                #expect(
                    read.times.map { $0 - 1_700_000_000_000 } == (isNanoseconds ? [0, 1000, 1000] : [999, 1000, 1001]))
            }
        }
    }

    @Test("what is written is read again, and by the system's own word is Ethernet in microseconds or nanoseconds")
    func written() throws {
        for isNanoseconds in [true, false] {
            let format = CaptureFormat(isNanoseconds: isNanoseconds)
            var file = format.fileHeader
            for frame in Self.frames.prefix(2) {
                let length = frame.bytes.count
                file += CaptureFormat.bytes(
                    .init(seconds: frame.seconds, fraction: frame.fraction, length: length, originalLength: length))
                file += frame.bytes
            }
            #expect(file == TestCapture(isNanoseconds: isNanoseconds, frames: Array(Self.frames.prefix(2))).bytes)
        }
    }

    @Test("what is no capture, or not of this kind, is refused with what to do")
    func refused() {
        func error(_ bytes: [UInt8]) -> CaptureError? {
            do throws(CaptureError) {
                _ = try TestCapture.read(bytes)
                return nil
            } catch {
                return error
            }
        }
        #expect(error([]) == .notACapture)
        #expect(error(Array("#!/bin/sh\nexit 0\n# not a capture".utf8)) == .notACapture)
        let next: [UInt8] = [0x0A, 0x0D, 0x0D, 0x0A, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A]
        #expect(error(next) == .nextGeneration && CaptureError.nextGeneration.cure.contains("editcap -F pcap"))
        let whole = TestCapture(frames: []).bytes
        for length in 4..<24 { #expect(error(Array(whole[..<length])) == .shortHeader(length)) }
        #expect(error(whole) == nil)
        #expect(error(TestCapture(linkType: 113, frames: []).bytes) == .notEthernet(113))
        #expect(error(TestCapture(isLittleEndian: false, linkType: 276, frames: []).bytes) == .notEthernet(276))
    }

    @Test("of a file that ends too early, what is whole is read, and where it ends is told")
    func cutShort() throws {
        let capture = TestCapture(frames: Self.frames)
        let file = capture.bytes
        let ends = [24, 24 + 76, 24 + 76 + 16, file.count]
        for length in 24...file.count {
            let read = try TestCapture.read(Array(file[..<length]))
            let whole = ends.lastIndex { $0 <= length } ?? 0
            #expect(read.frames == Array(Self.frames[..<whole]))
            #expect((read.flaw == nil) == ends.contains(length))
        }
        #expect(
            try TestCapture.read(Array(file[..<90])).flaw
                == "the file ends within frame 1, after 50 of its 60 bytes")
        #expect(try TestCapture.read(Array(file[..<105])).flaw == "the file ends within the header of frame 2")
    }

    @Test("a frame that says it is longer than any is damage, and memory is not taken for it")
    func tooLong() throws {
        for length: UInt32 in [262_145, 0x7FFF_FFFF, .max] {
            var file = TestCapture(frames: Self.frames).bytes
            let place = 24 + 76 + 8
            file.replaceSubrange(place..<place + 4, with: (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) })
            let read = try TestCapture.read(file)
            #expect(read.frames == Array(Self.frames[..<1]))
            #expect(read.flaw?.hasPrefix("frame 2 is damaged: it says it is \(length) bytes long") == true)
        }
        let longest = TestCapture(frames: [.init(seconds: 1, bytes: Array(repeating: 1, count: 262_144))])
        #expect(try TestCapture.read(longest.bytes).frames == longest.frames)
    }
}

@Suite("captures that somebody forged")
struct CaptureFuzzTests {
    @Test("whatever is in them, they are read to some end, and what is replayed of them is a capture again")
    func forged() throws {
        let run = FuzzRun(of: "captures", usual: 300)
        var random = SplitMix(seed: run.seed)
        let scratch = try ScratchDirectory()
        let replay = Replay(ReplayTests.configuration(.nat, flows: 1024))
        let whole = ReplayTests.conversation(.nat)
        var (replayed, refused) = (0, 0)
        for _ in 0..<run.count {
            var file = whole.bytes
            for _ in 0...random.below(6) { file[random.below(file.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.once(in: 4) { file.removeLast(random.below(file.count)) }
            try ReplayTests.write(file, to: "\(scratch.path)/in")
            do {
                let summary = try replay.run(from: "\(scratch.path)/in", to: "\(scratch.path)/out")
                let out = try TestCapture.read(ReplayTests.read("\(scratch.path)/out"))
                #expect(out.flaw == nil && out.frames.count == summary.sent)
                replayed += 1
            } catch is DirectorError {
                refused += 1
            }
        }
        #expect(replayed > run.count / 4 && refused > 0)
        run.tell("\(replayed) replayed, \(refused) refused")
    }
}
