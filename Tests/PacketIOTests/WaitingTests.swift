internal import Glibc
internal import Testing

@testable internal import PacketIO

@Suite("waiting and explaining")
struct WaitingTests {
    @Test("a signal given before or during a wait ends it", .timeLimit(.minutes(1)))
    func signalEndsWait() throws {
        let wakeUp = try WakeUp()
        var set = PollSet(slots: 2, wakeUp: wakeUp)
        let start = time(nil)
        wakeUp.signal()
        wakeUp.signal()
        set.wait(milliseconds: 50_000)
        #expect(time(nil) - start < 25)
        // Both signals are spent: this one waits until its time is up, with nothing to show.
        set.wait(milliseconds: 1)
        let (hasFrames, hasFailed) = (set.hasFrames(slot: 0), set.hasFailed(slot: 1))
        #expect(!hasFrames && !hasFailed)
    }

    @Test("the header survives the way out, except for the mark that is only for readers")
    func headerRoundTrip() {
        let header = VirtioNetHeader(
            flags: 3, segmentationType: 1, headerLength: 66, segmentSize: 1448, checksumStart: 34, checksumOffset: 16)
        withUnsafeTemporaryAllocation(byteCount: VirtioNetHeader.byteCount, alignment: 1) { bytes in
            guard let start = bytes.baseAddress else { return }
            header.store(to: start)
            var expected = header
            expected.flags = 1
            #expect(VirtioNetHeader(start) == expected)
            #expect(Array(bytes) == [1, 1, 66, 0, 168, 5, 34, 0, 16, 0])
        }
    }

    @Test("an error says what failed, where, and what to do")
    func errorTexts() {
        let denied = PacketIOError(operation: "socket AF_PACKET", interface: "eth0", number: EPERM)
        #expect(denied.description.contains("eth0") && denied.description.contains("CAP_NET_RAW"))
        #expect(!denied.isInterfaceLoss)
        let absent = PacketIOError(operation: "open", interface: "eth9", number: ENODEV)
        #expect(absent.description.contains("eth9: open: there is no such interface"))
        #expect(absent.isInterfaceLoss)
        let other = PacketIOError(operation: "mmap", interface: "eth0", number: ENOMEM)
        #expect(other.description == "interface eth0: mmap: Cannot allocate memory")
    }
}
