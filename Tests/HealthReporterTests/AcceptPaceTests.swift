import NIOCore
import NIOPosix
import Testing

@testable import HealthReporter

@Suite("AcceptPace")
struct AcceptPaceTests {
    /// Counts how often the socket is asked for connections.
    private final class ReadCounter: ChannelOutboundHandler, Sendable {
        typealias OutboundIn = Never
        let reads = Box<[ContinuousClock.Instant]>([])

        func read(context: ChannelHandlerContext) {
            reads.change { $0.append(.now) }
            context.read()
        }
    }

    @Test("a listener whose newcomers had no room is asked for the next ones when it is time, and not before")
    func pause() async throws {
        // Without any room everybody is turned away, which costs a token.
        let registry = ConnectionRegistry(ConnectionTable(rooms: [:]), counters: EndpointCounters())
        let counter = ReadCounter()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([counter, AcceptPace(registry)])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        listener.read()
        try await eventually("it is asked at once while there is room") { counter.reads.value.count == 1 }

        let start = ContinuousClock.now
        let tooMany = 1_000
        for _ in 0..<EvictionPace.burst + tooMany { _ = registry.admit(listener, of: .guest, from: nil) }
        listener.read()
        listener.read()
        try await eventually("it is asked again") { counter.reads.value.count == 2 }
        #expect(counter.reads.value[1] - start >= EvictionPace.interval * tooMany)
        try await listener.close()
        #expect(counter.reads.value.count == 2)
    }
}
