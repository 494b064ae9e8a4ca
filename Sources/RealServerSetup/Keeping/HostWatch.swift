internal import CLinux
internal import Glibc
internal import Netlink
internal import Synchronization

/// Tells when the host may have changed: at once where the kernel says so by netlink; what it says nothing of (`arp_ignore` and
/// `arp_announce` are not in RTNLGRP_IPV4_NETCONF) is looked at once in an interval.
///
/// A thread of its own waits, so that nothing else the agent does delays it. It ends when the value is released or `stop`ped.
final class HostWatch: Sendable {
    /// What the host was changed by, as far as it can be known: names of processes, `networkd (pid 312)`.
    struct Alarm: Sendable {
        /// Who asked the kernel for the changes.
        var changers: Set<String> = []
    }

    /// One alarm after another. Those that come while one is being looked into are one.
    let alarms: AsyncStream<Alarm>
    private let events: NetworkEvents
    private let hasChanged: @Sendable () -> Bool
    private let isStopping = Atomic(false)
    private let continuation: AsyncStream<Alarm>.Continuation
    private let pending = Mutex<Alarm?>(nil)

    /// Subscribes in the calling thread's network namespace. Needs no capability; with CAP_NET_ADMIN packet-filter
    /// changes are told as well.
    ///
    /// - Parameter hasChanged: whether what no event tells of has changed; asked on the watch's own thread after each interval
    ///   without an event.
    init(interval: Duration, hasChanged: @escaping @Sendable () -> Bool) throws(SetupError) {
        self.hasChanged = hasChanged
        do throws(NetlinkError) {
            events = try NetworkEvents(includesPacketFilter: Capability.hasNetworkAdministration)
        } catch {
            throw .netlink(error)
        }
        (alarms, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let errand = Errand(watch: self, milliseconds: Int(interval / .milliseconds(1)))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runErrand, Unmanaged.passRetained(errand).toOpaque())
        guard code == 0 else {
            throw .file(
                operation: "start", path: "the thread that watches the host", reason: String(cString: strerror(code)))
        }
        pthread_detach(thread)
    }

    /// Ends the thread and the alarms.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        events.wake()
        continuation.finish()
    }

    /// Sounds an alarm from within: something else than the host has changed.
    func wake() { sound(Alarm()) }

    /// Takes the alarm that stands, with everything that came since the last call. False where there is none.
    func take(_ alarm: inout Alarm) -> Bool {
        let taken = pending.withLock { pending in
            defer { pending = nil }
            return pending
        }
        if let taken { alarm = taken }
        return taken != nil
    }

    private func sound(_ alarm: Alarm) {
        let sum = pending.withLock { pending in
            let sum = Alarm(changers: alarm.changers.union(pending?.changers ?? []))
            pending = sum
            return sum
        }
        continuation.yield(sum)
    }

    fileprivate func wait(milliseconds: Int) {
        while !isStopping.load(ordering: .acquiring) {
            guard events.wait(milliseconds: milliseconds) else {
                if hasChanged() { sound(Alarm()) }
                continue
            }
            // The name has to be asked at once: who ran `ip` is gone in a moment.
            let events = events.receive()
            guard !events.isEmpty else { continue }
            sound(Alarm(changers: Set(events.compactMap(\.processID).compactMap(Self.name))))
        }
    }

    /// The name of another process than this, or nil where it is gone. What nftables tells of is a thread's number.
    private static func name(of process: Int32) -> String? {
        guard access("/proc/self/task/\(process)", F_OK) != 0, let text = try? File.read("/proc/\(process)/comm") else {
            return nil
        }
        return "\(String(decoding: text.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) (pid \(process))"
    }
}

private final class Errand: Sendable {
    let watch: HostWatch
    let milliseconds: Int

    init(watch: HostWatch, milliseconds: Int) {
        self.watch = watch
        self.milliseconds = milliseconds
    }
}

private func runErrand(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let errand = Unmanaged<Errand>.fromOpaque(argument).takeRetainedValue()
    errand.watch.wait(milliseconds: errand.milliseconds)
    return nil
}
