import ConfigurationFile
import NIOCore
import NIOPosix
import Synchronization

/// Notices that nobody listens any more where a check is asked, without waiting for the next question.
///
/// Between two questions a service can die, and every connection that is sent to it until then is refused. Whether there is
/// a listener is one look-up in the kernel, whatever the load, so it is looked up many times between two questions.
struct ListenerWatch: Sendable {
    /// How often it is looked up: what a death costs at most before the questions begin.
    static let interval = Beat.interval
    /// The same while nobody would hear of it: on an idle host looking is much of what the agent does.
    static let unattendedInterval = Beat.interval * 5

    /// A check whose listener is watched; its target has one.
    struct Watched: Sendable {
        /// The service's place in the configuration.
        let service: Int
        /// The check's place in the service.
        let check: Int
        let target: CheckTarget
        /// Who asks it when its listener has gone.
        let checker: any Checker
    }

    /// Whether a connection to each of these addresses of the host would find a listener; nil where that cannot be told.
    let listeners: @Sendable ([ConfigurationFile.SocketAddress]) -> [Bool?]
    /// Whether somebody is to hear of a death soon.
    let attendance = Attendance()

    /// A flag for any thread.
    final class Attendance: Sendable {
        private let flag = Atomic(true)

        var isAttended: Bool {
            get { flag.load(ordering: .relaxed) }
            set { flag.store(newValue, ordering: .relaxed) }
        }
    }

    /// Looks until the task is cancelled. When a listener goes, its check is asked at once, one question after the other,
    /// until it has passed or has failed as often as it takes to fail: `fall` counts as ever.
    ///
    /// The looks are an event loop's timer: a task that sleeps would wake three threads each time.
    func run(_ all: [Watched], record: @escaping @Sendable (CheckOutcome, Watched) async -> Void) async {
        let (departures, continuation) = AsyncStream.makeStream(of: Watched.self)
        let looks = Looks(all, listeners: listeners, attendance: attendance, departures: continuation)
        looks.begin(on: MultiThreadedEventLoopGroup.singleton.any())
        await withDiscardingTaskGroup { questions in
            for await watched in departures { questions.addTask { await ask(watched, record: record) } }
        }
        looks.end()
        for watched in all { await watched.checker.stop() }
    }

    private func ask(_ watched: Watched, record: @Sendable (CheckOutcome, Watched) async -> Void) async {
        for _ in 0..<watched.target.check.fall {
            let outcome = await watched.checker.ask()
            if Task.isCancelled { return }
            await record(outcome, watched)
            if outcome.ok { return }
        }
    }
}

/// What was seen at the last look.
private final class Looks: Sendable {
    private let listeners: @Sendable ([ConfigurationFile.SocketAddress]) -> [Bool?]
    /// Each place once, however many checks are asked there.
    private let places: [ConfigurationFile.SocketAddress]
    private let watched: [ConfigurationFile.SocketAddress: [ListenerWatch.Watched]]
    private let departures: AsyncStream<ListenerWatch.Watched>.Continuation
    private let wasListening: Mutex<[Bool]>
    private let attendance: ListenerWatch.Attendance
    private let isEnding = Atomic(false)

    init(
        _ all: [ListenerWatch.Watched], listeners: @escaping @Sendable ([ConfigurationFile.SocketAddress]) -> [Bool?],
        attendance: ListenerWatch.Attendance, departures: AsyncStream<ListenerWatch.Watched>.Continuation
    ) {
        self.listeners = listeners
        self.attendance = attendance
        self.departures = departures
        watched = Dictionary(grouping: all.filter { $0.target.listener != nil }, by: \.target.endpoint)
        places = Array(watched.keys)
        wasListening = Mutex([Bool](repeating: false, count: places.count))
    }

    /// Looks now and again and again, at a beat.
    func begin(on loop: any EventLoop) {
        loop.execute { self.lookAgain(on: loop) }
    }

    func end() { isEnding.store(true, ordering: .relaxed) }

    private func lookAgain(on loop: any EventLoop) {
        guard !isEnding.load(ordering: .relaxed) else { return }
        look()
        let interval = attendance.isAttended ? ListenerWatch.interval : ListenerWatch.unattendedInterval
        let next = Beat.own.next(after: .now() + TimeAmount(interval - Beat.interval))
        loop.scheduleTask(deadline: next) { self.lookAgain(on: loop) }
    }

    /// Looks at all of them, and tells of those that have gone since the last look.
    private func look() {
        let now = listeners(places)
        wasListening.withLock { wasListening in
            for (index, place) in places.enumerated() {
                // A look-up that fails says nothing; the check's own interval still rules.
                guard let isListening = now[index] else { continue }
                if wasListening[index], !isListening { watched[place]?.forEach { departures.yield($0) } }
                wasListening[index] = isListening
            }
        }
    }
}
