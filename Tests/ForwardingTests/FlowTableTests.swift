import Fuzzing
import Testing

@testable import Forwarding

@Suite("Flow table")
struct FlowTableTests {
    static func key(_ number: Int) -> FlowKey {
        FlowKey(client: UInt32(number / 7), vip: 0xC000_020A, clientPort: UInt16(number % 7), port: 80)
    }

    @Test("a flow takes 40 bytes and at most two buckets of 4, fixed when the table is made")
    func size() {
        #expect(MemoryLayout<Flow>.stride == 40)
        #expect(Forwarder.bytesPerFlow == 48)
        let forwarder = Forwarder(flowCapacity: 1000, seed: 1)
        #expect((forwarder.flowCapacity, forwarder.flowCount) == (1000, 0))
    }

    @Test(
        "whatever is added, renewed, removed and expired, it holds what a dictionary would",
        arguments: [1, 2, 3, 64, 1000])
    func model(capacity: Int) {
        var table = FlowTable(capacity: capacity, seed: UInt64(capacity))
        var model: [Int: (server: UInt32, state: TCPState, deadline: UInt64)] = [:]
        var random = SplitMix(seed: UInt64(capacity))
        var now: UInt64 = 0
        for _ in 0..<20_000 {
            now += UInt64.random(in: 0...1000, using: &random)
            let number = Int.random(in: 0..<capacity * 2, using: &random)
            let state = TCPState.allCases.randomElement(using: &random) ?? .none
            let found = table.find(Self.key(number))
            #expect((found != nil) == (model[number] != nil))
            if let found, let known = model[number] {
                #expect(table[found].server == known.server && table[found].state == known.state)
                #expect(table[found].deadline == known.deadline)
                if Bool.random(using: &random) {
                    table.renew(found, state: state, now: now)
                    model[number] = (known.server, state, now + state.timeout)
                } else {
                    table.remove(found)
                    model[number] = nil
                }
            } else if !table.isFull {
                let server = UInt32.random(in: 0...9, using: &random)
                table.add(Self.key(number), server: server, state: state, now: now)
                model[number] = (server, state, now + state.timeout)
            }
            if Int.random(in: 0..<50, using: &random) == 0 {
                let inState = model.values.filter { $0.state == state }
                let oldest = table.oldest(in: state)
                #expect(oldest.map { table[$0].deadline } == inState.map(\.deadline).min())
                while let flow = table.expired(now: now) {
                    #expect(table[flow].deadline <= now)
                    table.remove(flow)
                }
                model = model.filter { $0.value.deadline > now }
            }
            #expect(table.count == model.count)
            #expect(table.isFull == (model.count == capacity))
        }
        for number in model.keys { #expect(table.find(Self.key(number)) != nil) }
    }

    @Test("the hash spreads consecutive clients, and differently for each seed")
    func hash() {
        let buckets = 1024
        func counts(_ seed: UInt64, _ keys: [FlowKey]) -> [Int] {
            let hash = FlowHash(seed: seed)
            var counts = [Int](repeating: 0, count: buckets)
            for key in keys { counts[Int(hash(key) & UInt64(buckets - 1))] += 1 }
            return counts
        }
        let ports = (0..<buckets).map { FlowKey(client: 1, vip: 2, clientPort: UInt16($0), port: 80) }
        let clients = (0..<buckets).map { FlowKey(client: UInt32($0) << 12, vip: 2, clientPort: 1, port: 80) }
        for keys in [ports, clients] {
            // Balls into as many bins: about 7 in the fullest, 37 % empty. 20 and 50 % are far out.
            let spread = counts(1, keys)
            #expect(spread.max() ?? 0 < 20)
            #expect(spread.count { $0 == 0 } < buckets / 2)
        }
        // Keys chosen to share a bucket under one seed spread under another.
        let hash = FlowHash(seed: 1)
        let chosen = (0..<200_000).lazy.map { FlowKey(client: UInt32($0), vip: 2, clientPort: 1, port: 80) }
            .filter { hash($0) & UInt64(buckets - 1) == 0 }
        let keys = Array(chosen)
        #expect(keys.count > 100)
        #expect(counts(1, keys).max() == keys.count)
        #expect(counts(2, keys).max() ?? 0 < 20)
    }

    @Test("every part of the key changes the hash")
    func keyParts() {
        let hash = FlowHash(seed: 9)
        let base = FlowKey(client: 1, vip: 2, clientPort: 3, port: 4)
        var others: Set<UInt64> = [hash(base)]
        for bit in 0..<32 {
            var key = base
            key.client ^= 1 << UInt32(bit)
            others.insert(hash(key))
            key = base
            key.vip ^= 1 << UInt32(bit)
            others.insert(hash(key))
        }
        for bit in 0..<16 {
            var key = base
            key.clientPort ^= 1 << UInt16(bit)
            others.insert(hash(key))
            key = base
            key.port ^= 1 << UInt16(bit)
            others.insert(hash(key))
        }
        #expect(others.count == 97)
    }
}
