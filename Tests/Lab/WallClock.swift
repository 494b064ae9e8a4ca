internal import Glibc

/// The time of day, as the load and tcpdump write it.
public enum WallClock {
    /// Seconds since 1970.
    public static var seconds: Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
