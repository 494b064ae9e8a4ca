import ConfigurationFile
import Fuzzing
import NIOCore
import NIOPosix
import NetworkAddress
import ServiceLifecycle
import Testing

@testable import HealthReporter

/// Callers of HAProxy's line that talk, trickle, say goodbye early, hang up, reset, or do nothing at all.
@Suite("The line endpoint under bad callers", .serialized)
struct AgentCheckFuzzTests {
    /// How many callers come while the service is in one state.
    private static let callersPerState = 500

    @Test("whoever stays for it gets one whole line, and the true one, whatever it and the others do")
    func callers() async throws {
        let run = FuzzRun(of: "the line endpoint", usual: 4_000)
        let folder = Folder()
        let store = try makeStore(in: folder)
        // Room for all: who is turned away where there is none is what other tests are for.
        let rooms = Caller.allCases.map { ($0, ConnectionTable.Room(all: 10_000, perAddress: 10_000)) }
        let gate = try Gate(.init(), directors: [], rooms: Dictionary(uniqueKeysWithValues: rooms), logger: silent)
        let listening = Box<UInt16?>(nil)
        let server = AgentCheckServer(
            service: "web", address: ConfigurationFile.SocketAddress(address: address("127.0.0.1"), port: 0),
            store: store, gate: gate, logger: silent
        ) { listening.value = $0.localAddress?.port.flatMap(UInt16.init(exactly:)) }
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [server], logger: silent))
        let task = Task.detached { try await group.run() }
        try await eventually("it listens") { listening.value != nil }
        let port = try #require(listening.value)

        // Blocking calls, on a thread for them.
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        var random = SplitMix(seed: run.seed)
        var crowd = LineCrowd(port: port, random: SplitMix(seed: random.next()))
        while crowd.callers < run.count, crowd.failure == nil {
            let line = try await Self.change(store, &random)
            let count = min(Self.callersPerState, run.count - crowd.callers)
            let before = crowd
            crowd = try await pool.runIfActive {
                var crowd = before
                crowd.come(count, awaiting: line)
                return crowd
            }
        }
        try await pool.shutdownGracefully()

        #expect(crowd.failure == nil)
        #expect(crowd.exact > crowd.callers / 2, "\(crowd)")
        // Of those that hung up at once not every one is seen.
        let counted = gate.counters.current.agentChecks["web"] ?? 0
        #expect(counted >= crowd.exact && counted <= crowd.connections)
        try await eventually("nobody is left") { gate.registry.open.values.allSatisfy { $0 == 0 } }
        run.tell("\(crowd.exact) had to get the line and did; it was asked for \(counted) times")
        await group.triggerGracefulShutdown()
        try await task.value
    }

    /// Brings the service into another state; the line of it.
    private static func change(_ store: ReportStore, _ random: inout SplitMix) async throws -> [UInt8] {
        _ = try await store.undrain(ControlRequest())
        await store.record(setupProblems: [:])
        let line: String
        switch random.below(5) {
        case 0:
            line = "up ready 100%\n"
            _ = try await store.setWeight(WeightRequest(service: "web", weight: nil))
        case 1:
            let weight = 1 + random.below(AgentCheckLine.largestPercentage)
            line = "up ready \(weight)%\n"
            _ = try await store.setWeight(WeightRequest(service: "web", weight: weight))
        case 2:
            line = "up drain\n"
            _ = try await store.ask(for: .drain, ControlRequest())
        case 3:
            line = "maint\n"
            _ = try await store.ask(for: .maint, ControlRequest())
        default:
            // A reason of any bytes: what becomes of it is for its own test, here it only must not end the line.
            let reason = String(decoding: random.bytes(random.below(300)), as: UTF8.self)
            await store.record(setupProblems: ["web": [reason]])
            line = AgentCheckLine.line(for: try await store.service(named: "web"))
            let isOneLine = line.hasPrefix("down # ") && line.utf8.dropLast().allSatisfy { (0x20...0x7E).contains($0) }
            if !isOneLine || !line.hasSuffix("\n") || line.utf8.count > AgentCheckLine.longestReason + 8 {
                Issue.record("not a line: \(line.debugDescription)")
            }
        }
        return Array(line.utf8)
    }
}

/// Callers of which some are always in the middle of what they do.
private struct LineCrowd: Sendable {
    /// How many are there at once.
    static let width = 32

    let port: UInt16
    var random: SplitMix
    /// How many have been there.
    private(set) var callers = 0
    /// The same with those that only ask whether it still works.
    private(set) var connections = 0
    /// How many of them stayed for the line and were heard out.
    private(set) var exact = 0
    /// What went wrong, with whom.
    private(set) var failure: String?

    init(port: UInt16, random: SplitMix) {
        (self.port, self.random) = (port, random)
    }

    /// So many more come and go while the line is `line`; up to the first to whom something went wrong.
    mutating func come(_ count: Int, awaiting line: [UInt8]) {
        // They came first, say nothing, and look at what they got when all others have gone.
        let sleepers = (0..<2).map { _ in LineCaller(to: port, doing: LineCaller.Script(says: [], end: .stay)) }
        connections += sleepers.count
        var present: [LineCaller] = []
        let last = callers + count
        while failure == nil, callers < last || !present.isEmpty {
            if callers < last, present.count < Self.width {
                callers += 1
                connections += 1
                present.append(LineCaller(to: port, doing: LineCaller.Script(&random)))
                continue
            }
            let index = random.below(present.count)
            guard !present[index].goOn() else { continue }
            present.swapAt(index, present.count - 1)
            judge(present.removeLast(), line)
        }
        for sleeper in sleepers {
            _ = sleeper.goOn()
            judge(sleeper, line)
        }
        let next = LineCaller(to: port, doing: LineCaller.Script(says: [], end: .stay))
        connections += 1
        _ = next.goOn()
        judge(next, line)
    }

    private mutating func judge(_ caller: LineCaller, _ line: [UInt8]) {
        if let problem = caller.problem(awaiting: line) {
            failure = failure ?? "caller \(callers), \(caller.script): \(problem)"
        } else if caller.isOwedTheLine {
            exact += 1
        }
    }
}
