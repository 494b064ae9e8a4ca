import Glibc

/// An exponential average over figures that come whenever they come.
///
/// A figure stands for the time since the one before it, so its part of the average is 1 − e^(−elapsed / time constant):
/// two figures a second apart weigh as much together as one that stands for two seconds.
struct MovingAverage: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// After this time a step has come through to 63%, after five times as much to 99%. Zero: the latest figure is the average.
    let timeConstant: Duration
    /// The average; nil before the first figure, which is taken as it is.
    private(set) var value: Double?
    private var latest: Instant?

    init(timeConstant: Duration) {
        self.timeConstant = timeConstant
    }

    mutating func add(_ figure: Double, at now: Instant) {
        if let value, let latest, timeConstant > .zero {
            self.value = figure + (value - figure) * exp(-max(0, (now - latest) / timeConstant))
        } else {
            value = figure
        }
        latest = now
    }
}
