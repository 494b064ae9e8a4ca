import Fuzzing
import Testing

@testable import Forwarding

@Suite("Flow table")
struct FlowTableTests {
    static func key(_ number: Int) -> IPv4FlowKey {
        IPv4FlowKey(
            client: UInt32(number / 7), vip: 0xC000_020A, clientPort: UInt16(number % 7), port: 80, transport: 6)
    }

    @Test("a flow of IPv4 takes 63 bytes, fixed when the table is made, and its record lies in one line of the cache")
    func size() {
        #expect(MemoryLayout<Flow<IPv4FlowKey>>.stride == 32)
        #expect(Forwarder.bytesPerFlow == 63)
        let forwarder = Forwarder(flowCapacity: 1000, seed: 1)
        #expect((forwarder.flowCapacity, forwarder.flowCount) == (1000, 0))
    }

    @Test(
        "whatever is added, renewed, removed and expired, it holds what a dictionary would",
        arguments: [1, 2, 3, 64, 1000])
    func model(capacity: Int) {
        var table = FlowTable<IPv4FlowKey>(capacity: capacity, seed: UInt64(capacity))
        var model: [Int: (server: UInt32, state: FlowState, deadline: UInt64, isTranslated: Bool)] = [:]
        var random = SplitMix(seed: UInt64(capacity))
        let timeouts = FlowTimeouts()
        var now: UInt64 = 0
        for _ in 0..<20_000 {
            now += UInt64.random(in: 0...1000, using: &random)
            let number = Int.random(in: 0..<capacity * 2, using: &random)
            let state = Self.states.randomElement(using: &random) ?? .udp
            let found = table.find(Self.key(number))
            #expect((found != nil) == (model[number] != nil))
            #expect(
                table.findAnswered(Self.answer(number)) == (model[number]?.isTranslated == true ? found : nil))
            if let found, let known = model[number] {
                let flow = table[found].pointee
                #expect(flow.server == known.server && flow.state == known.state && flow.deadline == known.deadline)
                if Bool.random(using: &random) {
                    table.renew(found, state: state, now: now)
                    model[number]?.state = state
                    model[number]?.deadline = now + timeouts.of(state)
                } else {
                    table.remove(found)
                    model[number] = nil
                }
            } else if !table.isFull {
                let server = UInt32.random(in: 0...9, using: &random)
                let isTranslated = Bool.random(using: &random)
                let answer = Self.answer(number)
                _ = table.add(
                    Flow(
                        key: Self.key(number), state: state, server: server, insidePort: answer.port,
                        inside: answer.vip), isTranslated: isTranslated, now: now)
                model[number] = (server, state, now + timeouts.of(state), isTranslated)
            }
            if Int.random(in: 0..<50, using: &random) == 0 {
                let inState = model.values.filter { $0.state == state }
                let oldest = table.oldest(in: state).map { table[$0].pointee.deadline }
                let grain = timeouts.of(state) / 16
                #expect((oldest == nil) == inState.isEmpty)
                if let oldest, let first = inState.map(\.deadline).min() { #expect(first...first + grain ~= oldest) }
                while let flow = table.expired(now: now) {
                    #expect(table[flow].pointee.deadline <= now)
                    table.remove(flow)
                }
                model = model.filter { number, flow in
                    let isLeft = table.find(Self.key(number)) != nil
                    if flow.deadline > now { #expect(isLeft, "expired too early") }
                    if flow.deadline + timeouts.of(flow.state) / 16 <= now { #expect(!isLeft, "expired, and left") }
                    return isLeft
                }
            }
            #expect(table.count == model.count)
            #expect(table.isFull == (model.count == capacity))
        }
        for number in model.keys { #expect(table.find(Self.key(number)) != nil) }
    }

    @Test("of a flow's packets only the first within a 16th of its timeout moves it; its deadline is exact")
    func grain() {
        var table = FlowTable<IPv4FlowKey>(capacity: 4, seed: 1, timeouts: FlowTimeouts(udp: 15_872))
        func flow(_ number: Int) -> Flow<IPv4FlowKey> {
            Flow(key: Self.key(number), state: .udp, server: 0, insidePort: 0, inside: 0)
        }
        let first = table.add(flow(0), isTranslated: false, now: 0)
        let second = table.add(flow(1), isTranslated: false, now: 0)
        // A 16th is 992 ms, the grain 512; each begins where a deadline is a multiple of it.
        for (now, oldest) in [(1, first), (511, first), (512, second), (1023, second), (1024, second)] {
            let keepsPlace = table.keepsPlace(first, state: .udp, now: UInt64(now))
            #expect(keepsPlace == (now % 512 != 0), "at \(now)")
            table.renew(first, state: .udp, now: UInt64(now))
            #expect(table.oldest(in: .udp) == oldest, "at \(now)")
            #expect(table[first].pointee.deadline == 15_872 + UInt64(now))
        }
        let keepsPlace = table.keepsPlace(first, state: .tcp(.close), now: 1024)
        #expect(!keepsPlace, "another state is another list")
        // What is due is found once what lies before it is: no later than a grain.
        table.renew(second, state: .udp, now: 1500)
        table.renew(first, state: .udp, now: 1535)
        #expect(table.oldest(in: .udp) == first)
        #expect(table.expired(now: 17_406) == nil)
        #expect(table.expired(now: 17_407) == first)
    }

    @Test("what is expected somewhere is found where it is, if it is there, elsewhere or nowhere")
    func expectation() {
        var table = FlowTable<IPv4FlowKey>(capacity: 4, seed: 1)
        func flow(_ number: Int) -> Flow<IPv4FlowKey> {
            let answer = Self.answer(number)
            return Flow(
                key: Self.key(number), state: .udp, server: 0, insidePort: answer.port, inside: answer.vip)
        }
        let records = (0..<3).map { table.add(flow($0), isTranslated: $0 != 1, now: 0) }
        let everywhere: [UInt32] = [0, 1, 2, 3, FlowTable<IPv4FlowKey>.none]
        for place in everywhere {
            for lookup in [FlowLookup.byKey, .byAnswer] {
                table.expect(place, lookup)
                for (number, record) in records.enumerated() {
                    let (known, answered) = (
                        table.find(Self.key(number)), table.findAnswered(Self.answer(number))
                    )
                    #expect(known == record)
                    #expect(answered == (number == 1 ? nil : record), "\(number), expected \(lookup) at \(place)")
                }
                let (unknown, unanswered) = (table.find(Self.key(9)), table.findAnswered(Self.answer(9)))
                #expect(unknown == nil && unanswered == nil)
            }
        }
        // One that went, and another that took its place since.
        table.remove(records[0])
        for place in everywhere {
            for lookup in [FlowLookup.byKey, .byAnswer] {
                table.expect(place, lookup)
                let (gone, unanswered) = (table.find(Self.key(0)), table.findAnswered(Self.answer(0)))
                #expect(gone == nil && unanswered == nil)
            }
        }
        let other = table.add(flow(9), isTranslated: true, now: 0)
        #expect(other == records[0])
        table.expect(other, .byAnswer)
        let (gone, taken) = (table.findAnswered(Self.answer(0)), table.findAnswered(Self.answer(9)))
        #expect(gone == nil && taken == other)
    }

    @Test("answers that two flows would share are the newest's, and once that is gone the next one's that is heard of")
    func sharedAnswers() {
        var table = FlowTable<IPv4FlowKey>(capacity: 8, seed: 1)
        let answer = Self.answer(0)
        // One client's port, three VIPs.
        let keys = (0..<3).map { Self.key(0).with(vip: 0xC000_0200 + UInt32($0), port: 80) }
        let records = keys.map {
            table.add(
                Flow(key: $0, state: .udp, server: 0, insidePort: answer.port, inside: answer.vip), isTranslated: true,
                now: 0)
        }
        func expect(_ record: UInt32?, _ table: borrowing FlowTable<IPv4FlowKey>) {
            let found = table.findAnswered(answer)
            #expect(found == record)
        }
        expect(records[2], table)
        table.claimAnswers(of: records[0], now: 1)
        expect(records[2], table)
        table.remove(records[2])
        expect(nil, table)
        table.claimAnswers(of: records[0], now: 1)
        expect(records[0], table)
        table.claimAnswers(of: records[1], now: 1)
        expect(records[0], table)
        // One whose time has come has nothing to say.
        table.claimAnswers(of: records[1], now: FlowTimeouts().udp)
        expect(records[1], table)
        table.remove(records[0])
        expect(records[1], table)
        table.remove(records[1])
        expect(nil, table)
        for key in keys {
            let found = table.find(key)
            #expect(found == nil)
        }
        // Nor is anything left of them in the index, where it would take others' places.
        for round in 0..<1000 {
            let (one, other) = (round % 3, (round + 1) % 3)
            let records = [one, other].map {
                table.add(
                    Flow(key: keys[$0], state: .udp, server: 0, insidePort: answer.port, inside: answer.vip),
                    isTranslated: true, now: 0)
            }
            expect(records[1], table)
            table.remove(records[round % 2])
            table.remove(records[1 - round % 2])
        }
    }

    static let states = TCPState.allCases.map(FlowState.tcp) + [.udp]

    /// What the answers of the flow with that number are found by: one of a few servers, on port 8080.
    static func answer(_ number: Int) -> IPv4FlowKey {
        key(number).with(vip: 0x0A00_0000 + UInt32(number % 3), port: 8080)
    }

    @Test("the hash spreads consecutive clients, and differently for each seed")
    func hash() {
        let buckets = 1024
        func counts(_ seed: UInt64, _ keys: [IPv4FlowKey]) -> [Int] {
            let hash = FlowHash(seed: seed)
            var counts = [Int](repeating: 0, count: buckets)
            for key in keys { counts[Int(key.hash(hash) & UInt64(buckets - 1))] += 1 }
            return counts
        }
        let ports = (0..<buckets).map { IPv4FlowKey(client: 1, vip: 2, clientPort: UInt16($0), port: 80, transport: 6) }
        let clients = (0..<buckets).map {
            IPv4FlowKey(client: UInt32($0) << 12, vip: 2, clientPort: 1, port: 80, transport: 6)
        }
        for keys in [ports, clients] {
            // Balls into as many bins: about 7 in the fullest, 37 % empty. 20 and 50 % are far out.
            let spread = counts(1, keys)
            #expect(spread.max() ?? 0 < 20)
            #expect(spread.count { $0 == 0 } < buckets / 2)
        }
        // Keys chosen to share a bucket under one seed spread under another.
        let hash = FlowHash(seed: 1)
        let chosen = (0..<200_000).lazy.map {
            IPv4FlowKey(client: UInt32($0), vip: 2, clientPort: 1, port: 80, transport: 6)
        }
        .filter { $0.hash(hash) & UInt64(buckets - 1) == 0 }
        let keys = Array(chosen)
        #expect(keys.count > 100)
        #expect(counts(1, keys).max() == keys.count)
        #expect(counts(2, keys).max() ?? 0 < 20)
    }

    @Test("every part of the key changes the hash")
    func keyParts() {
        let hash = FlowHash(seed: 9)
        let base = IPv4FlowKey(client: 1, vip: 2, clientPort: 3, port: 4, transport: 6)
        var others: Set<UInt64> = [base.hash(hash)]
        for bit in 0..<32 {
            var key = base
            key.client ^= 1 << UInt32(bit)
            others.insert(key.hash(hash))
            key = base
            key.vip ^= 1 << UInt32(bit)
            others.insert(key.hash(hash))
        }
        for bit in 0..<16 {
            var key = base
            key.clientPort ^= 1 << UInt16(bit)
            others.insert(key.hash(hash))
            key = base
            key.port ^= 1 << UInt16(bit)
            others.insert(key.hash(hash))
        }
        #expect(others.count == 97)
    }
}
