import Lab
import NetworkAddress
import Testing

extension TheKernelLab {
    /// rsdirector in IPVS's place, and a real server that one running agent keeps fit for all of it at once, by the devices of
    /// Debian's kernel. What is claimed of packets is read from captures at the real server and at the client.
    @Suite("rsdirector and the forwarding matrix", DirectorMatrixScope(), .serialized)
    struct DirectorMatrixTests {
        @Test(
            "10 bytes, 10 MB down and 1 MB up arrive whole, each packet wrapped and answered as the service says",
            arguments: ForwardingCell.directed)
        func cell(_ cell: ForwardingCell) async throws {
            try await ForwardingExchange(
                cell: cell, fleet: try #require(DirectorMatrixScope.fleet), vip: cell.ownVIP,
                maximumSegment: cell.ownMaximumSegment
            ).judge()
        }

        @Test(
            "of segments too long for the tunnel the VIP says what fits, and the upload goes on and arrives whole",
            arguments: UnclampedServer.vips)
        func tooLong(vip: IPAddress) async throws {
            let fleet = try #require(DirectorMatrixScope.fleet)
            let (lab, server) = (fleet.lab, UnclampedServer.host(in: fleet.lab))
            let isIPv6 = vip.v6 != nil
            async let opening = Capture(on: lab.client, name: "too-long")
            async let openingToo = Capture(on: server, name: "too-long")
            let (atClient, atServer) = try await (opening, openingToo)
            let sent = "\(fleet.server.directory)/nginx/sent"
            try await lab.client.require(
                "curl -sSfg --max-time 60 -H Expect: -T \(sent) http://\(isIPv6 ? "[\(vip)]" : "\(vip)")/upload/\(isIPv6 ? 6 : 4)"
            )
            try await atClient.stop()
            try await atServer.stop()
            let got = "\(server.directory)/nginx/documents/upload/\(isIPv6 ? 6 : 4)"
            #expect(try await Command.run(["cmp", sent, got]).status == 0, "the upload")

            // The server did offer what fits its own wire and not the tunnel.
            let offered = try await atClient.frames("src host \(vip) and tcp")
            #expect(ForwardingExchange.segmentSizes(offered) == [isIPv6 ? 1440 : 1460])
            // 1,500 less the outer header.
            let told = try await atClient.frames(
                isIPv6
                    ? "src host \(vip) and icmp6 and ip6[40:2] = 0x0200 and ip6[44:4] = 1460"
                    : "src host \(vip) and icmp[0:2] = 0x0304 and icmp[6:2] = 1480")
            #expect(!told.isEmpty, "nothing was said of what fits")
            let errors = try await atClient.frames("(icmp or (icmp6 and ip6[40] < 128)) and not src host \(vip)")
            #expect(errors.isEmpty, "errors from others: \(errors)")
            #expect(told.allSatisfy { $0.contains("\(lab.director.mac) > \(lab.client.mac)") })
            let wrapped = isIPv6 ? "ip6 proto 41" : "ip proto 4 and ip[6] & 0x40 != 0"
            #expect(try await !atServer.frames(wrapped).isEmpty, "in the tunnel, not to be fragmented")
            #expect(try await atServer.frames("greater 1515").isEmpty, "more than the wire takes")
        }
    }
}
