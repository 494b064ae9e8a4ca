/// A moment by which the time between two runs of the program can be told: since when, and in which run of the kernel.
public struct BootMoment: Hashable, Sendable {
    /// What tells one run of the kernel from another (`/proc/sys/kernel/random/boot_id`, random(4)).
    public var boot: String
    /// Milliseconds since its start, time asleep included (`CLOCK_BOOTTIME`, clock_gettime(2)).
    public var milliseconds: UInt64

    /// A moment.
    public init(boot: String, milliseconds: UInt64) {
        self.boot = boot
        self.milliseconds = milliseconds
    }

    /// How many milliseconds passed since an earlier moment; nil: nobody can tell.
    func elapsed(since earlier: BootMoment) -> UInt64? {
        boot == earlier.boot && milliseconds >= earlier.milliseconds ? milliseconds - earlier.milliseconds : nil
    }
}
