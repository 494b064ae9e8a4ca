import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("Question")
struct QuestionTests {
    private func question(_ query: String?) -> Question {
        Question(method: "GET", path: "/v1/report", query: query, caller: .network(nil))
    }

    @Test("path and query are taken apart, percent-encoding undone")
    func parse() {
        let question = Question(
            method: "GET", path: "/health/web", query: "drain=404&director=lb%201%&verbose&drain=200&%zz=%+1",
            caller: .control)
        #expect(question.path == ["health", "web"])
        #expect(question.query == ["drain": "404", "director": "lb 1%", "verbose": "", "%zz": "%+1"])
    }

    @Test("a poll's numbers are read, and the wait has an upper end")
    func numbers() throws {
        let full = question("since=42&wait=30s&director=lb1")
        #expect(try full.since == 42)
        #expect(try full.wait == .seconds(30))
        #expect(try full.director == "lb1")
        #expect(try question("wait=5").wait == .seconds(5))
        #expect(try question("wait=1h").wait == .seconds(60))
        #expect(try question("wait=999999999h").wait == .seconds(60))
        #expect(try question(nil).since == nil)
        #expect(try question(nil).wait == .zero)
        #expect(try question(nil).drainStatus == 503)
        #expect(try question("drain=200").drainStatus == 200)
    }

    @Test(
        "bad input is refused with what was given and what is wanted",
        arguments: [
            ("since=", "`since=` is not a generation"), ("since=-1", "`since=-1` is not"),
            ("since=18446744073709551616", "is not a generation"), ("since=0x10", "is not a generation"),
            ("wait=abc", "`wait=abc` is not a duration such as 30s"), ("wait=-1s", "is not a duration"),
            ("wait=9999999999", "is not a duration"), ("wait=9999999999s", "is not a duration"),
            ("wait=", "is not a duration"),
            ("wait=" + String(repeating: "x", count: 8_000), "`wait=\(String(repeating: "x", count: 64))` is not"),
            ("director=", "is not a printable name"), ("director=a%00b", "is not a printable name"),
            ("director=" + String(repeating: "x", count: 65), "is not a printable name of 1 to 64 bytes"),
            ("drain=500", "`drain=500` is not 200, 404 or 503"), ("drain=up", "is not 200, 404 or 503"),
        ])
    func refused(query: String, hint: String) {
        let error = #expect(throws: ReporterError.self) {
            let question = self.question(query)
            _ = (try question.since, try question.wait, try question.director, try question.drainStatus)
        }
        #expect(error?.kind == .badRequest)
        #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
    }

    @Test(
        "how long to wait: with a unit, or in seconds",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("1.5s", .milliseconds(1_500)), ("30s", .seconds(30)),
            ("20", .seconds(20)),
            ("0", .zero), ("1h", Question.longestWait),
        ])
    func wait(text: String, duration: Duration) throws {
        #expect(try question("wait=\(text)").wait == duration)
    }
}
