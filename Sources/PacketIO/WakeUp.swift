internal import CLinux
internal import Glibc

/// How one thread wakes another that waits for frames: an eventfd(2).
public final class WakeUp: Sendable {
    /// What to poll for POLLIN.
    let descriptor: CInt

    /// Creates one that nobody has signalled yet.
    public init() throws(PacketIOError) {
        descriptor = clinux_event_open()
        guard descriptor >= 0 else { throw PacketIOError.last("eventfd", "") }
    }

    deinit {
        close(descriptor)
    }

    /// Ends the current wait, or the next one if nobody waits now. Any thread may call it.
    public func signal() {
        clinux_event_signal(descriptor)
    }

    /// Forgets the signals so far.
    func clear() {
        clinux_event_clear(descriptor)
    }
}
