import ConfigurationFile
import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Report")
struct ReportTests {
    static let report = Report(
        agent: "rsagent 0.1.0", host: "rs1", boot: "b007", generation: 42, time: Timestamp("2026-11-22T10:00:00Z")!,
        services: [
            Report.Service(
                name: "web", vips: [address("192.0.2.10")], ports: [80], transport: .tcp, forward: .dr, state: .up,
                weight: 87, baseWeight: 100, reason: "cpu 0.83", connections: 12, setup: Report.Setup(problems: []),
                checks: [
                    Report.CheckResult(
                        name: "http /healthz", ok: true, since: Timestamp("2026-11-22T09:00:00Z")!,
                        latencyMilliseconds: 1.25, message: "200")
                ])
        ])

    static let json = #"""
        {"agent":"rsagent 0.1.0","boot":"b007","generation":42,"host":"rs1","services":[{"base_weight":100,"checks":[{"latency_ms":1.25,"message":"200","name":"http /healthz","ok":true,"since":"2026-11-22T09:00:00Z"}],"connections":12,"forward":"dr","name":"web","ports":[80],"protocol":"tcp","reason":"cpu 0.83","setup":{"ok":true,"problems":[],"warnings":[]},"state":"up","vips":["192.0.2.10"],"weight":87}],"time":"2026-11-22T10:00:00Z","warnings":[]}
        """#

    @Test("a report is written with the keys of the contract")
    func encode() {
        #expect(String(decoding: Self.report.json(), as: UTF8.self) == Self.json)
    }

    @Test("a report is read back as it was")
    func decode() throws {
        #expect(try Report(json: Array(Self.json.utf8)) == Self.report)
    }

    @Test("keys of a newer agent are skipped")
    func unknownKeys() throws {
        let newer = Self.json
            .replacing(#""agent":"#, with: #""quorum":{"of":3},"agent":"#)
            .replacing(#""base_weight":"#, with: #""load":[0.5],"base_weight":"#)
            .replacing(#""latency_ms":"#, with: #""tls":null,"latency_ms":"#)
        #expect(try Report(json: Array(newer.utf8)) == Self.report)
    }

    @Test("an agent that does not tell warnings has none")
    func noWarnings() throws {
        let older = Self.json.replacing(#","warnings":[]"#, with: "")
        #expect(older != Self.json)
        #expect(try Report(json: Array(older.utf8)) == Self.report)
    }

    @Test("warnings are told beside a sound setup, and how packets come and for which VIPs as it is configured")
    func warnings() throws {
        var report = Self.report
        let warning = "another host, 02:00:00:00:00:09, answers for VIP 2001:db8::10"
        report.services[0].setup = Report.Setup(problems: [], warnings: [warning])
        report.services[0].forward = .tun
        report.services[0].vips = [address("192.0.2.10"), address("2001:db8::10")]
        let text = String(decoding: report.json(), as: UTF8.self)
        #expect(text.contains(#""setup":{"ok":true,"problems":[],"warnings":["\#(warning)"]}"#))
        #expect(text.contains(#""forward":"tun""#))
        #expect(text.contains(#""vips":["192.0.2.10","2001:db8::10"]"#))
        #expect(try Report(json: report.json()) == report)
    }

    @Test("a check's warning is told, left out where there is none, and skipped by readers that do not know of it")
    func checkWarning() throws {
        var report = Self.report
        #expect(!String(decoding: report.json(), as: UTF8.self).contains(#""warning":"#))
        report.services[0].checks[0].warning = "the certificate ends on 2026-12-01"
        let text = String(decoding: report.json(), as: UTF8.self)
        #expect(text.contains(#""since":"2026-11-22T09:00:00Z","warning":"the certificate ends on 2026-12-01"}"#))
        #expect(try Report(json: report.json()) == report)
    }

    @Test("what could not be measured is left out, and may be missing")
    func missingMeasurements() throws {
        var report = Self.report
        report.services[0].connections = nil
        report.services[0].checks[0].latencyMilliseconds = nil
        let text = String(decoding: report.json(), as: UTF8.self)
        #expect(!text.contains("connections") && !text.contains("latency_ms"))
        #expect(try Report(json: report.json()) == report)
    }

    @Test(
        "what is not a report is refused with the place that is wrong",
        arguments: [
            ("", "cannot read the agent's report"),
            ("<html>", "cannot read the agent's report"),
            (json.replacing(#""weight":87"#, with: #""weight":"heavy""#), "at `services[0].weight`"),
            (json.replacing(#","weight":87"#, with: ""), "`weight` is missing"),
            (json.replacing("192.0.2.10", with: "192.0.2.256"), "192.0.2.256 is not an IP address"),
            (json.replacing(#""state":"up""#, with: #""state":"well""#), "at `services[0].state`"),
            (json.replacing("2026-11-22T10:00:00Z", with: "noon"), "noon is not a time"),
        ])
    func malformed(text: String, hint: String) {
        let error = #expect(throws: ReporterError.self) { try Report(json: Array(text.utf8)) }
        #expect(error?.kind == .malformed)
        #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
    }
}
