internal import Forwarding
internal import Lab
internal import Synchronization
internal import Testing

@testable internal import Director

@Suite("the engine's flows", .enabled(if: FreshNamespace.isAvailable, "needs CAP_SYS_ADMIN: run as root"))
struct EngineListingTests {
    /// What `Engine.list(_:)` finds, for a test's own thread.
    static func list(_ engine: Engine) throws -> [Connection] {
        let slices = Slices()
        slices.ask(engine.workers[0].mailbox, from: .start)
        try Deadline.wait("all slices") { slices.isComplete }
        return slices.found
    }

    /// Asks for slice after slice, on the engine's thread.
    final class Slices: Sendable {
        private let state = Mutex<(found: [Connection], isComplete: Bool)>(([], false))

        var found: [Connection] { state.withLock { $0.found } }
        var isComplete: Bool { state.withLock { $0.isComplete } }

        func ask(_ mailbox: EngineMailbox, from place: ListingPlace) {
            mailbox.leave(
                .list(from: place) { [self] slice in
                    state.withLock {
                        $0.found += slice.found
                        $0.isComplete = slice.next == nil
                    }
                    if let next = slice.next { ask(mailbox, from: next) }
                })
        }
    }

    @Test("a connection is listed while packets pass, and nothing once it has stopped", .timeLimit(.minutes(1)))
    func listing() throws {
        try EngineTests.withWire { segment in
            let engine = try Engine(EngineTests.settings) { _ in }
            try engine.applyNow([EngineTests.plan])
            #expect(try Self.list(engine) == [])
            try segment.answer(until: "the server is known") {
                (try? engine.snapshotNow().services.first?.servers.first?.isResolved) == true
            }
            segment.sendSYN(to: segment.directorMAC)
            try Deadline.wait("the SYN is forwarded") { try engine.snapshotNow().flows == 1 }
            let found = try Self.list(engine)
            #expect(found.map(\.state) == ["SYN_RECV"] && found.map(\.source.port) == [40_000])
            #expect(found.first.map { "\($0.destination.address)" } == "10.9.0.11")
            try engine.stop()
            #expect(try Self.list(engine) == [], "and whoever asks is not left waiting")
        }
    }
}
