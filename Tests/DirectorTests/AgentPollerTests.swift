internal import Testing

@testable internal import Director

@Suite("what an agent is asked")
struct AgentPollerTests {
    @Test("the first time for what is, then for what changed since")
    func urls() {
        let agent = "http://10.0.0.11:9380"
        #expect(AgentPoller.url(agent, since: nil, director: "d1") == "\(agent)/v1/report?director=d1")
        #expect(
            AgentPoller.url(agent, since: 42, director: "d1") == "\(agent)/v1/report?since=42&wait=2s&director=d1")
    }

    @Test("a host's name cannot become another parameter")
    func encoding() {
        #expect(AgentPoller.url("http://a:1", since: nil, director: "d 1&x=ü").hasSuffix("director=d%201%26x%3D%C3%BC"))
    }
}
