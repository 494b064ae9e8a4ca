import Lab
import Testing

extension TheKernelLab {
    /// UDP through a tunnel: real DNS servers, asked with dig.
    @Suite("DNS servers behind a tunnel")
    struct TunnelNameServiceTests {
        @Test("questions are spread, also while one is drained and one dies, and those of several packets arrive whole")
        func story() async throws {
            try Command.require("modprobe ipip")
            let lab = try await Lab()
            try await clearing(lab) {
                let way = Way.tunnelled
                let service = try await NameService(on: lab, ways: [way])
                let atClient = try await Capture(on: lab.client, name: "wire", filter: "udp")
                let atServer = try await Capture(on: lab.backends[0], name: "wire", filter: "ip proto 4 or udp")

                // 1. In turn to all three; an answer of three packets and a question of two, whole.
                #expect(try await service.ask(way, times: 6) == ["rs1": 2, "rs2": 2, "rs3": 2])
                for _ in lab.backends {
                    #expect(try await service.askForLongText(way) == DNSServer.longText)
                    #expect(["rs1", "rs2", "rs3"].contains(try await service.askAtLength(way)))
                }

                // 2. Under load: drained, killed and back; a drain loses none, a death only what went to the dead.
                let outcome = try await service.drainAndKill(
                    lab.backends[0], lab.backends[1], questions: 8, lanes: 1, pause: 0.5)
                #expect(outcome.askedWhileDrained.isEmpty, "questions to a drained server")
                #expect(outcome.lostElsewhere.isEmpty, "\(outcome.lostElsewhere)")
                #expect(outcome.requests.contains { $0.server == "rs1" && $0.start < outcome.drained })
                let counts = "\(outcome.requests.count) questions, \(outcome.lost.count) lost"
                print("DNS behind a tunnel: \(counts), all sent to the dead server")

                // 3. Answers come straight from the servers; questions wrapped, from the director, those in pieces too.
                try await atClient.stop()
                let answers = try await atClient.sources("src host \(way.vip)")
                #expect(Set(answers.keys) == Set(lab.backends.map { "\($0.mac)" }))
                let others = try await atClient.frames("not host \(way.vip)")
                #expect(others.isEmpty, "\(others.prefix(5))")
                try await atServer.stop()
                let toServer = "ether dst \(lab.backends[0].mac)"
                #expect(try await atServer.sources(toServer).keys.sorted() == ["\(lab.director.mac)"])
                #expect(try await atServer.frames("\(toServer) and not ip proto 4").isEmpty)
                let pieces = "ip proto 4 and ip[26:2] & 0x3fff != 0"
                #expect(try await !atServer.frames(pieces).isEmpty, "a question in pieces")
                try await service.stop()
            }
        }
    }
}
