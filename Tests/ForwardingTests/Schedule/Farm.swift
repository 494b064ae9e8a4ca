import NetworkAddress

@testable import Forwarding

/// An IPv4 address as the packet path carries it.
func mapped(_ address: UInt32) -> IPv6Address { IPv6Address(mapping: IPv4Address(rawValue: address)) }

/// The members of a service, the servers behind them and a scheduler to ask. Members are called A, B, C…; they are
/// 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80…
struct Farm: ~Copyable {
    var servers = ServerTable(loads: LoadBook())
    private(set) var members: [Member] = []
    var scheduler: Scheduler

    init(
        _ kind: SchedulerKind, _ weights: [Int], active: [Int] = [], inactive: [Int] = [], overloaded: Set<Int> = [],
        options: SchedulerOptions = SchedulerOptions(), seed: UInt64 = 1
    ) {
        scheduler = Scheduler(kind, options: options, seed: seed)
        for index in weights.indices {
            let server = servers[servers.add(Farm.identity(index))]
            if overloaded.contains(index) {
                (server.pointee.active, server.pointee.upper) = (1, 1)
                server.pointee.updateOverload()
            }
            server.pointee.active = index < active.count ? active[index] : 0
            server.pointee.inactive = index < inactive.count ? inactive[index] : 0
        }
        change(to: weights)
    }

    static func identity(_ index: Int) -> Server.Identity {
        Server.Identity(
            vip: mapped(0xC000_020A), port: 80, transport: 6, address: mapped(0x0A00_0001 + UInt32(index)),
            serverPort: 0)
    }

    /// Member number `index`.
    static func member(_ index: Int, weight: Int) -> Member {
        let address = mapped(0x0A00_0001 + UInt32(index))
        return Member(server: UInt32(index), weight: weight, identity: .init(address: address, port: 80))
    }

    /// Changes weights; A comes first.
    mutating func change(to weights: [Int]) {
        change(to: weights.enumerated().map { Self.member($0, weight: $1) })
    }

    mutating func change(to members: [Member]) {
        self.members = members
        scheduler.membersChanged(to: members)
    }

    /// Takes the upper threshold away.
    mutating func relieve(_ index: UInt32) {
        servers[index].pointee.upper = 0
        servers[index].pointee.updateOverload()
    }

    /// The index of the member that this client gets. `connecting` counts an active connection on it.
    mutating func next(_ client: Client = Client(0), connecting: Bool = false, now: UInt64 = 0) -> Int? {
        let question = ScheduleQuestion(
            source: client.address, sourcePort: client.port, destination: client.vip, destinationPort: 80)
        guard let index = scheduler.next(for: question, among: members, servers: servers, now: now) else { return nil }
        if connecting { servers[members[index].server].pointee.active += 1 }
        return index
    }

    /// The next `count` picks as letters, `-` for none.
    mutating func picks(_ count: Int, connecting: Bool = false, now: UInt64 = 0) -> String {
        var text = ""
        for number in 0..<count { text += Self.letter(next(Client(number), connecting: connecting, now: now)) }
        return text
    }

    /// What each of these clients gets.
    mutating func picks(for clients: [Client]) -> String {
        var text = ""
        for client in clients { text += Self.letter(next(client)) }
        return text
    }

    static func letter(_ index: Int?) -> String {
        index.map { String(UnicodeScalar(UInt8(65 + $0))) } ?? "-"
    }
}

extension Scheduler {
    mutating func next(
        for question: ScheduleQuestion, among members: [Member], servers: borrowing ServerTable, now: UInt64
    ) -> Int? {
        members.withUnsafeBufferPointer { next(for: question, among: $0, servers: servers, now: now) }
    }
}

/// Who asks.
struct Client {
    var address: IPv6Address
    var port: UInt16 = 40_000
    var vip = mapped(0xC000_020A)

    /// 198.51.100.1 for number 0, and so on.
    init(_ number: Int) {
        address = mapped(0xC633_6401 + UInt32(number))
    }

    /// 198.51.100.1 to .24.
    static let many = (0..<24).map { Client($0) }
    /// 198.51.100.7 from ports 40000 to 40023.
    static let ports = (0..<24).map { number in
        var client = Client(6)
        client.port += UInt16(number)
        return client
    }
    /// 2001:db8:1:77n::n for n from 1 to 12.
    static let v6 = (1...12).map { number in
        var client = Client(0)
        client.address = IPv6Address(high: 0x2001_0db8_0001_0000 | UInt64(number * 77), low: UInt64(number))
        client.vip = client.address
        return client
    }
    /// To 192.0.2.1 to .24.
    static let vips = (1...24).map { number in
        var client = Client(0)
        client.vip = mapped(0xC000_0200 + UInt32(number))
        return client
    }
}
