import Forwarding
import NetworkAddress
import Testing

@Suite("Network address translation")
struct TranslationTests {
    typealias Flag = TestFrame.Flag

    /// 192.0.2.10:80 on 10.0.0.1:8080 and 10.0.0.2:8080.
    static func forwarder(_ change: (inout VirtualService) -> Void = { _ in }) -> Forwarder {
        var service = VirtualService.web([.nat(1, port: 8080), .nat(2, port: 8080)])
        change(&service)
        var forwarder = Forwarder(flowCapacity: 100, seed: 3)
        forwarder.apply([service], now: .seconds(0))
        return forwarder
    }

    /// What the server with that number answers the client with that port.
    static func answer(_ host: UInt8, to clientPort: UInt16, _ flags: UInt8 = Flag.syn | Flag.ack) -> TestFrame {
        var frame = TestFrame()
        frame.source = MACAddress(rawValue: 0x02_00_00_00_00_00 | UInt64(host))
        frame.client = IPv4Address(10, 0, 0, host)
        frame.vip = IPv4Address(198, 51, 100, 7)
        frame.clientPort = 8080
        frame.port = clientPort
        frame.flags = flags
        return frame
    }

    @Test("the server's address and port in, the VIP's out, every checksum right, back to the station that asked")
    func bothWays() {
        var forwarder = Self.forwarder()
        var question = TestFrame()
        question.payload = 3
        let (verdict, inside) = forwarder.forward(bytes: question.checkedBytes, ingress: 7)
        #expect(verdict == .transmit(egress: 1))
        #expect(ReceivedFrame(inside).ends == "198.51.100.7:40001 > 10.0.0.1:8080")
        #expect(ReceivedFrame(inside).macs == "02:00:00:00:00:01 > 02:00:00:00:00:01")
        #expect(ReceivedFrame(inside).timeToLive == 63 && ReceivedFrame(inside).areChecksumsRight)

        let reply = Self.answer(1, to: 40001)
        let (back, outside) = forwarder.forward(bytes: reply.checkedBytes, ingress: 1)
        #expect(back == .transmit(egress: 7), "the interface that the question came in by")
        #expect(ReceivedFrame(outside).ends == "192.0.2.10:80 > 198.51.100.7:40001")
        #expect(ReceivedFrame(outside).macs == "02:00:00:00:00:01 > 02:00:00:00:00:fe")
        #expect(ReceivedFrame(outside).timeToLive == 63 && ReceivedFrame(outside).areChecksumsRight)

        let service = forwarder.statistics()[0]
        #expect(service.inbound == Traffic(packets: 1, bytes: 43) && service.outbound == Traffic(packets: 1, bytes: 40))
        #expect(service.servers[0].inbound == service.inbound && service.servers[0].outbound == service.outbound)
    }

    @Test("a partial checksum stays one: the pseudo-header's sum of the new addresses, whatever the ports")
    func partial() {
        var forwarder = Self.forwarder()
        let (_, inside) = forwarder.forward(bytes: TestFrame().partialBytes, isPartial: true)
        #expect(ReceivedFrame(inside).isPartialSumRight)
        let (_, outside) = forwarder.forward(bytes: Self.answer(1, to: 40001).partialBytes, isPartial: true)
        #expect(ReceivedFrame(outside).isPartialSumRight)
    }

    @Test("what is no answer of a flow's is none of ours, nor is another server's, nor another port's")
    func strangers() {
        var forwarder = Self.forwarder()
        #expect(forwarder.forward(bytes: Self.answer(1, to: 40001).bytes).verdict == .notOurs)
        #expect(forwarder.send(Flag.syn, from: 40001) == .transmit(egress: 1))
        var reply = Self.answer(2, to: 40001)
        #expect(forwarder.forward(bytes: reply.bytes).verdict == .notOurs, "another server")
        reply = Self.answer(1, to: 40001)
        reply.clientPort = 80
        #expect(forwarder.forward(bytes: reply.bytes).verdict == .notOurs, "another port")
        reply = Self.answer(1, to: 40001)
        #expect(forwarder.forward(bytes: reply.bytes).verdict == .transmit(egress: 0))
        #expect(forwarder.drops.total == 0)
    }

