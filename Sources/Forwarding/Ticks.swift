/// A moment on a monotonic clock, in milliseconds. The caller reads the clock (`CLOCK_MONOTONIC`); nothing here does,
/// so that a test or a replayed capture decides what time it is.
public struct Ticks: Comparable, Hashable, Sendable {
    /// Milliseconds since an origin of the caller's choice.
    public var milliseconds: UInt64

    /// The moment `milliseconds` after the clock's origin.
    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    /// Earlier before later.
    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
}
