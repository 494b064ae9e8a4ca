import NetworkAddress
import Testing

@testable import HealthReporter

@Suite("ServiceHealth")
struct ServiceHealthTests {
    static func health(
        setup: ServiceHealth.Setup = .verified(problems: []), failing: [String] = [], mode: AdminMode? = nil,
        reason: String = "", connections: Int? = 0, waitingFor: [String] = [], stopping: Bool = false
    ) -> ServiceHealth {
        ServiceHealth(
            baseWeight: 100, setup: setup,
            checks: [(name: "tcp", ok: true, message: "connected")]
                + failing.map { (name: $0, ok: false, message: "connection refused") },
            administered: mode.map {
                AdminState.Entry(mode: $0, reason: reason, since: noon, until: nil, generation: 7)
            },
            connections: connections, directorsToTell: waitingFor.map(address), agentIsStopping: stopping)
    }

    @Test(
        "the state and its reason follow from what is known",
        arguments: [
            (health(), ServiceState.up, ""),
            (health(connections: nil), .up, ""),
            (health(setup: .unverified), .down, "setup not yet verified"),
            (
                health(setup: .verified(problems: ["192.0.2.10 is not on lo", "eth0 answers ARP"])), .down,
                "setup: 192.0.2.10 is not on lo; setup: eth0 answers ARP"
            ),
            (health(failing: ["http /healthz"]), .down, "http /healthz: connection refused"),
            (health(failing: ["a", "b"]), .down, "a: connection refused; b: connection refused"),
            (health(setup: .verified(problems: ["x"]), failing: ["a"]), .down, "setup: x"),
            (health(mode: .maint), .maint, "maint by hand"),
            (health(mode: .maint, reason: "new disk"), .maint, "maint: new disk"),
            (health(setup: .verified(problems: ["x"]), mode: .maint), .maint, "maint by hand; setup: x"),
            (health(mode: .drain), .drained, "drain by hand"),
            (health(mode: .drain, reason: "kernel", connections: 3), .draining, "drain: kernel"),
            (
                health(mode: .drain, waitingFor: ["10.0.0.1", "10.0.0.2"]), .draining,
                "drain by hand; not yet acknowledged by 10.0.0.1, 10.0.0.2"
            ),
            (
                health(mode: .drain, connections: nil), .draining, "drain by hand; connections cannot be counted"
            ),
            (
                health(failing: ["tcp"], mode: .drain, reason: "kernel", connections: 1), .draining,
                "drain: kernel; tcp: connection refused"
            ),
            (health(setup: .unverified, mode: .drain), .down, "setup not yet verified; drain by hand"),
            (health(stopping: true), .draining, "agent stopping"),
            (health(failing: ["a"], stopping: true), .down, "a: connection refused"),
            (health(mode: .drain, stopping: true), .drained, "drain by hand"),
        ])
    func verdict(health: ServiceHealth, state: ServiceState, reason: String) {
        #expect(health.verdict.state == state)
        #expect(health.verdict.reason == reason)
        #expect(health.verdict.weight == (state == .up ? 100 : 0))
    }

    @Test("a drain's reason does not change with the number of open connections")
    func steadyReason() {
        let reasons = (1...3).map { Self.health(mode: .drain, connections: $0).verdict.reason }
        #expect(Set(reasons).count == 1)
    }
}
