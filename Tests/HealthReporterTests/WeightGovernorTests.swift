import ConfigurationFile
import Testing

@testable import HealthReporter

@Suite("WeightGovernor")
struct WeightGovernorTests {
    typealias Rules = AgentConfiguration.LoadRules
    static let start = ContinuousClock.now

    /// So many seconds after the start.
    static func after(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    /// A governor of a service that is up, and was when the agent began.
    static func governor(
        weight: Int = 100, _ rules: Rules? = Rules(cpu: 0.8, smoothing: .zero), slowStart: Duration = .zero,
        isWarm: Bool = true
    ) -> WeightGovernor {
        var service = makeService()
        (service.weight, service.load, service.slowStart) = (weight, rules, slowStart)
        var governor = WeightGovernor(service, wasWarm: isWarm, at: start)
        governor.serviceIs(up: true, at: start)
        return governor
    }

    @Test(
        "up to its figure a rule leaves the weight whole, then it falls in a straight line to the floor at the rule's end",
        arguments: [
            (Rules(cpu: 0.8, smoothing: .zero), LoadMeasure.cpu, 0.8, 100, ""),
            (Rules(cpu: 0.8, smoothing: .zero), .cpu, 0.9, 51, "cpu 0.90"),
            (Rules(cpu: 0.8, smoothing: .zero), .cpu, 1, 1, "cpu 1.00"),
            (Rules(cpuPressure: 0.2, floor: 10, smoothing: .zero), .cpuPressure, 0.6, 55, "cpu pressure 0.60"),
            (Rules(memory: 0.9, floor: 10, smoothing: .zero), .memory, 0.95, 55, "memory 0.95"),
            (Rules(memory: 0.9, floor: 10, ceiling: 60, smoothing: .zero), .memory, 0.1, 60, ""),
            (Rules(loadAverage: 1.5, floor: 20, smoothing: .zero), .loadAverage, 2.25, 60, "load average 2.25"),
            (Rules(loadAverage: 1.5, floor: 20, smoothing: .zero), .loadAverage, 99, 20, "load average 99.00"),
            (Rules(connections: 2_000, floor: 10, smoothing: .zero), .connections, 3_000, 55, "connections 3000"),
            (Rules(command: .init(["/x"], full: 4), floor: 10, smoothing: .zero), .command, 7, 33, "command 7.00"),
            (Rules(command: .init(["/x"], full: 4), smoothing: .zero), .command, 1e300, 1, "command 1e+300"),
        ])
    func factor(rules: Rules, measure: LoadMeasure, figure: Double, weight: Int, reason: String) {
        var governor = Self.governor(rules)
        governor.take([measure: .figure(figure)], at: Self.after(1))
        #expect(governor.weight == weight)
        #expect(governor.reason == reason)
        #expect(governor.measures == [measure])
    }

    @Test("the rule that asks for the least decides, and is the one that is named")
    func least() {
        var governor = Self.governor(Rules(cpu: 0.5, memory: 0.5, connections: 10, smoothing: .zero))
        governor.take([.cpu: .figure(0.6), .memory: .figure(0.9), .connections: .figure(12)], at: Self.after(1))
        #expect(governor.weight == 21)
        #expect(governor.reason == "memory 0.90")
    }

    @Test("an average comes to the same however often it is sampled")
    func uneven() throws {
        func average(_ samples: [(second: Double, figure: Double)]) throws -> Double {
            var average = MovingAverage(timeConstant: .seconds(10))
            for sample in samples { average.add(sample.figure, at: Self.after(sample.second)) }
            return try #require(average.value)
        }
        let even = try average((0...30).map { (Double($0), $0 > 0 ? 1 : 0) })
        #expect(abs(try average([(0, 0), (0.1, 1), (7, 1), (7, 1), (29.9, 1), (30, 1)]) - even) < 1e-9)
        #expect(abs(try average([(0, 0), (30, 1)]) - even) < 1e-9)
        // 1 − e^(−3)
        #expect(abs(even - 0.950_212_931_6) < 1e-9)
        // A clock does not go back; if it seems to, nothing comes of it.
        #expect(try average([(5, 1), (3, 0)]) == 1)
    }

    @Test("a difference smaller than the step is not reported, but for the one that reaches an end")
    func steps() {
        var governor = Self.governor(Rules(loadAverage: 1, floor: 0, smoothing: .zero, step: 10))
        func take(_ second: Double, weight wanted: Double) -> Int {
            governor.take([.loadAverage: .figure(2 - wanted / 100)], at: Self.after(second))
            return governor.weight
        }
        #expect(take(1, weight: 91) == 100)
        #expect(take(2, weight: 90) == 90)
        #expect(governor.reason == "load average 1.10")
        #expect(take(3, weight: 81) == 90)
        #expect(take(4, weight: 99) == 90)
        #expect(governor.reason == "load average 1.10", "the reason changes only with the weight")
        #expect(take(5, weight: 100) == 100)
        #expect(governor.reason == "")
        #expect(take(6, weight: 5) == 5)
        #expect(take(7, weight: 0) == 0)
        #expect(take(8, weight: 9) == 0)
        #expect(take(9, weight: 10) == 10)
    }

    @Test("the weight falls at once, and rises to the least of what was asked for in five time constants")
    func memory() {
        var governor = Self.governor(Rules(loadAverage: 1, smoothing: .seconds(2)))
        func take(_ second: Double, _ figure: Double) -> Int {
            governor.take([.loadAverage: .figure(figure)], at: Self.after(second))
            return governor.weight
        }
        #expect(take(0, 2) == 1)
        for second in 1...9 { #expect(take(Double(second), 0) == 1, "after \(second) s") }
        // 2 e^(−1/2): what was asked for a second after the load had gone, not what is now.
        #expect(take(10.5, 0) == 79)
        #expect(governor.reason == "load average 1.21")
        #expect(take(30, 0) == 100)
        #expect(take(31, 5) < 100, "down again at once")
    }

    @Test("both ends are reached, and stay reached, under a load that is no longer there or never ends")
    func ends() {
        var governor = Self.governor(Rules(cpu: 0.8, floor: 10, ceiling: 90, step: 50))
        for second in 1...200 { governor.take([.cpu: .figure(1)], at: Self.after(Double(second))) }
        #expect(governor.weight == 10)
        #expect(governor.reason == "cpu 1.00")
        for second in 201...400 { governor.take([.cpu: .figure(0.1)], at: Self.after(Double(second))) }
        #expect(governor.weight == 90)
        #expect(governor.reason == "")
    }

    @Test("a weight of 0 stays 0, whatever the rules and however slow the start")
    func zero() {
        var governor = Self.governor(
            weight: 0, Rules(cpu: 0.8, ceiling: 100), slowStart: .seconds(10), isWarm: false)
        for second in 0...20 { governor.take([.cpu: .figure(0)], at: Self.after(Double(second))) }
        #expect(governor.weight == 0)
        #expect(governor.reason == "")
        #expect(governor.measures == [])
    }

    @Test("a service that comes up starts slowly, in steps, each time it does")
    func slowStart() {
        var governor = Self.governor(nil, slowStart: .seconds(40), isWarm: false)
        for round in [0.0, 1_000.0] {
            governor.serviceIs(up: true, at: Self.after(round))
            #expect(governor.weight == 5)
            #expect(governor.reason == "slow start 5%")
            #expect(!governor.isWarm)
            var seen: [Int] = []
            for second in stride(from: 0.0, through: 40, by: 0.25) {
                governor.take([:], at: Self.after(round + second))
                if seen.last != governor.weight { seen.append(governor.weight) }
            }
            #expect(seen == Array(stride(from: 5, through: 100, by: 5)))
            #expect(governor.reason == "")
            #expect(governor.isWarm)
            governor.serviceIs(up: true, at: Self.after(round + 50))
            #expect(governor.weight == 100, "it has been up all the time")
            governor.serviceIs(up: false, at: Self.after(round + 60))
            #expect(!governor.isWarm)
        }
    }

    @Test("a slow start goes in the rules' steps, to what the load leaves, and not below the floor")
    func slowStartUnderLoad() {
        let rules = Rules(cpu: 0.8, floor: 10, smoothing: .zero, step: 25)
        var governor = Self.governor(rules, slowStart: .seconds(40), isWarm: false)
        #expect(governor.weight == 25)
        governor.take([.cpu: .figure(0.9)], at: Self.after(1))
        #expect(governor.weight == 14)
        #expect(governor.reason == "slow start 25%; cpu 0.90")
        governor.take([.cpu: .figure(0.9)], at: Self.after(20))
        #expect(governor.weight == 28)
        #expect(governor.reason == "slow start 50%; cpu 0.90")
        governor.take([.cpu: .figure(0.99)], at: Self.after(21))
        #expect(governor.weight == 10)
        governor.take([.cpu: .figure(0.99)], at: Self.after(41))
        #expect(governor.reason == "cpu 0.99")
    }

    @Test("a weight too small for the steps of a slow start reports no step that is none")
    func smallSlowStart() {
        var governor = Self.governor(weight: 1, nil, slowStart: .seconds(40), isWarm: false)
        for second in 0..<40 {
            governor.take([:], at: Self.after(Double(second)))
            #expect(governor.weight == 1)
            #expect(governor.reason == "slow start 5%")
        }
        governor.take([:], at: Self.after(40))
        #expect(governor.reason == "")
    }

    @Test("what was up when the agent ended does not start slowly, if it is up still")
    func resumed() {
        var service = makeService()
        service.slowStart = .seconds(40)
        var governor = WeightGovernor(service, wasWarm: true, at: Self.start)
        governor.serviceIs(up: true, at: Self.start)
        #expect(governor.weight == 100 && governor.isWarm)
        governor.serviceIs(up: false, at: Self.after(1))
        governor.serviceIs(up: true, at: Self.after(2))
        #expect(governor.weight == 5)

        governor = WeightGovernor(service, wasWarm: true, at: Self.start)
        governor.serviceIs(up: false, at: Self.start)
        governor.serviceIs(up: true, at: Self.after(1))
        #expect(governor.weight == 5)
    }

    @Test("a rule whose measure is missing goes on with its last average for a while, then it is left out and told")
    func missing() {
        var governor = Self.governor(Rules(cpu: 0.8, command: .init(["/x"], full: 1), smoothing: .zero))
        func take(_ second: Double, _ command: LoadReading?) {
            var readings: [LoadMeasure: LoadReading] = [.cpu: .figure(0.1)]
            readings[.command] = command
            governor.take(readings, at: Self.after(second))
        }
        take(1, nil)
        #expect(governor.warnings == [], "it has only just begun")
        take(2, .figure(2))
        #expect(governor.weight == 1)
        for second in 3..<32 { take(Double(second), second % 2 == 0 ? .unreadable("a") : .unreadable("b")) }
        #expect(governor.weight == 1 && governor.warnings == [])
        take(32, .unreadable("a"))
        #expect(governor.warnings == ["the weight does not follow command: a"])
        #expect(governor.weight == 100)
        take(33, .unreadable("b"))
        #expect(governor.warnings == ["the weight does not follow command: a"], "worded once")
        take(34, .figure(2))
        #expect(governor.warnings == [])
        #expect(governor.weight == 1)
        for second in 35..<64 { take(Double(second), nil) }
        #expect(governor.warnings == [])
        take(64, nil)
        #expect(governor.warnings == ["the weight does not follow command: there was no figure for a while"])
    }

    @Test("what was never to be had is told at once")
    func neverRead() {
        var governor = Self.governor(Rules(cpuPressure: 0.2))
        governor.take([.cpuPressure: .unreadable("there is no /proc/pressure/cpu")], at: Self.after(0))
        #expect(governor.warnings == ["the weight does not follow cpu pressure: there is no /proc/pressure/cpu"])
        #expect(governor.weight == 100)
    }
}
