internal import Glibc
internal import Synchronization

/// A value one thread leaves for others, who wait for it until a deadline.
final class Meeting<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func leave(_ value: Value) {
        self.value.withLock { $0 = value }
    }

    func take(within seconds: Int = 20) throws -> Value {
        let deadline = time(nil) + seconds
        while time(nil) <= deadline {
            if let value = value.withLock({ $0 }) { return value }
            usleep(1000)
        }
        throw NetworkNamespace.Failure(description: "nobody came within \(seconds) s")
    }
}
