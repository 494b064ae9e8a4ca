import Lab
import NetworkAddress
import Testing

/// Real requests of one cell, and what the two ends of the wire saw of them.
struct ForwardingExchange {
    let cell: ForwardingCell
    let fleet: ForwardingFleet
    /// What the client connects to.
    let vip: IPAddress
    /// What the VIP's SYN-ACK must offer.
    let maximumSegment: Int

    /// 10 bytes and 10 MB down and 1 MB up must arrive whole, each packet the way the cell says.
    func judge() async throws {
        let lab = fleet.lab
        async let atClient = Capture(on: lab.client, name: cell.name)
        async let atServer = Capture(on: fleet.server, name: cell.name)
        let (client, server) = try await (atClient, atServer)
        let got = try await fleet.exchange(with: vip, port: cell.port)
        try await client.stop()
        try await server.stop()
        #expect(got == ["small \(ForwardingFleet.small)", "big whole", "upload whole"])

        let wrapped = cell.wrapped(for: vip, on: fleet)
        // What is between the director and the agent is no client's.
        let isServed = "not port \(Self.reportPort)"
        async let readRequests = server.frames(wrapped)
        async let readAnswers = server.frames("tcp and \(isServed) and not (\(wrapped))")
        async let readSeen = client.frames("tcp")
        let (requests, answers, seen) = try await (readRequests, readAnswers, readSeen)
        #expect(Self.ends(requests) == [[lab.director.mac, fleet.server.mac]], "requests at the server")
        // And nothing of TCP but answers: no request came otherwise.
        let next = cell.isByDirector ? lab.director.mac : lab.client.mac
        #expect(Self.ends(answers) == [[fleet.server.mac, next]], "answers at the server")
        let answerer = cell.answerer(for: vip, on: fleet)
        let unlike = answers.first { !$0.contains(" \(answerer) > ") }
        #expect(unlike == nil, "an answer from another address than \(answerer)")

        let port = "\(vip).80"
        let fromVIP = seen.filter { $0.contains(" \(port) > ") }
        let last = cell.isByDirector ? lab.director.mac : fleet.server.mac
        #expect(Self.ends(fromVIP) == [[last, lab.client.mac]], "answers at the client")
        let others = seen.first { !$0.contains(" \(port) > ") && !$0.contains(" > \(port): ") }
        #expect(others == nil, "packets of other connections at the client")
        #expect(Self.segmentSizes(fromVIP) == [maximumSegment], "MSS of the SYN-ACKs")
    }

    /// Where the agent answers directors.
    private static let reportPort = 9380

    /// The source and destination MACs of frames, each pair once.
    private static func ends(_ frames: [Substring]) -> Set<[MACAddress]> {
        Set(
            frames.map { line in
                // `TIME SOURCE > DESTINATION, …`
                let words = line.split(separator: " ")
                return [1, 3].compactMap { words.count > $0 ? MACAddress(words[$0].filter { $0 != "," }) : nil }
            })
    }

    /// The MSS of each SYN-ACK, each once.
    static func segmentSizes(_ frames: [Substring]) -> Set<Int> {
        Set(
            frames.compactMap { line in
                let words = line.split { " ,[".contains($0) }
                return words.firstIndex(of: "mss").flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
            })
    }
}
