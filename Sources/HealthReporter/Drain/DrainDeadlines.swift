/// When the drains that end by themselves do, by the steady clock.
///
/// The record on the disk has the wall clock's time, which alone outlives a reboot. While the agent runs that clock may be
/// set, by hours where a machine started without a battery, and a drain must not end early for it: its end is fixed once, as
/// a time from now, and the record follows the wall clock instead.
struct DrainDeadlines: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// By how many seconds a recorded end may be off. Less is rounding: a timestamp has whole seconds.
    static let tolerance: Int64 = 2

    private var deadlines: [String: (until: Timestamp, end: Instant)] = [:]

    /// Takes up what `admin` says, which is new or as it was read from the disk.
    mutating func follow(_ admin: AdminState, now: Timestamp, instant: Instant) {
        var next: [String: (until: Timestamp, end: Instant)] = [:]
        for (name, entry) in admin.services {
            guard let until = entry.until else { continue }
            if let present = deadlines[name], present.until == until {
                next[name] = present
            } else {
                let remaining = until.secondsSinceEpoch.subtractingReportingOverflow(now.secondsSinceEpoch)
                let bounded = remaining.overflow ? 0 : min(max(0, remaining.partialValue), ControlRequest.longestTTL)
                next[name] = (until, instant + .seconds(bounded))
            }
        }
        deadlines = next
    }

    /// The services whose drain's time is up, sorted.
    func expired(at instant: Instant) -> [String] {
        deadlines.filter { $0.value.end <= instant }.keys.sorted()
    }

    /// `admin` with the ends as the wall clock has them now; nil where none is off, as long as nobody sets that clock.
    func corrected(_ admin: AdminState, now: Timestamp, instant: Instant) -> AdminState? {
        var next = admin
        for (name, deadline) in deadlines where deadline.end > instant {
            // Rounded up: never earlier.
            let remaining = deadline.end - instant
            let seconds = remaining.components.seconds + (remaining.components.attoseconds > 0 ? 1 : 0)
            let until = now.adding(seconds: seconds)
            let error = until.secondsSinceEpoch - deadline.until.secondsSinceEpoch
            if abs(error) > Self.tolerance { next.services[name]?.until = until }
        }
        return next == admin ? nil : next
    }
}