    @Test("both directions make the state: the server's FIN closes as the client's does")
    func states() {
        var forwarder = Self.forwarder()
        func server(_ flags: UInt8, _ seconds: Double) -> Verdict {
            forwarder.forward(bytes: Self.answer(1, to: 40001, flags).bytes, at: .seconds(seconds)).verdict
        }
        #expect(forwarder.send(Flag.syn, from: 40001) == .transmit(egress: 1))
        #expect(server(Flag.syn | Flag.ack, 1) == .transmit(egress: 0))
        #expect(forwarder.connections == [[1, 0], [0, 0]])
        #expect(forwarder.send(Flag.ack, from: 40001) == .transmit(egress: 1))
        // The server closes first: FIN_WAIT; the client's FIN then makes TIME_WAIT, which is forgotten after 120 s.
        #expect(server(Flag.fin | Flag.ack, 2) == .transmit(egress: 0))
        #expect(forwarder.connections == [[0, 1], [0, 0]])
        #expect(forwarder.send(Flag.fin | Flag.ack, from: 40001, at: 3) == .transmit(egress: 1))
        #expect(server(Flag.ack, 122) == .transmit(egress: 0), "still remembered")
        #expect(server(Flag.ack, 243) == .notOurs)
        #expect(forwarder.send(Flag.ack, from: 40001, at: 243) == .drop(.noFlow))
    }

    @Test("answers follow a client whose packets come another way now")
    func movedClient() {
        var forwarder = Self.forwarder()
        _ = forwarder.forward(bytes: TestFrame().bytes, ingress: 3)
        var moved = TestFrame()
        moved.flags = Flag.ack
        moved.source = MACAddress(rawValue: 0x02_00_00_00_00_FD)
        _ = forwarder.forward(bytes: moved.bytes, ingress: 4)
        let (verdict, bytes) = forwarder.forward(bytes: Self.answer(1, to: 40001).bytes)
        #expect(verdict == .transmit(egress: 4))
        #expect(ReceivedFrame(bytes).macs == "02:00:00:00:00:01 > 02:00:00:00:00:fd")
    }

