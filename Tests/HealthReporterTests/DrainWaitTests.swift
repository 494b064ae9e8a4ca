import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("DrainWait")
struct DrainWaitTests {
    static let one = address("10.0.0.1")
    static let two = address("10.0.0.2")

    /// The drain of `web`, as of which directors have been told.
    static func drained(
        generation: UInt64 = 7, told: [IPAddress], of all: [IPAddress], mode: AdminMode = .drain,
        settling: [IPAddress] = [], alarms: [String] = []
    ) -> [AdministeredService] {
        [
            AdministeredService(
                name: "web", mode: mode, reason: "", since: noon, until: nil, generation: generation,
                acknowledgedBy: told,
                waitingFor: all.filter { !told.contains($0) }, settling: settling, alarms: alarms)
        ]
    }

    static func answer(directors: [IPAddress]) -> ControlAnswer {
        ControlAnswer(
            generation: 7,
            directors: directors.map {
                DirectorStatus(address: $0, name: nil, lastPoll: nil, acknowledgedGeneration: nil)
            }, administered: drained(told: [], of: directors))
    }

    /// Time that passes only by sleeping.
    final class StepClock: Clock {
        struct Instant: InstantProtocol {
            var offset: Duration
            func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
            func duration(to other: Instant) -> Duration { other.offset - offset }
            static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
        }

        let elapsed = Box(Duration.zero)
        var now: Instant { Instant(offset: elapsed.value) }
        var minimumResolution: Duration { .nanoseconds(1) }
        func sleep(until deadline: Instant, tolerance: Duration?) async throws { elapsed.value = deadline.offset }
    }

    /// Runs a wait against what the agent would say at each moment.
    private func wait(
        directors: [IPAddress], timeout: Duration = .seconds(60), isForced: Bool = false,
        cut: @escaping @Sendable (Duration) -> Int = { _ in 0 },
        _ sample: @escaping @Sendable (Duration) -> DrainWait.Sample?
    ) async throws -> (outcome: DrainWait.Outcome, at: Duration, progress: [DrainWait.Progress], cut: Int) {
        let clock = StepClock()
        let steps = Box<[DrainWait.Progress]>([])
        let wait = DrainWait(for: Self.answer(directors: directors), timeout: timeout, isForced: isForced)
        let result = try await wait.run(
            clock: clock, progress: { step, _, _ in steps.change { if $0.last != step { $0.append(step) } } }
        ) { services throws(ReporterError) in
            #expect(services == ["web"])
            return sample(clock.elapsed.value)
        } cut: { _ throws(ReporterError) in
            cut(clock.elapsed.value)
        }
        return (result.outcome, clock.elapsed.value, steps.value, result.cut)
    }

