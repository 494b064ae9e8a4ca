internal import Forwarding
internal import Glibc
internal import PacketIO
internal import Synchronization

/// The packet engine as the rest of the director sees it: a thread of its own, reached through its mailbox.
final class Engine: Sendable {
    let mailbox: EngineMailbox
    private let thread: pthread_t

    /// Puts the packet filter in force, opens the interfaces and starts forwarding; there are no services yet.
    /// `report` is called on the engine's thread and must not wait. `savedFlows`, which another engine left behind when it was
    /// stopped, are taken over with the first services.
    ///
    /// Needs CAP_NET_ADMIN and CAP_NET_RAW.
    init(
        _ settings: EngineSettings, resuming savedFlows: [UInt8]? = nil,
        report: @escaping @Sendable (EngineEvent) -> Void
    ) throws(DirectorError) {
        let mailbox: EngineMailbox
        do throws(PacketIOError) {
            mailbox = try EngineMailbox()
        } catch {
            throw DirectorError(operation: "start the engine", cause: "\(error)")
        }
        let loop = Unmanaged.passRetained(
            try EngineLoop(settings, resuming: savedFlows, mailbox: mailbox, report: report))
        var thread = pthread_t()
        // A top-level function: a closure literal here dies with SIGILL.
        let status = pthread_create(&thread, nil, engineMain, loop.toOpaque())
        guard status == 0 else {
            try? loop.takeRetainedValue().removeFilter()
            throw DirectorError(operation: "start the engine's thread", cause: String(cString: strerror(status)))
        }
        self.mailbox = mailbox
        self.thread = thread
    }

    /// Makes these the services; returns once they are in force, or at once where the engine has stopped.
    func apply(_ plans: [ServicePlan]) async {
        await withCheckedContinuation { continuation in
            mailbox.leave(.apply(plans) { continuation.resume() })
        }
    }

    /// Makes these the rules of source NAT; returns once they are in force, or at once where the engine has stopped.
    func apply(outbound rules: [Outbound.Rule]) async {
        await withCheckedContinuation { continuation in
            mailbox.leave(.applyOutbound(rules) { continuation.resume() })
        }
    }

    /// What the engine knows now, or knew last.
    func snapshot() async -> EngineSnapshot {
        await withCheckedContinuation { continuation in
            mailbox.leave(.snapshot { continuation.resume(returning: $0) })
        }
    }

    /// Ends forwarding, closes the interfaces, and removes the packet filter's table. To be called once; waits for the
    /// engine's thread, which takes no longer than a batch of packets.
    ///
    /// - Returns: what is remembered of connections, for the next engine; nil: nothing.
    @discardableResult
    func stop() throws(DirectorError) -> [UInt8]? {
        mailbox.leave(.stop)
        var outcome: UnsafeMutableRawPointer?
        pthread_join(thread, &outcome)
        guard let outcome else { return nil }
        let loop = Unmanaged<EngineLoop>.fromOpaque(outcome).takeRetainedValue()
        try loop.removeFilter()
        return loop.flowsToSave()
    }
}

private func engineMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<EngineLoop>.fromOpaque(argument).takeUnretainedValue().run()
    return argument
}
