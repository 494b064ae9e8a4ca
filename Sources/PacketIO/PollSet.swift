internal import Glibc

/// What one thread waits for: frames on any of its sockets, or a signal from another thread.
public struct PollSet: ~Copyable {
    private let entries: UnsafeMutableBufferPointer<pollfd>
    private let wakeUp: WakeUp

    /// Room for `slots` sockets, none watched yet, and `wakeUp`.
    public init(slots: Int, wakeUp: WakeUp) {
        entries = .allocate(capacity: slots + 1)
        // A negative descriptor is one poll(2) passes over.
        entries.initialize(repeating: pollfd(fd: -1, events: Int16(POLLIN), revents: 0))
        entries[slots].fd = wakeUp.descriptor
        self.wakeUp = wakeUp
    }

    deinit {
        entries.deallocate()
    }

    /// Watches a socket's `pollDescriptor` in this slot; nil: nothing any more.
    public mutating func watch(_ descriptor: CInt?, slot: Int) {
        entries[slot].fd = descriptor ?? -1
        entries[slot].revents = 0
    }

    /// Waits until a frame is there, a socket failed, somebody signalled or the time is up, whichever is first.
    public mutating func wait(milliseconds: Int) {
        let ready = poll(entries.baseAddress, nfds_t(entries.count), CInt(clamping: milliseconds))
        guard ready > 0 else {
            for index in entries.indices { entries[index].revents = 0 }
            return
        }
        if entries[entries.count - 1].revents != 0 { wakeUp.clear() }
    }

    /// Whether the last wait saw frames in this slot.
    public func hasFrames(slot: Int) -> Bool { entries[slot].revents & Int16(POLLIN) != 0 }

    /// Whether the last wait saw the socket in this slot fail.
    public func hasFailed(slot: Int) -> Bool {
        entries[slot].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
    }
}
