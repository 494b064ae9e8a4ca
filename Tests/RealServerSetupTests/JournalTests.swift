import NetworkAddress
import Testing

@testable import RealServerSetup

@Suite("Journal")
struct JournalTests {
    private let header = Journal.Header(journal: 1, boot: "b", namespace: 4_026_531_840, createdRunDirectory: true)
    private let first = Journal.Entry.sysctl(name: .arpIgnore, interface: "eth0", index: 2, original: 0, written: 1)
    private let again = Journal.Entry.sysctl(name: .arpIgnore, interface: "eth0", index: 2, original: 3, written: 2)
    private let all = Journal.Entry.sysctl(name: .arpIgnore, interface: "all", index: nil, original: 3, written: 1)
    private let address = Journal.Entry.made(.vip(IPv4Address(192, 0, 2, 10)))

    @Test("what is written is read")
    func roundTrip() throws {
        let journal = Journal(header: header, entries: [first, all, address])
        #expect(try Journal(parsing: journal.text, path: "journal") == journal)
    }

    @Test("a line cut off anywhere is a change that was never begun")
    func cutOff() throws {
        let whole = Journal(header: header, entries: [first, address])
        let before = Journal(header: header, entries: [first])
        for length in before.text.count..<whole.text.count {
            #expect(try Journal(parsing: Array(whole.text.prefix(length)), path: "journal") == before)
        }
    }

    @Test("the first original and the last written value count, addresses go before sysctls, the newest first")
    func targets() {
        let journal = Journal(header: header, entries: [first, all, address, again, address])
        #expect(
            journal.targets == [
                .object([.vip(IPv4Address(192, 0, 2, 10))]),
                .sysctl(IPv4Sysctl(.arpIgnore, of: .all), original: 3, written: 1),
                .sysctl(
                    IPv4Sysctl(.arpIgnore, of: .interface(index: 2, name: "eth0")), original: 0, written: 2),
            ])
    }

    @Test("a repair to the same value adds no line, one to another value does")
    func covers() {
        let journal = Journal(header: header, entries: [first, address])
        let same = Journal.Entry.sysctl(name: .arpIgnore, interface: "eth0", index: 2, original: 5, written: 1)
        let other = Journal.Entry.sysctl(name: .arpIgnore, interface: "eth0", index: 3, original: 0, written: 1)
        #expect(journal.uncovered([address, same]).isEmpty)
        #expect(journal.uncovered([address, again, all, other, all]) == [again, all, other])
    }

    @Test(
        "a journal that is not one is refused with what to do",
        arguments: [
            ("", "first line"), ("{\n", "line 1"),
            ("{\"journal\":2,\"boot\":\"b\",\"namespace\":1,\"createdRunDirectory\":true}\n", "newer"),
            ("{\"journal\":1,\"boot\":\"b\",\"namespace\":1,\"createdRunDirectory\":true}\nrubbish\n", "line 2"),
        ])
    func refused(text: String, problem: String) {
        let error = #expect(throws: SetupError.self) { try Journal(parsing: Array(text.utf8), path: "/run/x/journal") }
        #expect(error?.description.contains("/run/x/journal") == true)
        #expect(error?.description.contains(problem) == true)
    }

    @Test("a value is put back only while it is the one rsagent wrote")
    func restoration() {
        let sysctl = IPv4Sysctl(.arpIgnore, of: .interface(index: 2, name: "eth0"))
        let target = Journal.Target.sysctl(sysctl, original: 0, written: 1)
        let now = { (value: Int) in
            PlanTests.host([PlanTests.eth(0, ignore: value)]).restoration(of: target, [:])
        }
        #expect(now(1) == .change(.set(sysctl, from: 1, to: 0)))
        #expect(now(0) == .nothing)
        #expect(
            now(2) == .leave("net.ipv4.conf.eth0.arp_ignore is 2: rsagent had set 1, someone else has changed it since")
        )
        #expect(PlanTests.host([]).restoration(of: target, [:]) == .nothing, "the interface is gone")
    }
}
