import Glibc

/// A thread of its own for what may block for as long as it likes: it ends with its work.
enum BackgroundThread {
    /// Does `body` on a new thread.
    ///
    /// - Returns: why there is no such thread, in words, as of pthread_create(3); nil: `body` runs.
    static func start(_ body: @escaping @Sendable () -> Void) -> String? {
        let work = Unmanaged.passRetained(BackgroundWork(body))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runBackgroundWork, work.toOpaque())
        guard code == 0 else {
            work.release()
            return "cannot start a thread: \(String(cString: strerror(code)).lowercased())"
        }
        pthread_detach(thread)
        return nil
    }
}

private final class BackgroundWork: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// A top-level function: a closure literal handed to pthread_create dies with SIGILL in an async context.
private func runBackgroundWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let work { Unmanaged<BackgroundWork>.fromOpaque(work).takeRetainedValue().body() }
    return nil
}
