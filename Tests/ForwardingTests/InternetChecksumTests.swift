import Testing

@testable import Forwarding

@Suite("Internet checksum")
struct InternetChecksumTests {
    @Test("the example of RFC 1071 sums to 0xDDF2")
    func example() {
        let bytes: [UInt8] = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]
        #expect(bytes.withUnsafeBytes { InternetChecksum.sum($0) } == 0xDDF2)
    }

    @Test("an odd last byte counts as the high half of a word, and no bytes sum to 0")
    func odd() {
        let bytes: [UInt8] = [0x12, 0x34, 0x56]
        #expect(bytes.withUnsafeBytes { InternetChecksum.sum($0) } == 0x1234 + 0x5600)
        #expect(InternetChecksum.sum(UnsafeRawBufferPointer(start: nil, count: 0)) == 0)
    }

    @Test("the example of RFC 1624: 0xDD2F, 0x5555 to 0x3285, gives 0x0000 and not 0xFFFF")
    func incremental() {
        #expect(InternetChecksum.updated(0xDD2F, from: 0x5555, to: 0x3285) == 0x0000)
    }
}
