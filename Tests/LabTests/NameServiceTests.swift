import Lab
import Testing

extension TheLab {
    /// UDP: real DNS servers, asked with dig, by direct routing and by address translation at once.
    @Suite("DNS servers behind the director")
    struct NameServiceTests {
        @Test(
            "questions are spread, answers and questions of several packets arrive whole; a drain loses none, a death only what went to the dead"
        )
        func story() async throws {
            let lab = try await Lab()
            try await clearing(lab) {
                let service = try await NameService(on: lab, ways: [.direct, .translated])
                let wire = try await Capture(on: lab.client, name: "wire", filter: "udp")
                let atServer = try await Capture(on: lab.backends[0], name: "wire", filter: "ip and not port 9380")

                // 1. In turn to all three; an answer of three packets and a question of two, whole.
                for way in service.ways {
                    #expect(try await service.ask(way, times: 30) == ["rs1": 10, "rs2": 10, "rs3": 10], "\(way.name)")
                    for _ in lab.backends {
                        #expect(try await service.askForLongText(way) == DNSServer.longText, "\(way.name)")
                        #expect(["rs1", "rs2", "rs3"].contains(try await service.askAtLength(way)), "\(way.name)")
                    }
                }
                try await atServer.stop()
                let pieces = "ip[6:2] & 0x3fff != 0"
                #expect(try await !wire.frames("\(pieces) and src host \(lab.client.address)").isEmpty)
                for destination in ["\(Way.direct.vip)", "\(lab.backends[0].address)"] {
                    let question = "\(pieces) and src host \(lab.client.address) and dst host \(destination)"
                    #expect(try await atServer.sources(question).keys.sorted() == ["\(lab.director.mac)"])
                }

                // 2. Under load: drained, killed and back.
                let outcome = try await service.drainAndKill(
                    lab.backends[0], lab.backends[1], questions: 40, lanes: 2, pause: 0.05)
                #expect(outcome.askedWhileDrained.isEmpty, "questions to a drained server")
                #expect(outcome.lostElsewhere.isEmpty, "\(outcome.lostElsewhere)")
                #expect(outcome.requests.contains { $0.server == "rs1" && $0.start < outcome.drained })
                #expect(outcome.requests.count > 100)
                let counts = "\(outcome.requests.count) questions, \(outcome.lost.count) lost"
                print("DNS: \(counts), all sent to the dead server")

                // 3. Answers come straight from the servers, or all from the director; none in a server's own name.
                try await wire.stop()
                let direct = try await wire.sources("src host \(Way.direct.vip)")
                #expect(Set(direct.keys) == Set(lab.backends.map { "\($0.mac)" }))
                let translated = try await wire.sources("src host \(Way.translated.vip)")
                #expect(Set(translated.keys) == ["\(lab.director.mac)"])
                let others = try await wire.frames("not (host \(Way.direct.vip) or host \(Way.translated.vip))")
                #expect(others.isEmpty, "\(others.prefix(5))")
                try await service.stop()
            }
        }
    }
}