    @Test("UDP: each client stays with its server, a checksum of none stays none, one that comes out as 0 is all ones")
    func datagrams() {
        var forwarder = Self.forwarder { $0.transport = .udp }
        var question = TestFrame()
        question.transport = 17
        question.payload = 5
        let (verdict, inside) = forwarder.forward(bytes: question.checkedBytes)
        #expect(verdict == .transmit(egress: 1))
        #expect(
            ReceivedFrame(inside).ends == "198.51.100.7:40001 > 10.0.0.1:8080"
                && ReceivedFrame(inside).areChecksumsRight)
        var unchecked = question.checkedBytes
        (unchecked[40], unchecked[41]) = (0, 0)
        let (_, stillNone) = forwarder.forward(bytes: unchecked)
        #expect(stillNone[40] == 0 && stillNone[41] == 0)
        // A payload for which the translated datagram's sum is 0.
        for filler in UInt8(0)...255 {
            question.filler = filler
            for clientPort in stride(from: UInt16(1), through: 60_000, by: 257) {
                question.clientPort = clientPort
                let (_, bytes) = forwarder.forward(bytes: question.checkedBytes)
                guard bytes[40] == 0xFF, bytes[41] == 0xFF else { continue }
                #expect(ReceivedFrame(bytes).areChecksumsRight)
                return
            }
        }
        Issue.record("no datagram came out with a sum of 0")
    }

    @Test(
        "a client that asks two VIPs from one port is answered by the one it came to last, and by the other once that is forgotten"
    )
    func sharedServerPort() {
        var other = VirtualService.web([.nat(1, port: 8080)])
        other.vip = .v4(IPv4Address(192, 0, 2, 11))
        var forwarder = Forwarder(flowCapacity: 100, seed: 3, timeouts: FlowTimeouts(finWait: 1000))
        forwarder.apply([.web([.nat(1, port: 8080)]), other], now: .seconds(0))
        func answered(_ now: Ticks) -> String {
            let (verdict, bytes) = forwarder.forward(bytes: Self.answer(1, to: 40001, Flag.ack).checkedBytes, at: now)
            return verdict == .transmit(egress: 0) ? ReceivedFrame(bytes).ends : "\(verdict)"
        }
        var frame = TestFrame()
        _ = forwarder.forward(bytes: frame.bytes, at: .seconds(0))
        #expect(answered(.seconds(0)) == "192.0.2.10:80 > 198.51.100.7:40001")
        frame.vip = IPv4Address(192, 0, 2, 11)
        _ = forwarder.forward(bytes: frame.bytes, at: .seconds(0))
        #expect(answered(.seconds(0)) == "192.0.2.11:80 > 198.51.100.7:40001")
        // What is left of the connection before takes nothing away from the new one.
        frame.vip = IPv4Address(192, 0, 2, 10)
        frame.flags = Flag.ack
        _ = forwarder.forward(bytes: frame.bytes, at: .seconds(1))
        #expect(answered(.seconds(1)) == "192.0.2.11:80 > 198.51.100.7:40001")
        frame.vip = IPv4Address(192, 0, 2, 11)
        frame.flags = Flag.rst
        _ = forwarder.forward(bytes: frame.bytes, at: .seconds(1))
        frame.vip = IPv4Address(192, 0, 2, 10)
        frame.flags = Flag.ack
        _ = forwarder.forward(bytes: frame.bytes, at: .seconds(30))
        #expect(answered(.seconds(30)) == "192.0.2.10:80 > 198.51.100.7:40001")
    }

    @Test("port 0 on the server is the port the client used")
    func samePort() {
        var forwarder = Self.forwarder {
            $0.servers = [.nat(1, port: 0)]; $0.port = 0
        }
        let (_, bytes) = forwarder.forward(bytes: TestFrame().checkedBytes)
        #expect(
            ReceivedFrame(bytes).ends == "198.51.100.7:40001 > 10.0.0.1:80" && ReceivedFrame(bytes).areChecksumsRight)
    }

    @Test("fragments are translated like the first one, their bytes left alone, both ways")
    func fragments() {
        var forwarder = Self.forwarder { $0.transport = .udp }
        var first = TestFrame()
        first.transport = 17
        first.payload = 16
        first.fragment = 0x2000
        #expect(
            ReceivedFrame(forwarder.forward(bytes: first.checkedBytes).bytes).ends
                == "198.51.100.7:40001 > 10.0.0.1:8080")
        first.fragment = 0x0003
        let input = first.bytes
        let (verdict, later) = forwarder.forward(bytes: input)
        #expect(verdict == .transmit(egress: 1))
        #expect(later[34...] == input[34...])
        #expect(Array(later[26..<34]) == [198, 51, 100, 7, 10, 0, 0, 1] && ReceivedFrame(later).isHeaderChecksumRight)
        var reply = Self.answer(1, to: 40001)
        reply.transport = 17
        reply.fragment = 0x2000
        #expect(
            ReceivedFrame(forwarder.forward(bytes: reply.checkedBytes).bytes).ends
                == "192.0.2.10:80 > 198.51.100.7:40001")
        reply.fragment = 0x0002
        let (_, laterReply) = forwarder.forward(bytes: reply.bytes)
        #expect(Array(laterReply[26..<34]) == [192, 0, 2, 10, 198, 51, 100, 7])
    }
}
