import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("DrainProgressText")
struct DrainProgressTextTests {
    @Test("in a file each change is a line, and the time alone is none")
    func file() {
        var text = DrainProgressText(terminalWidth: nil)
        #expect(text.text(for: .waitingForConnections(2), after: .seconds(1)) == "2 connections are open (1 s)\n")
        #expect(text.text(for: .waitingForConnections(2), after: .seconds(2)) == "")
        #expect(text.text(for: .waitingForConnections(1), after: .seconds(3)) == "1 connection is open (3 s)\n")
        #expect(text.text(for: .done(.drained), after: .seconds(4)) == "drained (4 s)\n")
        #expect(text.ending() == "")
    }

    @Test("on a terminal one line is written anew, no wider than the terminal, until the last")
    func terminal() {
        var text = DrainProgressText(terminalWidth: 24)
        #expect(text.text(for: .waitingForConnections(2), after: .seconds(1)) == "\r\u{1B}[K2 connections are open ")
        #expect(text.text(for: .waitingForConnections(2), after: .milliseconds(1_500)) == "")
        #expect(text.text(for: .holding, after: .seconds(2)) == "\r\u{1B}[Kno connection is open (")
        #expect(text.ending() == "\n")
        #expect(text.text(for: .done(.drained), after: .seconds(3)) == "\r\u{1B}[Kdrained (3 s)\n")
    }

    @Test("who still sends gets a line that stays, once, and cannot move the cursor")
    func alarms() {
        var text = DrainProgressText(terminalWidth: nil)
        let first = text.text(for: .waitingForConnections(1), after: .zero, alarms: ["x still sends"])
        #expect(first == "warning: x still sends\n1 connection is open (0 s)\n")
        #expect(text.text(for: .waitingForConnections(1), after: .zero, alarms: ["x still sends"]) == "")
        #expect(!text.text(for: .stillSending(["\u{1B}[2J"]), after: .zero, alarms: ["\u{1B}"]).contains("\u{1B}"))
    }
}
