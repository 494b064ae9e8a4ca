import Lab
import Testing

extension TheKernelLab {
    @Suite("Servers that come and go behind tunnels")
    struct TunnelChurnTests {
        @Test("added, drained, killed and removed under load: nothing is lost but what was in flight on the one killed")
        func story() async throws {
            try Command.require("modprobe ipip")
            let lab = try await Lab()
            do {
                try await judge(lab)
            } catch {
                try await lab.remove()
                throw error
            }
            try await lab.remove()
        }

        private func judge(_ lab: Lab) async throws {
            let (rs1, rs2) = (lab.backends[0], lab.backends[1])
            let churn = try await Churn(on: lab, ways: [.tunnelled], size: 20_000_000, lanes: 2, pause: 0.5)
            try await churn.beginUploads(on: rs1)
            try await churn.order("server add", rs2)
            try await churn.untilServed(by: rs2)
            let drained = try await churn.order("drain", rs2)
            try await churn.moreRequests(6, silent: rs2, since: drained)
            try await churn.order("undrain", rs2)
            try await churn.untilServed(by: rs2)
            try await churn.kill(rs2)
            try await churn.moreRequests(6, silent: rs2)
            let removed = try await churn.order("server remove", rs2)
            try await churn.moreRequests(6, silent: rs2, since: removed)
            #expect(try await churn.finishUploads() == [])
            #expect(try await churn.fetch() == [])
            let outcome = try await churn.end()
            #expect(outcome.lostElsewhere.isEmpty, "\(outcome.lostElsewhere)")
            #expect(outcome.broken.isEmpty, "\(outcome.broken)")
            #expect(outcome.requests.values.joined().count > 20)
            print(
                "churn behind tunnels: \(outcome.requests.values.joined().count) requests, \(outcome.lost.count) lost")
            try await churn.fleet.stop()
        }
    }
}
