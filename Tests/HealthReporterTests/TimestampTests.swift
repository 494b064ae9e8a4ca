import Testing

@testable import HealthReporter

@Suite("Timestamp")
struct TimestampTests {
    @Test(
        "a moment is written as RFC 3339 in UTC and read back",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_795_341_600, "2026-11-22T10:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ])
    func roundTrip(seconds: Int64, text: String) {
        #expect(Timestamp(secondsSinceEpoch: seconds).description == text)
        #expect(Timestamp(text)?.secondsSinceEpoch == seconds)
    }

    @Test("every day of four centuries survives being written and read")
    func everyDay() {
        for day in stride(from: Int64(-36_525), to: 110_000, by: 1) {
            let moment = Timestamp(secondsSinceEpoch: day * 86_400 + 43_199)
            #expect(Timestamp(moment.description) == moment)
        }
    }

    @Test("an offset and a fraction are understood")
    func offset() {
        #expect(Timestamp("2026-11-22T12:00:00.123+02:00") == Timestamp("2026-11-22T10:00:00Z"))
        #expect(Timestamp("2026-11-22t05:00:00-05:00") == Timestamp("2026-11-22T10:00:00Z"))
    }

    @Test(
        "what is not a moment is refused",
        arguments: [
            "", "2026-11-22", "2026-11-22T10:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z", "2026-11-22T10:00:00.Z", "2026-11-22 10:00:00Z",
            "2026-11-22T10:00:00+2:00", "yesterday, at noon o'clock",
        ])
    func refused(text: String) {
        #expect(Timestamp(text) == nil)
    }
}
