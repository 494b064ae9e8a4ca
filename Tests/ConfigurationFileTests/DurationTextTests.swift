import ConfigurationFile
import Testing

@Suite("DurationText")
struct DurationTextTests {
    @Test(
        "a number and a unit are a time",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("1s", .seconds(1)), ("1.5s", .milliseconds(1500)),
            ("0.125s", .milliseconds(125)), ("5m", .seconds(300)), ("1h", .seconds(3600)), ("0.5h", .seconds(1800)),
            ("14d", .seconds(1_209_600)), ("1.5d", .seconds(129_600)), ("0s", .zero), ("007s", .seconds(7)),
            ("1.5ms", .microseconds(1500)), ("0.001ms", .microseconds(1)),
            ("999999999h", .seconds(3_599_999_996_400)), ("999999999.999d", .milliseconds(86_399_999_999_913_600)),
        ])
    func times(_ text: String, _ duration: Duration) {
        #expect(DurationText.duration(from: text) == duration)
    }

    @Test(
        "anything else is not",
        arguments: [
            "", "5", "s", "ms", " 5s", "5 s", "5s ", "-5s", "+5s", "5S", "5sec", "5D", "1w", "1m30s", ".5s", "5.s",
            "1.2.3s",
            "1.0001s", "1e3s", "0x5s", "1000000000s", "٥s", "5us", "∞s", "5.-1s",
        ])
    func notTimes(_ text: String) {
        #expect(DurationText.duration(from: text) == nil)
    }

    @Test(
        "a time is written in the largest unit that divides it, and reads back the same",
        arguments: [
            (Duration.milliseconds(500), "500ms"), (.seconds(1), "1s"), (.milliseconds(1500), "1500ms"),
            (.seconds(90), "90s"), (.seconds(300), "5m"), (.seconds(3600), "1h"), (.seconds(90_000), "25h"),
            (.seconds(1_209_600), "14d"), (.zero, "0s"),
        ])
    func written(_ duration: Duration, _ text: String) {
        #expect(DurationText.text(for: duration) == text)
        #expect(DurationText.duration(from: text) == duration)
    }
}
