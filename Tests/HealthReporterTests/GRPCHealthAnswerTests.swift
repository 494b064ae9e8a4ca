import Testing

@testable import HealthReporter

@Suite("GRPCHealthAnswer")
struct GRPCHealthAnswerTests {
    @Test("the question is a message of one string, behind a flag and a length")
    func request() {
        #expect(GRPCHealthAnswer.request(service: "") == [0, 0, 0, 0, 0])
        #expect(GRPCHealthAnswer.request(service: "ab") == [0, 0, 0, 0, 4, 0x0A, 2, 0x61, 0x62])
        let long = GRPCHealthAnswer.request(service: String(repeating: "x", count: 200))
        #expect(Array(long.prefix(8)) == [0, 0, 0, 0, 203, 0x0A, 0xC8, 0x01])
    }

    private func verdict(_ body: [UInt8], http: String? = "200", grpc: String? = "0") -> CheckAnswer? {
        var answer = GRPCHealthAnswer()
        if let http { answer.receive(fields: [(":status", http), ("content-type", "application/grpc")]) }
        // In whatever pieces.
        for byte in body { answer.receive([byte]) }
        #expect(answer.verdict(isComplete: false, of: "s") == nil, "what is not complete is not judged")
        if let grpc { answer.receive(fields: [("grpc-status", grpc), ("grpc-message", "whatever")]) }
        return answer.verdict(isComplete: true, of: "s")
    }

    @Test(
        "only SERVING passes",
        arguments: [
            ([0, 0, 0, 0, 2, 8, 1], true, "SERVING"), ([0, 0, 0, 0, 2, 8, 2], false, "NOT_SERVING"),
            ([0, 0, 0, 0, 2, 8, 0], false, "UNKNOWN"), ([0, 0, 0, 0, 0], false, "UNKNOWN"),
            ([0, 0, 0, 0, 2, 8, 3], false, "SERVICE_UNKNOWN"), ([0, 0, 0, 0, 2, 8, 9], false, "serving status 9"),
            // Fields of a later version, one of each wire type, before it and after.
            ([0, 0, 0, 0, 8, 0x12, 2, 8, 2, 8, 1, 0x18, 7], true, "SERVING"),
            ([0, 0, 0, 0, 7, 0x1D, 1, 2, 3, 4, 8, 1], true, "SERVING"),
            ([0, 0, 0, 0, 11, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1], true, "SERVING"),
        ] as [([UInt8], Bool, String)])
    func serving(body: [UInt8], ok: Bool, message: String) {
        #expect(verdict(body) == CheckAnswer(ok, message))
    }

    @Test(
        "what is no such message fails as such",
        arguments: [
            [], [0, 0, 0, 0], [0, 0, 0, 0, 3, 8, 1], [0, 0, 0, 0, 1, 8, 1], [1, 0, 0, 0, 2, 8, 1], [0, 0, 0, 0, 1, 8],
            [0, 0, 0, 0, 3, 0x12, 9, 0], [0, 0, 0, 0, 2, 0x1D, 0], [0, 0, 0, 0, 2, 0x19, 0], [0, 0, 0, 0, 1, 0x0B],
            [0, 255, 255, 255, 255, 8, 1],
            // A number without an end, and a length beyond all memory.
            [0, 0, 0, 0, 12, 8] + [UInt8](repeating: 0xFF, count: 11),
            [0, 0, 0, 0, 11, 0x12] + [UInt8](repeating: 0xFF, count: 9) + [1],
        ] as [[UInt8]])
    func malformed(body: [UInt8]) {
        #expect(
            verdict(body) == CheckAnswer(false, "not an answer to a health check: it cannot be read"))
    }

    @Test("statuses of HTTP and of gRPC that are not good are told by name, and never in the server's own words")
    func statuses() {
        let body: [UInt8] = [0, 0, 0, 0, 2, 8, 1]
        #expect(verdict(body, http: "404")?.message == "HTTP status 404")
        #expect(verdict(body, http: nil)?.message == "HTTP status missing")
        #expect(verdict(body, grpc: nil)?.message == "not an answer of gRPC: there is no grpc-status")
        #expect(verdict([], grpc: "5")?.message == "grpc-status 5 (NOT_FOUND): the server knows no service \"s\"")
        #expect(
            verdict([], grpc: "12")?.message
                == "grpc-status 12 (UNIMPLEMENTED): the server has no grpc.health.v1.Health")
        #expect(verdict(body, grpc: "14") == CheckAnswer(false, "grpc-status 14 (UNAVAILABLE)"))
        #expect(verdict(body, grpc: "-1") == CheckAnswer(false, "grpc-status -1"))
        #expect(verdict(body, grpc: "99") == CheckAnswer(false, "grpc-status 99"))
    }

    @Test("an answer that is too long is not waited out, and not kept")
    func tooLong() {
        var answer = GRPCHealthAnswer()
        answer.receive(fields: [(":status", "200")])
        answer.receive([UInt8](repeating: 0, count: GRPCHealthAnswer.longestMessage))
        #expect(answer.verdict(isComplete: false, of: "s") == nil)
        answer.receive([0])
        #expect(
            answer.verdict(isComplete: false, of: "s")
                == CheckAnswer(false, "not an answer to a health check: it is too long"))
    }
}
