internal import Forwarding
internal import Glibc
internal import Lab
internal import Synchronization

@testable internal import Director

/// What the engine told, for a test's thread to look at.
final class Events: Sendable {
    private let events = Mutex<[EngineEvent]>([])

    func add(_ event: EngineEvent) {
        events.withLock { $0.append(event) }
    }

    var all: [EngineEvent] { events.withLock { $0 } }
}

/// A deadline for what a test waits for.
enum Deadline {
    /// Waits until `condition` holds, and throws with these words where it does not within 20 s.
    static func wait(_ words: String, _ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(20)
        while try !condition() {
            guard ContinuousClock.now < end else { throw LabError("not within 20 s: \(words)") }
            usleep(2000)
        }
    }
}

extension Engine {
    /// Stops it; what it would leave to the next one.
    func stopSaving() throws -> [UInt8]? {
        var saved: [UInt8]?
        try stop { saved = $0 }
        return saved
    }

    /// `apply(_:)` for a test's own thread. Tests block Swift's threads, which may be few: nothing here needs one.
    func applyNow(_ plans: [ServicePlan]) throws {
        for worker in workers {
            let box = Box(Mutex(false))
            worker.mailbox.leave(.apply(plans) { box.value.withLock { $0 = true } })
            try Deadline.wait("the services are in force") { box.value.withLock { $0 } }
        }
    }

    /// `apply(outbound:)` for a test's own thread.
    func applyNow(outbound rules: [Outbound.Rule]) throws {
        for worker in workers {
            let box = Box(Mutex(false))
            worker.mailbox.leave(.applyOutbound(rules) { box.value.withLock { $0 = true } })
            try Deadline.wait("the rules are in force") { box.value.withLock { $0 } }
        }
    }

    /// `snapshot()` for a test's own thread.
    func snapshotNow() throws -> EngineSnapshot {
        var sum = try workers[0].snapshotNow()
        for worker in workers.dropFirst() { sum.add(try worker.snapshotNow()) }
        return sum
    }
}

extension EngineWorker {
    /// What this worker alone knows.
    func snapshotNow() throws -> EngineSnapshot {
        let box = Box<EngineSnapshot?>(Mutex(nil))
        mailbox.leave(.snapshot { snapshot in box.value.withLock { $0 = snapshot } })
        try Deadline.wait("a snapshot") { box.value.withLock { $0 != nil } }
        guard let snapshot = box.value.withLock({ $0 }) else { throw LabError("no snapshot") }
        return snapshot
    }
}

private final class Box<Value: Sendable>: Sendable {
    let value: Mutex<Value>

    init(_ value: consuming sending Mutex<Value>) {
        self.value = value
    }
}