    @Test("it is over only after every director knows and the last connection has been closed for a while")
    func over() async throws {
        let result = try await wait(directors: [Self.one, Self.two]) { elapsed in
            let told = elapsed < .seconds(1) ? [] : elapsed < .seconds(2) ? [Self.one] : [Self.one, Self.two]
            // None open while a director still does not know: that says nothing. Then three, until second 10.
            let open = elapsed < .seconds(2) ? 0 : elapsed < .seconds(10) ? 3 : 0
            return DrainWait.Sample(
                administered: Self.drained(told: told, of: [Self.one, Self.two]), connections: ["web": open])
        }
        #expect(result.outcome == .drained)
        #expect(result.outcome.rawValue == 0)
        #expect(result.at >= .milliseconds(10_500) && result.at < .seconds(11))
        #expect(
            result.progress == [
                .waitingForDirectors([Self.one, Self.two]), .waitingForDirectors([Self.two]),
                .waitingForConnections(3), .holding, .done(.drained),
            ])
    }

    @Test("a connection that shows up for one sample begins the watch anew")
    func straggler() async throws {
        let result = try await wait(directors: []) { elapsed in
            let open = elapsed >= .milliseconds(375) && elapsed < .milliseconds(450) ? 1 : 0
            return DrainWait.Sample(administered: Self.drained(told: [], of: []), connections: ["web": open])
        }
        #expect(result.outcome == .drained)
        #expect(result.at >= .milliseconds(950))
        #expect(result.progress == [.nobodyToTell, .holding, .waitingForConnections(1), .holding, .done(.drained)])
    }

    @Test("connections that cannot be counted are not taken for none")
    func uncountable() async throws {
        let result = try await wait(directors: [], timeout: .seconds(5)) { _ in
            DrainWait.Sample(administered: Self.drained(told: [], of: []), connections: [:])
        }
        #expect(result.outcome == .timeout)
        #expect(result.progress == [.nobodyToTell, .uncountable(["web"]), .done(.timeout)])
    }

    @Test("open connections at the end of the time are exit status 3")
    func timeout() async throws {
        let result = try await wait(directors: [Self.one], timeout: .seconds(5)) { _ in
            DrainWait.Sample(
                administered: Self.drained(told: [Self.one], of: [Self.one]), connections: ["web": 1])
        }
        #expect(result.outcome.rawValue == 3)
        #expect(result.at >= .seconds(5) && result.at < .milliseconds(5_200))
    }

    @Test("one director of two that never takes notice is exit status 3, none at all is 4")
    func notAcknowledged() async throws {
        let partly = try await wait(directors: [Self.one, Self.two]) { _ in
            DrainWait.Sample(
                administered: Self.drained(told: [Self.one], of: [Self.one, Self.two]), connections: ["web": 0])
        }
        #expect(partly.outcome.rawValue == 3)
        let none = try await wait(directors: [Self.one, Self.two]) { _ in
            DrainWait.Sample(
                administered: Self.drained(told: [], of: [Self.one, Self.two]), connections: ["web": 0])
        }
        #expect(none.outcome.rawValue == 4)
        #expect(none.at >= .seconds(30) && none.at < .seconds(31))
        let soon = try await wait(directors: [Self.one], timeout: .seconds(2)) { _ in
            DrainWait.Sample(administered: Self.drained(told: [], of: [Self.one]), connections: ["web": 0])
        }
        #expect(soon.outcome.rawValue == 4)
        #expect(soon.at < .seconds(3))
    }

    @Test(
        "a drain that was ended, replaced or asked for anew meanwhile is exit status 5",
        arguments: [[], drained(told: [], of: [], mode: .maint), drained(generation: 9, told: [], of: [])])
    func endedMeanwhile(after: [AdministeredService]) async throws {
        let result = try await wait(directors: []) { elapsed in
            DrainWait.Sample(
                administered: elapsed < .seconds(3) ? Self.drained(told: [], of: []) : after, connections: ["web": 1])
        }
        #expect(result.outcome.rawValue == 5)
        #expect(result.at >= .seconds(3) && result.at < .milliseconds(3_200))
    }

    @Test("an agent that died is exit status 4 where no director had taken notice, else 3")
    func agentDied() async throws {
        for (told, status, time) in [([], 4, 30), ([Self.one], 3, 60)] as [([IPAddress], Int32, Int)] {
            let result = try await wait(directors: [Self.one]) { elapsed in
                guard elapsed < .seconds(1) else { return nil }
                return DrainWait.Sample(
                    administered: Self.drained(told: told, of: [Self.one]), connections: ["web": 1])
            }
            #expect(result.outcome.rawValue == status)
            #expect(result.at >= .seconds(time) && result.at < .seconds(time + 1))
            #expect(result.progress.contains(.agentSilent))
        }
    }

    @Test("an agent that restarts meanwhile is waited for, and what it said before does not count as none open")
    func restart() async throws {
        let result = try await wait(directors: []) { elapsed in
            if elapsed >= .milliseconds(300), elapsed < .seconds(4) { return nil }
            return DrainWait.Sample(administered: Self.drained(told: [], of: []), connections: ["web": 0])
        }
        #expect(result.outcome == .drained)
        #expect(result.at >= .milliseconds(4_500))
        #expect(result.progress == [.nobodyToTell, .holding, .agentSilent, .holding, .done(.drained)])
    }

    @Test("a director that knows is given time for what it sent before, and none open meanwhile says nothing")
    func settling() async throws {
        let result = try await wait(directors: [Self.one]) { elapsed in
            DrainWait.Sample(
                administered: Self.drained(
                    told: [Self.one], of: [Self.one], settling: elapsed < .seconds(6) ? [Self.one] : []),
                connections: ["web": 0])
        }
        #expect(result.outcome == .drained)
        #expect(result.at >= .seconds(6) + DrainWait.hold)
        #expect(result.progress == [.settling([Self.one]), .holding, .done(.drained)])
    }

    @Test("while somebody still sends, no count of zero is believed")
    func stillSending() async throws {
        let result = try await wait(directors: [Self.one], timeout: .seconds(100)) { elapsed in
            let alarms = elapsed > .seconds(2) && elapsed < .seconds(40) ? ["x"] : []
            return DrainWait.Sample(
                administered: Self.drained(told: [Self.one], of: [Self.one], alarms: alarms),
                connections: ["web": elapsed < .seconds(3) ? 1 : 0])
        }
        #expect(result.outcome == .drained)
        #expect(result.at >= .seconds(40) + DrainWait.hold)
        #expect(
            result.progress == [
                .waitingForConnections(1), .stillSending(["x"]), .holding, .done(.drained),
            ])
    }

    @Test("by force what is open when the time is up is ended, and the drain is proven as any other")
    func force() async throws {
        let open = Box(3)
        let result = try await wait(
            directors: [Self.one], timeout: .seconds(5), isForced: true,
            cut: { elapsed in
                #expect(elapsed >= .seconds(5))
                defer { open.value = 0 }
                return open.value
            }
        ) { _ in
            DrainWait.Sample(
                administered: Self.drained(told: [Self.one], of: [Self.one]), connections: ["web": open.value])
        }
        #expect(result.outcome == .drained)
        #expect(result.cut == 3)
        #expect(result.at >= .seconds(5) + DrainWait.hold && result.at < .seconds(6))
        #expect(
            result.progress == [.waitingForConnections(3), .cutting(3), .holding, .done(.drained)])
    }

    @Test("at once by force: what comes until the directors know is ended too")
    func forceAtOnce() async throws {
        let result = try await wait(
            directors: [Self.one], timeout: .zero, isForced: true, cut: { _ in 1 }
        ) { elapsed in
            let told = elapsed < .seconds(2) ? [] : [Self.one]
            return DrainWait.Sample(
                administered: Self.drained(told: told, of: [Self.one]),
                connections: ["web": elapsed < .seconds(2) ? 1 : 0])
        }
        #expect(result.outcome == .drained)
        #expect(result.cut > 1)
        #expect(result.progress == [.cutting(1), .holding, .done(.drained)])
    }

    @Test("nobody is cut before the time is up because a director is silent")
    func forceUnheard() async throws {
        let open = Box(1)
        let result = try await wait(
            directors: [Self.one], timeout: .seconds(300), isForced: true,
            cut: { elapsed in
                #expect(elapsed >= .seconds(300))
                defer { open.value = 0 }
                return open.value
            }
        ) { _ in
            DrainWait.Sample(administered: Self.drained(told: [], of: [Self.one]), connections: ["web": open.value])
        }
        #expect(result.outcome == .notAcknowledged && result.cut == 1)
        #expect(result.at >= .seconds(300))
    }

    @Test("force has an end: 4 where still nobody knows, 3 where connections come back all the time")
    func forceInVain() async throws {
        let unheard = try await wait(directors: [Self.one], timeout: .seconds(1), isForced: true) { _ in
            DrainWait.Sample(administered: Self.drained(told: [], of: [Self.one]), connections: ["web": 0])
        }
        #expect(unheard.outcome == .notAcknowledged)
        #expect(unheard.at >= .seconds(11) && unheard.at < .seconds(12))
        let stubborn = try await wait(directors: [Self.one], timeout: .seconds(1), isForced: true) { _ in
            DrainWait.Sample(administered: Self.drained(told: [Self.one], of: [Self.one]), connections: ["web": 1])
        }
        #expect(stubborn.outcome == .timeout)
    }

    @Test("without force nothing is ended")
    func noForce() async throws {
        let result = try await wait(
            directors: [Self.one], timeout: .seconds(1),
            cut: { _ in
                Issue.record("cut")
                return 0
            }
        ) { _ in
            DrainWait.Sample(administered: Self.drained(told: [Self.one], of: [Self.one]), connections: ["web": 1])
        }
        #expect(result.outcome == .timeout)
    }

    @Test("a service in maint, which a drain of all left as it is, is not waited for")
    func notDrained() {
        var answer = Self.answer(directors: [Self.one])
        answer.administered[0].mode = .maint
        #expect(DrainWait(for: answer, timeout: .seconds(1)).services == [])
    }

    @Test("each step reads as a line for the operator")
    func words() {
        #expect("\(DrainWait.Progress.waitingForDirectors([Self.one, Self.two]))".contains("10.0.0.1, 10.0.0.2"))
        #expect("\(DrainWait.Progress.waitingForConnections(1))" == "1 connection is open")
        #expect("\(DrainWait.Progress.waitingForConnections(2))" == "2 connections are open")
        #expect("\(DrainWait.Progress.nobodyToTell)".contains("nobody is waited for"))
    }
}
