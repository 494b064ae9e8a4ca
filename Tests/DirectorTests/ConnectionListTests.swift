internal import Forwarding
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("the list of connections")
struct ConnectionListTests {
    static func end(_ text: String, _ port: UInt16) -> Connection.End {
        Connection.End(address: IPAddress(text) ?? .v4(.any), port: port)
    }

    static func connection(_ port: UInt16, idle: UInt64) -> Connection {
        Connection(
            transport: 6, state: "ESTABLISHED", expires: 900_000 - idle, idle: idle, source: end("198.51.100.7", port),
            virtual: end("192.0.2.10", 80), destination: end("10.0.0.11", 8080))
    }

    static func list(_ question: ConnectionQuestion, _ connections: [Connection]) -> ConnectionList {
        connections.reduce(into: ConnectionList.Builder(question)) { $0.add($1) }.finished
    }

    @Test("it is laid out as ipvsadm -Lnc is")
    func layout() {
        let template = Connection(
            transport: 17, state: "NONE", isTemplate: true, expires: 299_999, idle: 0,
            source: Self.end("2001:db8::", 0),
            virtual: Self.end("2001:db8::10", 53), destination: Self.end("2001:db8::11", 53))
        let list = Self.list(.init(), [Self.connection(40001, idle: 3000), template])
        #expect(
            list.text == """
                IPVS connection entries
                pro expire state       source             virtual            destination
                UDP 04:59  NONE        [2001:db8::]:0     [2001:db8::10]:53  [2001:db8::11]:53
                TCP 14:57  ESTABLISHED 198.51.100.7:40001 192.0.2.10:80      10.0.0.11:8080

                """)
    }

    @Test("of many, those asked for: the newest or the oldest, in order, and how many there are")
    func selection() {
        // 1 to 500 seconds, in an order of no meaning.
        let many = (0..<500).map { index in
            let seconds = index * 7 % 500 + 1
            return Self.connection(UInt16(seconds), idle: UInt64(seconds) * 1000)
        }
        let newest = Self.list(.init(limit: 3), many)
        #expect(newest.total == 500 && newest.connections.map(\.idle) == [1, 2, 3])
        #expect(newest.text.hasSuffix("3 of 500; --limit shows more\n"))
        let oldest = Self.list(.init(limit: 3, order: .oldest), many)
        #expect(oldest.connections.map(\.source) == [500, 499, 498].map { "198.51.100.7:\($0)" })
        let all = Self.list(.init(limit: 500), many)
        #expect(all.connections.count == 500 && !all.text.contains("--limit"))
        #expect(ConnectionQuestion(limit: 0).limit == 1 && ConnectionQuestion(limit: .max).limit == 100_000)
    }

    @Test("as JSON it comes back as it was")
    func json() throws {
        let list = Self.list(.init(), [Self.connection(1, idle: 1500)])
        #expect(try ConnectionList(json: list.json()) == list)
        #expect(String(decoding: list.json(), as: UTF8.self).contains(#""protocol":"TCP""#))
    }
}
