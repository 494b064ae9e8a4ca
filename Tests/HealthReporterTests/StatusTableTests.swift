import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("StatusTable")
struct StatusTableTests {
    private func table(coloured: Bool = false, change: (inout Report) -> Void = { _ in }) -> String {
        var report = ReportTests.report
        change(&report)
        let control = ControlAnswer(
            generation: 42,
            directors: [
                DirectorStatus(
                    address: address("10.0.0.1"), name: "lb1", lastPoll: Timestamp("2026-11-22T09:59:57Z"),
                    acknowledgedGeneration: 42),
                DirectorStatus(address: address("10.0.0.2"), name: nil, lastPoll: nil, acknowledgedGeneration: nil),
            ], administered: [])
        return StatusTable(report: report, control: control, isColoured: coloured).text
    }

    @Test("the table tells services, checks, setup and directors")
    func whole() {
        #expect(
            table() == """
                rsagent 0.1.0 on rs1, generation 42, 2026-11-22T10:00:00Z

                SERVICE  STATE  WEIGHT  CONNECTIONS  ADDRESS               REASON
                web      up     87/100  12           192.0.2.10 tcp 80 dr  cpu 0.83
                  setup          ok
                  http /healthz  ok  1.25 ms  200, since 2026-11-22T09:00:00Z

                DIRECTOR  NAME  LAST POLL  ACKNOWLEDGED
                10.0.0.1  lb1   3 s ago    42
                10.0.0.2  -     never      -

                """)
    }

    @Test("colour is there when asked for, and takes no width")
    func colour() {
        let coloured = table(coloured: true)
        #expect(coloured.contains("\u{1B}[32mup\u{1B}[0m     87/100"))
        #expect(!table().contains("\u{1B}"))
        let bare = coloured.replacing("\u{1B}[32m", with: "").replacing("\u{1B}[33m", with: "")
            .replacing("\u{1B}[31m", with: "").replacing("\u{1B}[0m", with: "")
        #expect(bare == table())
    }

    @Test("problems and drains are told, and nothing in them moves the cursor")
    func problems() {
        let text = table { report in
            report.services[0].state = .down
            report.services[0].setup = Report.Setup(problems: ["eth0 answers\u{1B}[2J ARP\r\n"])
            report.services[0].connections = nil
            report.services[0].ports = []
        }
        #expect(text.contains("problem"))
        #expect(text.contains("eth0 answers?[2J ARP?"))
        #expect(text.contains("unknown"))
        #expect(text.contains("tcp all ports dr"))
        #expect(!text.contains("\r"))
    }

    @Test("a drain is told with who is waited for, who is not, and what directors say")
    func drain() {
        let entry = AdministeredService(
            name: "web", mode: .drain, reason: "", since: noon, until: nil, generation: 42, acknowledgedBy: [],
            waitingFor: [address("10.0.0.1")], unconcerned: [address("10.0.0.2")],
            testimony: ["10.0.0.1: HAProxy lb1 has web/rs1 UP"])
        let control = ControlAnswer(generation: 42, directors: [], administered: [entry])
        let text = StatusTable(report: ReportTests.report, control: control, isColoured: false).text
        #expect(
            text.contains(
                "since 2026-11-22T12:00:00Z, not yet acknowledged by 10.0.0.1, not waiting for 10.0.0.2: never asks about "
                    + "it; 10.0.0.1: HAProxy lb1 has web/rs1 UP\n"))
    }

    @Test("warnings are told beside a setup that is sound, and beside problems")
    func warnings() {
        let warning = "another host, 02:00:00:00:00:09, answers for VIP 192.0.2.10"
        let sound = table { $0.services[0].setup = Report.Setup(problems: [], warnings: [warning]) }
        #expect(sound.contains("  setup          ok\n  setup          warning           \(warning)\n"))
        let broken = table(coloured: true) {
            $0.services[0].setup = Report.Setup(problems: ["the VIP is gone"], warnings: [warning])
        }
        #expect(!broken.contains("  setup          \u{1B}[32mok"))
        #expect(broken.contains("\u{1B}[31mproblem\u{1B}[0m"))
        #expect(broken.contains("\u{1B}[33mwarning\u{1B}[0m"))
    }

    @Test("what a check warns of has a line of its own below it")
    func checkWarnings() {
        let text = table(coloured: true) { $0.services[0].checks[0].warning = "the certificate ends on 2026-12-01" }
        #expect(
            text.contains(
                "200, since 2026-11-22T09:00:00Z\n  http /healthz  \u{1B}[33mwarning\u{1B}[0m           "
                    + "the certificate ends on 2026-12-01\n"))
    }

    @Test("without directors the table says so")
    func noDirectors() {
        let control = ControlAnswer(
            generation: 42, directors: [], administered: DrainWaitTests.drained(told: [], of: [address("10.0.0.9")]))
        let text = StatusTable(report: ReportTests.report, control: control, isColoured: false).text
        #expect(text.hasSuffix("\nno directors are configured\n"))
        #expect(text.contains("by hand"))
        #expect(text.contains("not yet acknowledged by 10.0.0.9"))
    }
}
