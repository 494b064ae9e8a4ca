import Testing

@testable import HealthReporter

@Suite("X-Haproxy-Server-State")
struct HAProxyServerStateTests {
    @Test("it is read as HAProxy's documentation and its versions write it")
    func reading() throws {
        // configuration.txt, http-check send-state; and as 2.6 sends it, in another order and with more fields.
        let old = try #require(
            HAProxyServerState("UP 2/3; name=bck/srv2; node=lb1; weight=1/2; scur=13/22; qcur=0"))
        #expect((old.word, old.name, old.node, old.weight) == (.up, "bck/srv2", "lb1", 1))
        let new = try #require(
            HAProxyServerState(
                "NOLB; address=10.0.0.11; port=80; name=web/rs1; node=lb1; weight=100/0; scur=1/1; qcur=0"))
        #expect((new.word, new.name, new.node, new.weight) == (.noLoadBalancing, "web/rs1", "lb1", 100))
        #expect(new.words == "HAProxy lb1 has web/rs1 NOLB")
        let down = try #require(HAProxyServerState("DOWN 1/2; weight=0/0"))
        #expect((down.word, down.name, down.node, down.weight) == (.down, "", "", 0))
        #expect(down.words == "HAProxy has it DOWN, weight 0")
        let long = try #require(HAProxyServerState("UP; node=\(String(repeating: "n", count: 8_000))"))
        #expect(long.node.utf8.count == HAProxyServerState.longestName)
    }

    @Test("what is not understood says nothing", arguments: ["", ";", "no check; weight=0/1", "up", "UPPER", "; UP"])
    func unknown(text: String) { #expect(HAProxyServerState(text) == nil) }

    @Test(
        "a weight that is none is not taken for 0", arguments: ["UP; weight=", "UP; weight=/2", "UP; weight=x/2", "UP"])
    func noWeight(text: String) throws {
        let state = try #require(HAProxyServerState(text))
        #expect(state.weight == nil)
    }

    @Test(
        "it acts on a drain where it is out and our answer keeps it out, or its weight is 0",
        arguments: [
            ("UP; weight=100/100", true, false), ("UP 1/3; weight=100/100", true, false), ("UP", true, false),
            ("NOLB 1/3; weight=100/0", true, true), ("DOWN; weight=100/0", true, true), ("DOWN 1/2", true, true),
            ("UP; weight=0/200", true, true), ("UP; weight=0/200", false, true),
        ])
    func acts(text: String, isRefused: Bool, acts: Bool) throws {
        let state = try #require(HAProxyServerState(text))
        #expect(state.actsOnDrain(isRefused: isRefused) == acts)
    }

    @Test(
        "where our answer is 200 it says nothing: what is out may come back, and a drain by the agent-check does not show",
        arguments: ["UP; weight=100/0", "NOLB; weight=100/0", "DOWN; weight=100/0"])
    func saysNothing(text: String) throws {
        let state = try #require(HAProxyServerState(text))
        #expect(state.actsOnDrain(isRefused: false) == nil)
    }
}
